from . import test_sales_rule_simulation
from . import test_rule_table
from . import test_sales_rule_set_table
from . import test_tours_rules_simulation
