from odoo import Command

from .common import LedgerCommon


class StockCommon(LedgerCommon):
    """Storable products in two warehouses, and positions that follow the ledger by :meth:`follow`."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.positions = cls.env['sales.stock.position']
        cls.main = cls.env['stock.warehouse'].search([('company_id', '=', cls.company.id)], limit=1)
        cls.branch = cls.env['stock.warehouse'].create({'name': "Branch", 'code': 'BRA'})
        cls.goods = cls.env['product.product'].create([
            {'name': f"Goods {n}", 'is_storable': True, 'list_price': 20, 'standard_price': 10 + n,
             'taxes_id': [Command.clear()]}
            for n in range(3)])
        cls.supplier_location = cls.env.ref('stock.stock_location_suppliers')
        cls.customer_location = cls.env.ref('stock.stock_location_customers')
        cls.reader = cls.env['sales.consumer'].search([('reader', '=', 'sales.reader.stock')])

    def follow(self):
        """Have the positions read what the ledger tells."""
        self.dispatch(self.reader)

    def position(self, product, warehouse=None):
        return self.positions.search([
            ('product_id', '=', product.id), ('warehouse_id', '=', (warehouse or self.main).id)])

    def put(self, product, quantity, warehouse=None, location=None, **values):
        """Count more of a product into a location."""
        location = location or (warehouse or self.main).lot_stock_id
        self.env['stock.quant']._update_available_quantity(product, location, quantity, **values)

    def move(self, product, quantity, source, target, done=True, **values):
        """Return a move between two locations, done when it can be."""
        move = self.env['stock.move'].create({
            'product_id': product.id, 'product_uom_qty': quantity, 'location_id': source.id,
            'location_dest_id': target.id, **values})
        move._action_confirm()
        move._action_assign()
        if done:
            move.quantity = quantity
            move.picked = True
            move._action_done()
        return move

    def receive(self, product, quantity, warehouse=None, **values):
        return self.move(product, quantity, self.supplier_location, (warehouse or self.main).lot_stock_id, **values)

    def ship(self, product, quantity, warehouse=None, **values):
        return self.move(product, quantity, (warehouse or self.main).lot_stock_id, self.customer_location, **values)

    def assertEqualsHost(self, products=None, warehouses=None):
        """Compare every position of the products with what the host says, and those that are not there with nothing."""
        self.env.flush_all()
        for warehouse in warehouses or self.main + self.branch:
            for product in (products or self.goods).with_context(warehouse_id=warehouse.id):
                product.invalidate_recordset()
                position = self.position(product, warehouse)
                host = (
                    product.qty_available, product.free_qty, product.incoming_qty, product.outgoing_qty,
                    product.virtual_available)
                own = (
                    position.qty_on_hand, position.qty_free, position.qty_incoming, position.qty_outgoing,
                    position.qty_forecast)
                self.assertEqual(own, host, f"{product.name} in {warehouse.name}")
