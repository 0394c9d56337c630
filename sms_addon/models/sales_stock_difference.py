from odoo import api, fields, models
from odoo.tools import SQL

#: figures that are listed of a company
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
    a mistake in our SQL shows, too. What has just moved and waits in the ledger for its reader is no difference, as
    long as the reader runs.
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
        positions = self.env['sales.stock.position']
        positions._check_manager()
        lines = (self or self.search([('company_id', 'in', self.env.companies.ids)])).sudo()
        products, companies = lines.product_id, lines.company_id
        # positions are written by SQL; nobody has the right to
        positions.sudo()._refresh_products(products.ids)
        lines.search([('product_id', 'in', products.ids), ('company_id', 'in', companies.ids)]).unlink()
        for warehouse in self.env['stock.warehouse'].sudo().search([('company_id', 'in', companies.ids)]):
            lines._check_part(warehouse, SQL("g.product_id = ANY(%s)", products.ids))
        return positions._show_check()

    @api.model
    def _check(self, companies):
        """Replace the list of some companies by what differs now, at once, and return how many figures do."""
        self.search([('company_id', 'in', companies.ids)]).unlink()
        parts, _size = self.env['sales.stock.check']._prepare_parts(companies)
        self._check_parts(parts)
        return self.search_count([('company_id', 'in', companies.ids)])

    @api.model
    def _check_parts(self, parts):
        """Compare parts of a check, see ``sales.stock.check``, all in this transaction."""
        for part in parts:
            self._check_part(self.env['stock.warehouse'].browse(part['warehouse_id']), SQL(
                "g.product_id BETWEEN %s AND %s", part['first_product_id'], part['last_product_id']))

    @api.model
    def _check_part(self, warehouse, scope):
        """List what differs of some goods ``g`` in a warehouse, as long as not too much of the company is listed."""
        self.env.flush_all()
        company = warehouse.company_id
        left = LIMIT - self.search_count([('company_id', '=', company.id)])
        if left > 0:
            positions = self.env['sales.stock.position']
            product_ids = [product_id for (product_id,) in self.env.execute_query(SQL(
                "SELECT g.product_id FROM (%s) g WHERE %s AND %s",
                positions._select_goods(lambda column: SQL("TRUE")), scope, positions._is_no_kit(company.id)))]
            self.create(list(self._compare(warehouse, product_ids))[:left])

    @api.model
    def _compare(self, warehouse, product_ids):
        """Return the figures of some products in a warehouse that are not those of the host."""
        # the company is what the host looks for kits by
        products = self.env['product.product'].with_context(
            warehouse_id=warehouse.id, company_id=warehouse.company_id.id).browse(product_ids)
        host = products._compute_quantities_dict(None, None, None)
        positions = {
            position.product_id.id: position for position in self.env['sales.stock.position'].search_fetch(
                [('warehouse_id', '=', warehouse.id), ('product_id', 'in', products.ids)], ['product_id', *MEASURES])}
        nothing = self.env['sales.stock.position']
        found = [
            {
                'product_id': product_id, 'warehouse_id': warehouse.id, 'company_id': warehouse.company_id.id,
                'measure': name, 'host_value': figures[host_name], 'position_value': position[name],
            }
            for product_id, figures in host.items() for position in [positions.get(product_id, nothing)]
            for name, host_name in MEASURES.items() if abs(position[name] - figures[host_name]) > TOLERANCE]
        waiting = self._get_waiting({each['product_id'] for each in found})
        return [each for each in found if each['product_id'] not in waiting]

    @api.model
    def _get_waiting(self, product_ids):
        """Return those of some products of which the ledger has events that the positions are about to read."""
        if not product_ids:
            return set()
        return {product_id for (product_id,) in self.env.execute_query(SQL(
            """
            SELECT DISTINCT e.product_id
              FROM sales_consumer c
              JOIN sales_event e ON (e.xid, e.id) > (c.offset_xid, c.offset_id)
             WHERE c.reader = 'sales.reader.stock' AND c.active AND NOT COALESCE(c.paused, FALSE)
               AND COALESCE(c.failure_count, 0) = 0 AND e.product_id = ANY(%s)
               AND e.type LIKE ANY(%s)
            """, list(product_ids), [f'{kind}%' for kind in self.env['sales.reader.stock']._reader_types]))}
