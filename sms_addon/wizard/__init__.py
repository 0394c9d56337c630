from . import base_partner_merge
from . import sales_report_export
from . import sales_order_hold_decide
from . import sales_rule_simulation_run
from . import sales_rule_simulation_progress
from . import sales_rule_simulation
from . import sales_rule_simulation_line
from . import sales_rule_table_import
