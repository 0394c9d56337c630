from odoo import fields, models
from odoo.tools import SQL

from .sales_customer_figures import customer_key
from .sales_fixed_point import SCALE


class SalesCustomerCategory(models.Model):
    """What customers bought of a category: the day and the number of days, a row per customer, company and category.

    Read from the facts whenever it is asked for. Whoever asks for one category, or one customer, has only the facts of
    that one read.
    """
    _name = 'sales.customer.category'
    _description = "Category Bought by a Customer"
    _auto = False
    _order = 'revenue desc, id'
    _rec_name = 'categ_id'

    profile_id = fields.Many2one('sales.customer.profile', string="Customer Profile", readonly=True)
    company_id = fields.Many2one('res.company', readonly=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    user_id = fields.Many2one('res.users', string="Salesperson", readonly=True)
    categ_id = fields.Many2one('product.category', string="Product Category", readonly=True)
    first_date = fields.Date(string="First Bought", readonly=True)
    last_date = fields.Date(string="Last Bought", readonly=True)
    order_day_count = fields.Integer(string="Order Days", readonly=True, help="Days on which it was ordered.")
    recency = fields.Integer(string="Days Since", aggregator='avg', readonly=True)
    revenue = fields.Monetary(readonly=True)

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT f.id, f.profile_id, f.company_id, t.user_id, f.categ_id, f.first_date, f.last_date,
                   f.order_day_count, f.revenue, GREATEST(%s - f.last_date, 0) AS recency
              FROM (SELECT MIN(id) AS id, %s AS profile_id, company_id, categ_id,
                           MIN(date) AS first_date, MAX(date) AS last_date, COUNT(DISTINCT date) AS order_day_count,
                           ROUND(SUM(price_subtotal) / %s::numeric, 4) AS revenue
                      FROM sales_fact
                     WHERE state = 'sale' AND categ_id IS NOT NULL AND commercial_partner_id IS NOT NULL
                     GROUP BY commercial_partner_id, company_id, categ_id) f
              JOIN sales_customer_figures t ON t.id = f.profile_id
            """, self.env['sales.order.tracking']._today(SQL("f.company_id")),
            customer_key(SQL("commercial_partner_id"), SQL("company_id")), SCALE)


class SalesCustomerProfile(models.Model):
    _inherit = 'sales.customer.profile'

    category_ids = fields.One2many('sales.customer.category', 'profile_id', string="Bought Categories", readonly=True)
