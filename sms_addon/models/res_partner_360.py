from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

#: products that the page suggests
SUGGESTIONS = 5


class ResPartner(models.Model):
    """The page that shows a customer; a contact shows its commercial entity."""
    _name = 'res.partner'
    _inherit = ['res.partner']

    sales_is_customer = fields.Boolean(
        string="Is a Customer", compute='_compute_sales_is_customer',
        help="Has orders, quotations, opportunities or customer invoices, itself or by its contacts.")

    @api.depends('commercial_partner_id')
    def _compute_sales_is_customer(self):
        self.env['sale.order'].flush_model(['partner_id'])
        self.env['crm.lead'].flush_model(['partner_id'])
        self.flush_model(['commercial_partner_id', 'customer_rank'])
        customers = {row[0] for row in self.env.execute_query(SQL(
            """
            SELECT c.id FROM res_partner c
             WHERE c.id = ANY(%s) AND (c.customer_rank > 0 OR EXISTS (
                   SELECT FROM res_partner p
                    WHERE p.commercial_partner_id = c.id AND (
                          EXISTS (SELECT FROM sale_order s WHERE s.partner_id = p.id)
                          OR EXISTS (SELECT FROM crm_lead l WHERE l.partner_id = p.id))))
            """, self.commercial_partner_id.ids))}
        for partner in self:
            partner.sales_is_customer = partner.commercial_partner_id._origin.id in customers

    @api.readonly
    def get_customer_360(self):
        """Return all that the page of the customer shows, in the current company; see ``sales.customer.page``."""
        self.ensure_one()
        self.check_access('read')
        return self.env['sales.customer.page']._get(self.commercial_partner_id)

    @api.readonly
    def get_customer_timeline(self, kind=None, place=None):
        """Return a page of the timeline of the customer.

        :param kind: only entries of that kind, see ``sales.customer.timeline``
        :param place: the ``next`` of the page before
        """
        self.ensure_one()
        self.check_access('read')
        return self.env['sales.customer.timeline']._get(self.commercial_partner_id, kind, place)

    def action_sales_plan_call(self):
        """Plan a call with the customer, as its profile does."""
        self.ensure_one()
        profile = self.env['sales.customer.profile'].search([
            ('commercial_partner_id', '=', self.commercial_partner_id.id), ('company_id', '=', self.env.company.id)])
        profile.action_plan_call()

    @api.readonly
    def action_new_sales_quotation(self):
        """Open a new quotation for the customer."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'sale.order',
            'views': [(False, 'form')],
            'context': {'default_partner_id': self.id},
        }

    def get_customer_suggestions(self):
        """Return what to offer now, as :meth:`get_sales_suggestions` has it; apart from the page, as it is noted."""
        self.ensure_one()
        return self.commercial_partner_id._get_sales_suggestions(SUGGESTIONS, 'customer')

    def add_customer_suggestion(self, product_id):
        """Add a product to the user's last open quotation for the customer, or to a new one.

        :return: ``id`` and ``name`` of the quotation
        """
        self.ensure_one()
        product = self.env['product.product'].browse(product_id).exists()
        if not product.sale_ok:
            raise UserError(self.env._("This product is not sold any more."))
        orders = self.env['sale.order']
        order = orders.search([
            ('partner_id.commercial_partner_id', '=', self.commercial_partner_id.id), ('state', '=', 'draft'),
            ('user_id', '=', self.env.uid), ('company_id', '=', self.env.company.id),
        ], order='date_order desc, id desc', limit=1)
        # it is the user's, whoever the customer belongs to: else they might not even open it
        order = order or orders.create({'partner_id': self.id, 'user_id': self.env.uid})
        order.add_sales_suggestion(product.id)
        return {'id': order.id, 'name': order.name}
