from . import sales_report_export
from . import portal
from . import sales_approval
from . import sales_rule_table
