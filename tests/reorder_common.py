import random
from datetime import timedelta

from odoo import Command, fields
from odoo.tests import new_test_user
from odoo.tools import SQL

from .common import WarehouseCommon

DEMAND_DAYS = 456


class ReorderCommon(WarehouseCommon):
    """Products with a past, a vendor and a position; planners of each kind."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stock = cls.env['stock.warehouse'].search([('company_id', '=', cls.company.id)], limit=1)
        cls.planner = new_test_user(cls.env, 'planner', 'stock.group_stock_manager', name="Planner")
        cls.storekeeper = new_test_user(cls.env, 'keeper', 'stock.group_stock_user', name="Storekeeper")
        cls.vendor = cls.env['res.partner'].create({'name': "Vendor"})
        cls.proposals = cls.env['sales.reorder.proposal']
        cls.orderpoints = cls.env['stock.warehouse.orderpoint']
        cls.calculation = cls.env['sales.reorder.calculation']
        cls.company.write({'sales_order_cost': 0, 'sales_cover_days': 30})

    @classmethod
    def storable(cls, name, **values):
        return cls.env['product.product'].create({
            'name': name, 'is_storable': True, 'list_price': 20, 'standard_price': 8, 'categ_id': cls.categories[0].id,
            **values})

    @classmethod
    def sell(cls, product, quantities, warehouse=None):
        """Write facts of past days, the last one of yesterday, as if orders had been loaded."""
        warehouse = warehouse or cls.stock
        yesterday = cls.calculation.with_company(warehouse.company_id)._today() - timedelta(days=1)
        [(last,)] = cls.env.execute_query(SQL("SELECT COALESCE(MAX(id), 0) FROM sales_fact"))
        for ago, quantity in enumerate(reversed(quantities)):
            if quantity:
                last += 1
                cls.env.cr.execute(SQL(
                    "INSERT INTO sales_fact (id, order_id, date, company_id, state, product_id, warehouse_id,"
                    " product_uom_qty, price_subtotal, margin) VALUES (%s, %s, %s, %s, 'sale', %s, %s, %s, %s, 0)",
                    last, last, yesterday - timedelta(days=ago), warehouse.company_id.id, product.id, warehouse.id,
                    round(quantity * 1e6), round(quantity * 20e6)))

    @classmethod
    def locate(cls, product, quantities=(), warehouse=None, **values):
        """Return the position of a product, with the demand of these days."""
        warehouse = warehouse or cls.stock
        days = len(quantities) or DEMAND_DAYS
        mean = sum(quantities) / days
        spread = (sum((quantity - mean) ** 2 for quantity in quantities) / days) ** 0.5
        existing = cls.env['sales.stock.position'].sudo().search([
            ('product_id', '=', product.id), ('warehouse_id', '=', warehouse.id)])
        existing.unlink()
        return cls.env['sales.stock.position'].sudo().create({
            'product_id': product.id, 'product_tmpl_id': product.product_tmpl_id.id, 'categ_id': product.categ_id.id,
            'warehouse_id': warehouse.id, 'company_id': warehouse.company_id.id, 'uom_id': product.uom_id.id,
            'daily_demand': mean, 'demand_spread': spread, 'demand_days': days, 'abc_revenue': 'a', 'lead_days': 6,
            'lead_spread': 1, 'lead_count': 8, 'qty_forecast': 0, **values})

    @classmethod
    def known(cls, name, quantities=None, seller=None, warehouse=None, **values):
        """Return the position of a new product that sells 3 to 5 a day, from a vendor."""
        quantities = [4 + number % 3 - 1 for number in range(DEMAND_DAYS)] if quantities is None else quantities
        product = cls.storable(name)
        if seller is not False:
            cls.env['product.supplierinfo'].create({
                'partner_id': cls.vendor.id, 'product_tmpl_id': product.product_tmpl_id.id, 'price': 7, 'delay': 5,
                'currency_id': cls.company.currency_id.id, **(seller or {})})
        cls.sell(product, quantities, warehouse)
        return cls.locate(product, quantities, warehouse, **values)

    @classmethod
    def lumpy(cls, seed=3):
        rng = random.Random(seed)
        return [rng.choice([0] * 14 + [2, 5, 12]) for _day in range(DEMAND_DAYS)]

    def propose(self, positions, user=None):
        """Return the open proposals of positions, as a planner makes them."""
        action = positions.with_user(user or self.planner).action_propose_reorder()
        return self.proposals.with_user(user or self.planner).search(action['domain'], order='id')

    def orderpoint(self, position, minimum, maximum, **values):
        return self.orderpoints.create({
            'product_id': position.product_id.id, 'warehouse_id': position.warehouse_id.id,
            'location_id': position.warehouse_id.lot_stock_id.id, 'company_id': position.company_id.id,
            'product_min_qty': minimum, 'product_max_qty': maximum, 'trigger': 'manual', **values})

    def levels(self, position):
        return [
            (orderpoint.product_min_qty, orderpoint.product_max_qty)
            for orderpoint in self.orderpoints.search([('product_id', '=', position.product_id.id)])]

    @classmethod
    def other_company_warehouse(cls):
        company = cls.env['res.company'].create({
            'name': "Elsewhere", 'sales_timezone': 'UTC', 'currency_id': cls.env.ref('base.EUR').id})
        return cls.env['stock.warehouse'].search([('company_id', '=', company.id)], limit=1)

    @classmethod
    def activate_euro(cls, rate):
        euro = cls.env.ref('base.EUR')
        euro.active = True
        cls.env['res.currency.rate'].search([('currency_id', '=', euro.id)]).unlink()
        cls.env['res.currency.rate'].create({
            'currency_id': euro.id, 'name': fields.Date.to_date('2020-01-01'), 'rate': rate,
            'company_id': cls.company.id})
        return euro

    @classmethod
    def dozen(cls, product):
        unit = cls.env['uom.uom'].create({
            'name': "Box of 12", 'relative_factor': 12, 'relative_uom_id': product.uom_id.id})
        product.uom_ids = [Command.link(unit.id)]
        return unit
