from . import sales_report_export
