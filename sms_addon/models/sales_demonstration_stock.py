import logging
import math
import zlib
from collections import defaultdict
from datetime import datetime, time, timedelta
from typing import NamedTuple

from odoo import Command, api, fields, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: products kept in stock: those ordered most often
PRODUCTS = 400
#: days of stock history
DAYS = 400
PROMISE_DAYS = 5
#: name, days a delivery takes, least quantity
VENDORS = (("Harbor Office Supply", 7, 1), ("Northline Furniture", 21, 4), ("Pixel Wholesale", 12, 6))
#: those who look after what a vendor delivers; what the first one does is left to the administrator, who looks around
PLANNERS = ("Elena Vogel", "Ravi Menon")


class Move(NamedTuple):
    """A movement of the past, or a receipt still to come.

    :param vendor: place of the vendor in ``VENDORS``; None for what went to a customer
    :param order: the order that a customer's goods were for
    """

    product: models.BaseModel
    quantity: float
    asked: object
    planned: object
    done: object
    vendor: int | None = None
    order: models.BaseModel | None = None


class SalesDemonstrationStock(models.AbstractModel):
    """Gives the demonstration products a year of receipts and deliveries: some ran out, some there is too much of."""
    _name = 'sales.demonstration.stock'
    _description = "Stock of the Demonstration Data"

    @api.model
    def _keep(self, record, live_days):
        """Keep the products ordered most often in stock, and tell of a year of that.

        :param record: the import of the orders
        :param live_days: the orders of so many days are delivered by ``sales.demonstration.story``
        """
        self = self.with_context(tracking_disable=True, mail_create_nosubscribe=True, skip_sms=True)
        today = fields.Date.context_today(self)
        demand = self._read_demand(record, today - timedelta(days=DAYS))
        products = self.env['product.product'].browse(demand)
        products.product_tmpl_id.is_storable = True
        vendors = self._create_vendors(products)
        self._assign_planners(products)
        until = today - timedelta(days=live_days)
        moves = [move for product in products for move in self._live(product, demand[product.id], today, until)]
        self._create_order_points(products, demand)
        done = self._create_moves(moves, vendors, today)
        _logger.info("Demonstration: %s products in stock, %s movements", len(products), done)

    @api.model
    def _read_demand(self, record, since):
        """Return product id -> [(date, quantity, order)] of the products ordered most often."""
        lines = self.env['sale.order.line'].search_fetch([
            ('order_id.sales_import_id', '=', record.id), ('order_id.state', '=', 'sale'), ('product_id', '!=', False)])
        often = sorted(lines.grouped('product_id').items(), key=lambda item: (-len(item[1]), item[0].id))[:PRODUCTS]
        return {
            product.id: sorted(
                ((line.order_id.date_order.date(), line.product_uom_qty, line.order_id) for line in ordered
                 if line.order_id.date_order.date() >= since),
                key=lambda sale: (sale[0], sale[2].id))
            for product, ordered in often
        }

    @api.model
    def _number(self, product):
        """Return a number that looks like chance and is the same every time."""
        return zlib.crc32((product.default_code or product.name).encode())

    @api.model
    def _get_vendor(self, product):
        return self._number(product) % len(VENDORS)

    # -- what happened

    @api.model
    def _live(self, product, sales, today, until):
        """Return the movements of a product: what was sold left when it was there, and was bought when it ran low.

        Orders since ``until`` are reckoned with, and delivered by others.
        """
        number, vendor = self._number(product), self._get_vendor(product)
        _name, delay, least = VENDORS[vendor]
        quarter = max(1, math.ceil(sum(quantity for _day, quantity, _order in sales) / DAYS * 90))
        low, high = quarter // (4 if number % 5 == 0 else 1), quarter * (8 if number % 9 == 0 else 2) + least
        start = today - timedelta(days=DAYS)
        moves = [Move(product, high, start - timedelta(days=delay), start, start, vendor)]
        stock, coming, waiting = high, [], list(sales)
        for day in (start + timedelta(days=offset) for offset in range(1, DAYS)):
            stock += sum(move.quantity for move in coming if move.done == day)
            while waiting and waiting[0][0] <= day and waiting[0][1] <= stock:
                asked, quantity, order = waiting.pop(0)
                stock -= quantity
                if asked < until:
                    moves.append(Move(product, quantity, asked, asked + timedelta(days=PROMISE_DAYS), day, order=order))
            if stock <= low and not any(move.done > day for move in coming):
                late = number % 7 + (number + day.toordinal()) % 6
                coming.append(Move(
                    product, max(high - stock, least), day, day + timedelta(days=delay),
                    day + timedelta(days=delay + late), vendor))
        return moves + coming

    # -- the records of it

    @api.model
    def _create_vendors(self, products):
        """Create the vendors with their prices, and return them in the order of ``VENDORS``."""
        partners = self.env['res.partner'].create([
            {'name': name, 'is_company': True, 'supplier_rank': 1} for name, _delay, _least in VENDORS])
        self.env['product.supplierinfo'].create([{
            'partner_id': partners[vendor].id,
            'product_tmpl_id': product.product_tmpl_id.id,
            'min_qty': VENDORS[vendor][2],
            'delay': VENDORS[vendor][1],
            'price': product.standard_price,
        } for product in products for vendor in [self._get_vendor(product)]])
        return partners

    @api.model
    def _assign_planners(self, products):
        """Give products somebody who answers for them: alerts and proposals are theirs."""
        importer = self.env['sales.import.demonstration']
        planners = [
            self.env.ref('base.user_admin'),
            *importer._create_demonstration_users(PLANNERS, 'stock.group_stock_user')]
        for vendor, delivered in products.grouped(self._get_vendor).items():
            delivered.responsible_id = planners[vendor]

    @api.model
    def _create_order_points(self, products, demand):
        """Give every other product an order point as people make them: some months' demand, rounded up."""
        warehouse = self._get_warehouse()
        self.env['stock.warehouse.orderpoint'].create([{
            'product_id': product.id,
            'warehouse_id': warehouse.id,
            'location_id': warehouse.lot_stock_id.id,
            'trigger': 'manual',
            'product_min_qty': 5 * math.ceil(month / 5),
            'product_max_qty': 10 * math.ceil(month / 5),
        } for product in products if self._number(product) % 2
            for month in [sum(quantity for _day, quantity, _order in demand[product.id]) / DAYS * 30]])

    @api.model
    def _get_warehouse(self):
        return self.env['stock.warehouse'].search([('company_id', '=', self.env.company.id)], limit=1)

    @api.model
    def _create_moves(self, moves, vendors, today):
        """Create a transfer for what one vendor or customer had in a day, and do those of the past.

        :return: number of movements done
        """
        groups = defaultdict(list)
        for move in moves:
            groups[move.vendor, move.order, move.done, move.asked].append(move)
        pickings = self.env['stock.picking'].create([
            self._prepare_picking(group, vendors) for group in groups.values()])
        pickings.action_confirm()
        past = pickings.browse(
            picking.id for picking, (_vendor, _order, done, _asked) in zip(pickings, groups, strict=True)
            if done < today)
        for move in past.move_ids:
            move.write({'quantity': move.product_uom_qty, 'picked': True})
        # what came in is there before it goes out
        past.filtered(lambda picking: picking.picking_type_code == 'incoming')._action_done()
        past.filtered(lambda picking: picking.state != 'done')._action_done()
        self._date_back(pickings, groups)
        return len(past.move_ids)

    @api.model
    def _prepare_picking(self, group, vendors):
        move, warehouse = group[0], self._get_warehouse()
        incoming = move.vendor is not None
        kind = warehouse.in_type_id if incoming else warehouse.out_type_id
        partner = vendors[move.vendor] if incoming else move.order.partner_shipping_id
        places = {
            'location_id': partner.property_stock_supplier.id if incoming else warehouse.lot_stock_id.id,
            'location_dest_id': warehouse.lot_stock_id.id if incoming else partner.property_stock_customer.id,
        }
        return {
            **places,
            'picking_type_id': kind.id,
            'partner_id': partner.id,
            'origin': move.order.name if move.order else False,
            'scheduled_date': self._moment(move.planned),
            'move_ids': [Command.create({
                **places,
                'product_id': each.product.id,
                'product_uom': each.product.uom_id.id,
                'product_uom_qty': each.quantity,
                'price_unit': each.product.standard_price,
                'date': self._moment(each.planned),
            }) for each in group],
        }

    @api.model
    def _moment(self, day):
        return datetime.combine(day, time(12))

    @api.model
    def _date_back(self, pickings, groups):
        """Give documents made now the dates that they would have."""
        self.env.flush_all()
        days = [(picking.id, self._moment(asked), self._moment(planned), self._moment(done))
                for picking, ((_vendor, _order, done, asked), [move, *_more])
                in zip(pickings, groups.items(), strict=True) for planned in [move.planned]]
        ids, *dates = map(list, zip(*days, strict=True))
        happened = SQL(
            "unnest(%s::int[], %s::timestamp[], %s::timestamp[], %s::timestamp[]) d (id, asked, planned, done)",
            ids, *dates)
        cr = self.env.cr
        cr.execute(SQL(
            """
            UPDATE stock_picking p
               SET create_date = asked, scheduled_date = planned, date_deadline = planned,
                   date_done = CASE WHEN state = 'done' THEN d.done END
              FROM %s WHERE p.id = d.id
            """, happened))
        cr.execute(SQL(
            """
            UPDATE stock_move m
               SET create_date = asked, date_deadline = planned,
                   date = CASE WHEN state = 'done' THEN d.done ELSE planned END
              FROM %s WHERE m.picking_id = d.id
            """, happened))
        cr.execute(SQL(
            "UPDATE stock_move_line l SET date = d.done FROM %s WHERE l.picking_id = d.id AND l.state = 'done'",
            happened))
        cr.execute(SQL(
            """
            UPDATE stock_quant q SET in_date = x.date
              FROM (SELECT product_id, location_dest_id, MAX(date) AS date
                      FROM stock_move WHERE picking_id = ANY(%s) AND state = 'done' GROUP BY 1, 2) x
             WHERE q.product_id = x.product_id AND q.location_id = x.location_dest_id
            """, ids))
        self.env.invalidate_all()
