from . import base_partner_merge
from . import sales_report_export
