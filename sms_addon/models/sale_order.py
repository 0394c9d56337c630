from odoo import api, fields, models


class SaleOrder(models.Model):
    _name = 'sale.order'
    _inherit = ['sale.order', 'sales.warehouse.source', 'sales.import.history']

    sales_import_id = fields.Many2one(
        'sales.import', string="Sales History Import", readonly=True, copy=False, index='btree_not_null',
        ondelete='set null')
    sales_import_key = fields.Char(
        string="Imported From", readonly=True, copy=False, help="Source and reference of an imported order.")
    sales_history = fields.Boolean(
        string="Settled Elsewhere", copy=False,
        help="The order is history: it was delivered and invoiced outside of this system, so it waits for neither.")

    _sales_import_key_idx = models.UniqueIndex(
        "(company_id, sales_import_key) WHERE sales_import_key IS NOT NULL", "The order has been imported already.")

    @api.depends('order_line.price_subtotal', 'currency_id', 'company_id', 'payment_term_id')
    def _compute_amounts(self):
        """Lines without taxes add up, rounded before or after as the company says; the tax engine is not needed."""
        if not self.env.context.get('sales_import_history'):
            return super()._compute_amounts()
        plain = self.filtered(lambda order: not order.payment_term_id and not order.order_line.tax_ids)
        for order in plain:
            if order.company_id.tax_calculation_rounding_method == 'round_per_line':
                amounts = order.order_line.mapped('price_subtotal')
            else:
                amounts = [line._get_raw_subtotal() for line in order.order_line]
            order.amount_untaxed = order.amount_total = order.currency_id.round(sum(amounts))
            order.amount_tax = 0.0
        return super(SaleOrder, self - plain)._compute_amounts()

    def _add_precomputed_values(self, vals_list):
        """An imported order in the currency of its company needs no pricelist to find that out."""
        if self.env.context.get('sales_import_history'):
            for vals in vals_list:
                if vals.get('pricelist_id') is False:
                    company = self.env['res.company'].browse(vals['company_id'])
                    vals.update(currency_id=company.currency_id.id, currency_rate=1.0)
        super()._add_precomputed_values(vals_list)
