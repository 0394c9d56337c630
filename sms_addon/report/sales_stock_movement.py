from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

DIRECTIONS = [('in', "In"), ('out', "Out"), ('internal', "Inside the Warehouse")]
KINDS = [
    ('receipt', "Receipt"),
    ('delivery', "Delivery"),
    ('customer_return', "Return of a Customer"),
    ('vendor_return', "Return to a Vendor"),
    ('adjustment', "Adjustment or Scrap"),
    ('production', "Production"),
    ('transfer', "Transfer"),
]


class SalesStockMovement(models.Model):
    """What came and left, warehouse by warehouse: done move lines of storable products.

    A transfer between warehouses is two movements, out of one and into the other. Quantities are in the unit of the
    product, above zero for what came.
    """
    _name = 'sales.stock.movement'
    _description = "Stock Movement"
    _auto = False
    _order = 'date desc, id desc'
    _rec_name = 'reference'
    _depends = {
        'stock.move.line': [
            'state', 'date', 'product_id', 'location_id', 'location_dest_id', 'lot_id', 'quantity_product_uom',
            'move_id', 'picking_id'],
        'stock.move': ['reference', 'origin', 'partner_id', 'sale_line_id', 'quantity', 'product_uom', 'value'],
        'stock.picking': ['origin', 'partner_id'],
        'stock.location': ['warehouse_id', 'usage'],
        'product.product': ['product_tmpl_id'],
        'product.template': ['is_storable', 'categ_id', 'uom_id'],
        'sale.order.line': ['order_id'],
    }

    date = fields.Datetime(readonly=True)
    company_id = fields.Many2one('res.company', readonly=True)
    currency_id = fields.Many2one('res.currency', readonly=True)
    warehouse_id = fields.Many2one('stock.warehouse', readonly=True)
    product_id = fields.Many2one('product.product', readonly=True)
    product_tmpl_id = fields.Many2one('product.template', string="Product Template", readonly=True)
    categ_id = fields.Many2one('product.category', string="Product Category", readonly=True)
    uom_id = fields.Many2one('uom.uom', string="Unit", readonly=True)
    direction = fields.Selection(DIRECTIONS, readonly=True)
    kind = fields.Selection(KINDS, readonly=True)
    reference = fields.Char(string="Document", readonly=True)
    origin = fields.Char(string="Source Document", readonly=True)
    move_line_id = fields.Many2one('stock.move.line', string="Move Line", readonly=True)
    picking_id = fields.Many2one('stock.picking', string="Transfer", readonly=True)
    order_id = fields.Many2one('sale.order', string="Sales Order", readonly=True)
    partner_id = fields.Many2one('res.partner', string="Contact", readonly=True, help="Customer or vendor.")
    lot_id = fields.Many2one('stock.lot', string="Lot/Serial Number", readonly=True)
    location_id = fields.Many2one('stock.location', string="From", readonly=True)
    location_dest_id = fields.Many2one('stock.location', string="To", readonly=True)
    quantity = fields.Float(
        digits='Product Unit', readonly=True,
        help="What came (above zero) or left (below zero); nothing where it stayed in the warehouse.")
    quantity_moved = fields.Float(string="Moved", digits='Product Unit', readonly=True)
    quantity_in = fields.Float(string="Came In", digits='Product Unit', readonly=True)
    quantity_out = fields.Float(string="Went Out", digits='Product Unit', readonly=True)
    value = fields.Monetary(readonly=True, help="Value of the host for the move, with the sign of the quantity.")
    balance = fields.Float(
        compute='_compute_balance', digits='Product Unit',
        help="What of the product was in the warehouse after the movement.")

    @property
    def _table_query(self):
        return SQL("SELECT %s FROM %s WHERE %s", self._select(), self._from(), self._where())

    def _select(self):
        return SQL(
            """
            l.id::int8 * 2 + side.place AS id, l.date, w.company_id, company.currency_id, side.warehouse_id, l.product_id,
            p.product_tmpl_id, t.categ_id, t.uom_id, l.id AS move_line_id, l.picking_id, l.lot_id, l.location_id,
            l.location_dest_id, m.reference, line.order_id,
            COALESCE(picking.origin, m.origin) AS origin, COALESCE(m.partner_id, picking.partner_id) AS partner_id,
            CASE WHEN side.sign = 0 THEN 'internal' WHEN side.sign > 0 THEN 'in' ELSE 'out' END AS direction,
            CASE WHEN s.usage = 'supplier' THEN 'receipt'
                 WHEN d.usage = 'supplier' THEN 'vendor_return'
                 WHEN d.usage = 'customer' THEN 'delivery'
                 WHEN s.usage = 'customer' THEN 'customer_return'
                 WHEN 'inventory' IN (s.usage, d.usage) THEN 'adjustment'
                 WHEN 'production' IN (s.usage, d.usage) THEN 'production'
                 ELSE 'transfer' END AS kind,
            side.sign * l.quantity_product_uom AS quantity,
            l.quantity_product_uom AS quantity_moved,
            CASE WHEN side.sign > 0 THEN l.quantity_product_uom ELSE 0 END AS quantity_in,
            CASE WHEN side.sign < 0 THEN l.quantity_product_uom ELSE 0 END AS quantity_out,
            side.sign * COALESCE(m.value * l.quantity_product_uom
                / NULLIF(m.quantity * move_unit.factor / unit.factor, 0), 0) AS value
            """)

    def _from(self):
        return SQL(
            """
            stock_move_line l
            JOIN stock_move m ON m.id = l.move_id
            JOIN product_product p ON p.id = l.product_id
            JOIN product_template t ON t.id = p.product_tmpl_id
            JOIN uom_uom unit ON unit.id = t.uom_id
            JOIN uom_uom move_unit ON move_unit.id = m.product_uom
            JOIN stock_location s ON s.id = l.location_id
            JOIN stock_location d ON d.id = l.location_dest_id
            -- in or out of one warehouse, out of one into another, or inside of one
            CROSS JOIN LATERAL (VALUES
                (0, s.warehouse_id, CASE WHEN s.warehouse_id IS DISTINCT FROM d.warehouse_id THEN -1 ELSE 0 END),
                (1, d.warehouse_id, CASE WHEN s.warehouse_id IS DISTINCT FROM d.warehouse_id THEN 1 END)
            ) side (place, warehouse_id, sign)
            JOIN stock_warehouse w ON w.id = side.warehouse_id
            JOIN res_company company ON company.id = w.company_id
            LEFT JOIN stock_picking picking ON picking.id = l.picking_id
            LEFT JOIN sale_order_line line ON line.id = m.sale_line_id
            """)

    def _where(self):
        return SQL("l.state = 'done' AND t.is_storable AND side.sign IS NOT NULL")

    def _compute_balance(self):
        """Add up all movements of the products shown, those the user may not see, too: the balance is one of all."""
        balances = {}
        if self.ids:
            balances = dict(self.env.execute_query(SQL(
                """
                SELECT id, balance FROM (
                    SELECT id, SUM(quantity) OVER (PARTITION BY product_id, warehouse_id ORDER BY date, id) AS balance
                      FROM (%s) movement
                     WHERE product_id = ANY(%s) AND warehouse_id = ANY(%s)) running
                 WHERE id = ANY(%s)
                """, self._table_query, self.product_id.ids, self.warehouse_id.ids, self.ids)))
        for movement in self:
            movement.balance = balances.get(movement.id, 0.0)

    def action_open_document(self):
        """Open the transfer; without one, the order or the move line itself."""
        self.ensure_one()
        document = self.picking_id or self.order_id or self.move_line_id
        return document.get_formview_action()

    def action_traceability(self):
        """Open the host's report on where the lot, or what was moved with it, came from and went to."""
        self.ensure_one()
        self.env['stock.move.line'].check_access('read')
        document = self.lot_id or self.picking_id
        if not document:
            raise UserError(self.env._("Only a movement with a lot or a transfer can be traced."))
        action = self.env['ir.actions.client']._for_xml_id('stock.action_stock_report')
        return {
            **action,
            'context': {
                'active_id': document.id,
                'active_model': document._name,
                'model': 'stock.traceability.report',
                'url': '/stock/output_format/stock?active_id=:active_id&active_model=:active_model',
                'auto_unfold': True,
            },
        }
