from odoo import fields, models


class ProductTemplate(models.Model):
    _inherit = 'product.template'

    stock_alert_count = fields.Integer(string="Stock Alerts", compute='_compute_stock_alert_count')

    def _compute_stock_alert_count(self):
        counts = {}
        alerts = self.env['sales.stock.alert']
        if alerts.has_access('read'):
            for product, count in alerts._read_group(
                    [('product_id', 'in', self.with_context(active_test=False).product_variant_ids.ids),
                     ('state', '!=', 'closed')], ['product_id'], ['__count']):
                counts[product.product_tmpl_id] = counts.get(product.product_tmpl_id, 0) + count
        for template in self:
            template.stock_alert_count = counts.get(template._origin, 0)

    def action_open_stock_alerts(self):
        """Open the alerts about the variants, those that are still open first."""
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_stock_alert_action'),
            'domain': [('product_id.product_tmpl_id', '=', self.id)],
            'context': {'search_default_todo': 1},
        }


class ProductProduct(models.Model):
    _name = 'product.product'
    _inherit = ['product.product']

    def unlink(self):
        # the database would take the alerts along, but not their activities and messages; whoever deletes a product
        # need not be allowed to see them
        self.env['sales.stock.alert'].sudo().search([('product_id', 'in', self.ids)]).unlink()
        return super().unlink()

    def action_open_stock_alerts(self):
        self.ensure_one()
        return {
            **self.product_tmpl_id.action_open_stock_alerts(), 'domain': [('product_id', '=', self.id)]}
