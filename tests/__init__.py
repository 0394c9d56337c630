from . import test_sales_rule
from . import test_sales_rule_beside
from . import test_sales_rule_doors
