from . import base_partner_merge
from . import sales_report_export
from . import sales_order_hold_decide
