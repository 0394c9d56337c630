from odoo import fields, models


class SalesCustomerOutlook(models.Model):
    """What studies foresee of a customer."""
    _name = 'sales.customer.outlook'
    _description = "Outlook of a Customer"
    _auto = False
    _log_access = False

    commercial_partner_id = fields.Many2one('res.partner', readonly=True)
    company_id = fields.Many2one('res.company', readonly=True)

    def init(self):
        super().init()
        self.env.cr.execute("""
            CREATE TABLE IF NOT EXISTS sales_customer_outlook (
                id bigint PRIMARY KEY, commercial_partner_id integer, company_id integer, p_alive float8,
                expected_orders float8, expected_value numeric, churn_probability float8, horizon_days integer)""")
