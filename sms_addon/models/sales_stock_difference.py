from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL, split_every

BATCH = 5000
LIMIT = 1000
TOLERANCE = 0.000001
#: column of the position -> what the host calls it
MEASURES = {
    'qty_on_hand': 'qty_available',
    'qty_free': 'free_qty',
    'qty_incoming': 'incoming_qty',
    'qty_outgoing': 'outgoing_qty',
    'qty_forecast': 'virtual_available',
}


class SalesStockDifference(models.Model):
    """Where a stock position and the host disagree, found by Check.

    The host is asked in its own way (``product.with_context(warehouse_id=…)``), which reads quants and moves, so that
    a mistake in our SQL shows, too.
    """
    _name = 'sales.stock.difference'
    _description = "Difference between a Stock Position and the Host"
    _log_access = False
    _order = 'warehouse_id, product_id, id'
    _rec_name = 'product_id'

    product_id = fields.Many2one('product.product', required=True, readonly=True, ondelete='cascade')
    warehouse_id = fields.Many2one('stock.warehouse', required=True, readonly=True, ondelete='cascade')
    company_id = fields.Many2one('res.company', required=True, readonly=True, ondelete='cascade')
    measure = fields.Char(string="Measure Name", required=True, readonly=True)
    measure_label = fields.Char(string="Measure", compute='_compute_measure_label')
    host_value = fields.Float(string="In Inventory", digits='Product Unit', readonly=True)
    position_value = fields.Float(string="On the Board", digits='Product Unit', readonly=True)
    difference = fields.Float(digits='Product Unit', compute='_compute_difference')

    @api.depends('host_value', 'position_value')
    def _compute_difference(self):
        for line in self:
            line.difference = line.position_value - line.host_value

    @api.depends('measure')
    def _compute_measure_label(self):
        names = self.env['sales.stock.position'].fields_get(list(MEASURES), ['string'])
        for line in self:
            line.measure_label = names.get(line.measure, {}).get('string')

    def action_repair(self):
        """Read the positions of the selected products anew, or of all that differ, and list what differs still."""
        self.env['sales.stock.position']._check_manager()
        lines = self or self.search([('company_id', 'in', self.env.companies.ids)])
        # positions are written by SQL; nobody has the right to
        self.env['sales.stock.position'].sudo()._refresh_products(lines.sudo().product_id.ids)
        return self.env['sales.stock.position'].action_check()

    @api.model
    def _check(self, companies):
        """Replace the list of some companies by what differs now, up to a thousand figures; return how many."""
        self.search([('company_id', 'in', companies.ids)]).unlink()
        self.env.flush_all()
        count = 0
        # the goods of the host, not those that have a position: one may be missing
        product_ids = [row[0] for row in self.env.execute_query(
            self.env['sales.stock.position']._select_goods(lambda column: SQL("TRUE")))]
        for warehouse in self.env['stock.warehouse'].search([('company_id', 'in', companies.ids)]):
            for ids in split_every(BATCH, product_ids):
                vals_list = list(self._compare(warehouse, ids))[:LIMIT - count]
                self.create(vals_list)
                count += len(vals_list)
        return count

    @api.model
    def _compare(self, warehouse, product_ids):
        """Yield the figures of some products in a warehouse that are not those of the host."""
        products = self.env['product.product'].with_context(warehouse_id=warehouse.id).browse(product_ids)
        host = products._compute_quantities_dict(None, None, None)
        positions = {
            position.product_id.id: position for position in self.env['sales.stock.position'].search_fetch(
                [('warehouse_id', '=', warehouse.id), ('product_id', 'in', products.ids)], ['product_id', *MEASURES])}
        nothing = self.env['sales.stock.position']
        for product_id, figures in host.items():
            position = positions.get(product_id, nothing)
            for name, host_name in MEASURES.items():
                if abs(position[name] - figures[host_name]) > TOLERANCE:
                    yield {
                        'product_id': product_id, 'warehouse_id': warehouse.id,
                        'company_id': warehouse.company_id.id, 'measure': name, 'host_value': figures[host_name],
                        'position_value': position[name],
                    }


class SalesStockPosition(models.Model):
    _name = 'sales.stock.position'
    _inherit = ['sales.stock.position']

    @api.model
    def _check_manager(self):
        if not (self.env.su or self.env.user.has_group('stock.group_stock_manager')):
            raise AccessError(self.env._("Only inventory administrators check the stock positions."))

    @api.model
    def action_check(self):
        """Compare all positions of the companies with the host, and open what differs."""
        self._check_manager()
        # what the check lists are figures of products that an administrator of the stock sees anyway
        count = self.env['sales.stock.difference'].sudo()._check(self.env.companies)
        if not count:
            return {
                'type': 'ir.actions.client',
                'tag': 'display_notification',
                'params': {
                    'type': 'success',
                    'message': self.env._("The stock board agrees with the stock and the planned moves of Inventory."),
                    'next': {'type': 'ir.actions.act_window_close'},
                },
            }
        return self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_stock_difference_action')
