from . import test_rule_sets
from . import test_sales_rule
from . import test_sales_rule_doors
