from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..models.sales_stock_position import VALUE_GROUPS

#: the sides of a move line: the warehouse that it leaves, and the one that it comes to
OUT_OF, INTO = 0, 1
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
    move_line_id = fields.Many2one('stock.move.line', readonly=True)
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
    value = fields.Monetary(
        readonly=True, groups=VALUE_GROUPS,
        help="What the stock is worth that was moved, with the sign of the quantity.")
    balance = fields.Float(
        compute='_compute_balance', digits='Product Unit',
        help="What of the product was in the warehouse after the movement.")

    @property
    def _table_query(self):
        # a constant side each, so that rows are found by id and by date without reading all of them
        return SQL(" UNION ALL ").join(
            SQL("SELECT %s FROM %s WHERE %s", self._select(place), self._from(place), self._where(place))
            for place in (OUT_OF, INTO))

    def _select(self, place):
        sign = self._sign(place)
        return SQL(
            """
            l.id::int8 * 2 + %(place)s AS id, l.date, w.company_id, company.currency_id, w.id AS warehouse_id,
            l.product_id, p.product_tmpl_id, t.categ_id, t.uom_id, l.id AS move_line_id, l.picking_id, l.lot_id,
            l.location_id, l.location_dest_id, m.reference, line.order_id,
            COALESCE(picking.origin, m.origin) AS origin, COALESCE(m.partner_id, picking.partner_id) AS partner_id,
            CASE %(sign)s WHEN 0 THEN 'internal' WHEN 1 THEN 'in' ELSE 'out' END AS direction,
            CASE WHEN s.usage = 'supplier' THEN 'receipt'
                 WHEN d.usage = 'supplier' THEN 'vendor_return'
                 WHEN d.usage = 'customer' THEN 'delivery'
                 WHEN s.usage = 'customer' THEN 'customer_return'
                 WHEN 'inventory' IN (s.usage, d.usage) THEN 'adjustment'
                 WHEN 'production' IN (s.usage, d.usage) THEN 'production'
                 ELSE 'transfer' END AS kind,
            %(sign)s * l.quantity_product_uom AS quantity,
            l.quantity_product_uom AS quantity_moved,
            GREATEST(%(sign)s, 0) * l.quantity_product_uom AS quantity_in,
            GREATEST(-%(sign)s, 0) * l.quantity_product_uom AS quantity_out,
            %(sign)s * COALESCE(m.value * l.quantity_product_uom
                / NULLIF(m.quantity * move_unit.factor / unit.factor, 0), 0) AS value
            """, place=place, sign=sign)

    def _sign(self, place):
        """Return what a line does to the stock of the warehouse that is looked at; within it, nothing."""
        if place == INTO:
            return SQL("1")
        return SQL("(CASE WHEN s.warehouse_id IS DISTINCT FROM d.warehouse_id THEN -1 ELSE 0 END)")

    def _from(self, place):
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
            JOIN stock_warehouse w ON w.id = %s
            JOIN res_company company ON company.id = w.company_id
            LEFT JOIN stock_picking picking ON picking.id = l.picking_id
            LEFT JOIN sale_order_line line ON line.id = m.sale_line_id
            """, self._warehouse(place))

    def _where(self, place):
        return SQL("t.is_storable AND %s", self._is_side(place))

    def _warehouse(self, place):
        return SQL("d.warehouse_id") if place == INTO else SQL("s.warehouse_id")

    def _is_side(self, place):
        """Return the condition on lines of which this is a side: what moves within a warehouse has one."""
        if place == INTO:
            return SQL("l.state = 'done' AND s.warehouse_id IS DISTINCT FROM d.warehouse_id")
        return SQL("l.state = 'done'")

    def _compute_balance(self):
        """Add up all movements of the products shown, those the user may not see, too: the balance is one of all."""
        balances = {}
        if self.ids:
            lines = SQL(" UNION ALL ").join(
                SQL(
                    """
                    SELECT l.id::int8 * 2 + %(place)s AS id, l.date, l.product_id, %(warehouse)s AS warehouse_id,
                           %(sign)s * l.quantity_product_uom AS quantity
                      FROM stock_move_line l
                      JOIN stock_location s ON s.id = l.location_id
                      JOIN stock_location d ON d.id = l.location_dest_id
                     WHERE %(is_side)s AND l.product_id = ANY(%(products)s) AND %(warehouse)s = ANY(%(warehouses)s)
                    """,
                    place=place, warehouse=self._warehouse(place), sign=self._sign(place),
                    is_side=self._is_side(place), products=self.product_id.ids, warehouses=self.warehouse_id.ids)
                for place in (OUT_OF, INTO))
            balances = dict(self.env.execute_query(SQL(
                """
                SELECT id, balance FROM (
                    SELECT id, SUM(quantity) OVER (PARTITION BY product_id, warehouse_id ORDER BY date, id) AS balance
                      FROM (%s) movement) running
                 WHERE id = ANY(%s)
                """, lines, self.ids)))
        for movement in self:
            movement.balance = balances.get(movement.id, 0.0)

    def action_open_document(self):
        """Open the transfer; without one, the order or the move line itself."""
        self.ensure_one()
        document = self.picking_id or self.order_id or self.move_line_id
        return document.get_formview_action()

    def action_traceability(self):
        """Open the host's report on where the lot came from and went to."""
        self.ensure_one()
        self.env['stock.move.line'].check_access('read')
        if not self.lot_id:
            raise UserError(self.env._("Only a movement of a lot or a serial number can be traced."))
        action = self.env['ir.actions.client']._for_xml_id('stock.action_stock_report')
        return {
            **action,
            'context': {
                'active_id': self.lot_id.id,
                'active_model': 'stock.lot',
                'model': 'stock.traceability.report',
                'url': '/stock/output_format/stock?active_id=:active_id&active_model=:active_model',
                'auto_unfold': True,
            },
        }
