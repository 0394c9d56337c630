from . import test_sales_rule_simulation
