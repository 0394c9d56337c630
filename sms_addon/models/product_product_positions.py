from odoo import api, models
from odoo.tools import SQL


class ProductProduct(models.Model):
    _name = 'product.product'
    _inherit = ['product.product']

    def write(self, vals):
        if 'active' in vals:
            self.env['sales.event']._note_stock('product.product', self.filtered('is_storable').ids)
        return super().write(vals)

    def action_open_stock_positions(self):
        """Open where the products stand in each warehouse."""
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_stock_position_action'),
            'domain': [('product_id', 'in', self.ids)],
            'context': {},
        }

    def action_open_stock_movements(self):
        """Open what came and left of the products."""
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_stock_movement_action'),
            'domain': [('product_id', 'in', self.ids)],
            'context': {'search_default_group_warehouse': 1} if len(self) == 1 else {},
        }

    @api.readonly
    def get_stock_map(self):
        """Return where the product is, in the warehouses of the user's companies.

        :return: ``unit``, ``quantity`` and ``warehouses``: list of {id, name, quantity, reserved, locations}, of which
            each is {id, name, quantity, reserved, lots}, of which each is {id, name, quantity, reserved, expiry}; the
            fullest first. What lies in no warehouse (in transit) is in one of id False.
        """
        self.ensure_one()
        self.check_access('read')
        self.env['sales.stock.position'].check_access('read')
        return self._get_stock_map(self.env.companies)

    def _get_stock_map(self, companies):
        warehouses = {}
        for row in self._get_stock_map_rows(companies):
            warehouse = warehouses.setdefault(row['warehouse_id'], {
                'id': row['warehouse_id'] or False, 'name': row['warehouse'] or self.env._("In Transit"),
                'quantity': 0.0, 'reserved': 0.0, 'locations': {}})
            location = warehouse['locations'].setdefault(row['location_id'], {
                'id': row['location_id'], 'name': row['location'], 'quantity': 0.0, 'reserved': 0.0, 'lots': []})
            for place in (warehouse, location):
                place['quantity'] += row['quantity']
                place['reserved'] += row['reserved']
            if row['lot_id']:
                location['lots'].append({
                    'id': row['lot_id'], 'name': row['lot'], 'quantity': row['quantity'], 'reserved': row['reserved'],
                    'expiry': row['expiry'] and row['expiry'].isoformat() or False})
        found = sorted(warehouses.values(), key=lambda place: (not place['id'], -place['quantity'], place['name']))
        for warehouse in found:
            warehouse['locations'] = sorted(
                warehouse['locations'].values(), key=lambda place: (-place['quantity'], place['name']))
        return {
            'unit': self.uom_id.name,
            'quantity': sum(warehouse['quantity'] for warehouse in found),
            'warehouses': found,
        }

    def _get_stock_map_rows(self, companies):
        """Return what lies where, by location and lot.

        Positions tell salespeople what is there, and this where it is; the host's list of quants is for planners, who
        may change it.
        """
        self.env['stock.quant'].flush_model()
        # lots expire only with the host's module for it
        expiry = SQL("MIN(lot.expiration_date)::date") \
            if 'expiration_date' in self.env['stock.lot']._fields else SQL("NULL::date")
        self.env.cr.execute(SQL(
            """
            SELECT l.warehouse_id, w.name AS warehouse, l.id AS location_id, l.complete_name AS location,
                   q.lot_id, lot.name AS lot, SUM(q.quantity)::float8 AS quantity,
                   COALESCE(SUM(q.reserved_quantity), 0)::float8 AS reserved, %(expiry)s AS expiry
              FROM stock_quant q
              JOIN stock_location l ON l.id = q.location_id
              LEFT JOIN stock_warehouse w ON w.id = l.warehouse_id
              LEFT JOIN stock_lot lot ON lot.id = q.lot_id
             WHERE q.product_id = %(product)s AND l.usage IN ('internal', 'transit')
               AND COALESCE(w.company_id, l.company_id) = ANY(%(companies)s)
             GROUP BY l.warehouse_id, w.name, l.id, l.complete_name, q.lot_id, lot.name
            HAVING SUM(q.quantity) <> 0 OR SUM(q.reserved_quantity) <> 0
             ORDER BY SUM(q.quantity) DESC, lot.name
            """, expiry=expiry, product=self.id, companies=companies.ids))
        return self.env.cr.dictfetchall()
