from . import test_sales_rule
