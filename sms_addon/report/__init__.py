from . import sales_customer_mixin
from . import sales_customer_report
from . import sales_customer_flow
from . import sales_customer_cohort
from . import sales_report_table
from . import sales_stock_movement
