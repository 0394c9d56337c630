from collections import defaultdict
from datetime import UTC, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.stock_promise import earliest_day


class SalesStockPromise(models.AbstractModel):
    """When a quantity of a product can leave, from each warehouse of a company."""
    _name = 'sales.stock.promise'
    _description = "Stock Promise"

    @api.model
    def _get_promises(self, requests, company):
        """Return for each request what each warehouse has and when it can ship.

        What is free now can leave after the lead time of the line; else on the day of the first planned receipt that
        covers it, leaving enough for what others were promised; else when goods ordered today would be there: the
        lead time of the position from real receipts, or that of the vendor.

        :param requests: list of dict: ``product`` (record), ``quantity`` in its unit, ``lead`` days of the line,
            ``line_id``: order line whose own moves are not in its way, or False
        :return: list in the same order, of lists of dict: ``id``, ``name`` of the warehouse, ``on_hand``, ``free``,
            ``forecast`` in the unit of the product, ``date`` or None, ``source``: 'stock', 'receipt', 'lead', 'unknown'
        """
        products = self.env['product.product'].union(*(request['product'] for request in requests))
        today = fields.Datetime.now().replace(tzinfo=UTC).astimezone(ZoneInfo(company.sales_timezone)).date()
        # sudo: a salesperson sees what all warehouses of the company have, as on the board
        warehouses = self.env['stock.warehouse'].sudo().search([('company_id', '=', company.id)])
        self._flush()
        stocks = self._read_stocks(products, warehouses)
        plans = self._read_plans(products, warehouses, company, [request['line_id'] for request in requests])
        leads = self._read_leads(products, warehouses, company)
        return [
            [
                {
                    'id': warehouse.id,
                    'name': warehouse.name,
                    **self._promise(
                        request, stocks.get(key, (0.0, 0.0)), plans.get(key, []), leads.get(key), today),
                }
                for warehouse in warehouses
                for key in [(request['product'].id, warehouse.id)]
            ]
            for request in requests
        ]

    @api.model
    def _promise(self, request, stock, plans, lead, today):
        on_hand, reserved = stock
        # what is reserved for others is as good as gone, even where it is to leave later
        free, moves = on_hand - reserved, []
        for day, moved, held, line_id in plans:
            if line_id and line_id == request['line_id']:
                free += held
            else:
                moves.append((day, moved + held))
        soonest = today + timedelta(days=ceil(request['lead']))
        rounding = request['product'].uom_id.rounding
        day = earliest_day(request['quantity'], free, moves, today, rounding / 2)
        if day:
            source = 'stock' if day == today else 'receipt'
        elif lead is None:
            source = 'unknown'
        else:
            day, source = today + timedelta(days=ceil(lead)), 'lead'
        return {
            'on_hand': on_hand,
            'free': on_hand - reserved,
            'forecast': on_hand + sum(moved for _day, moved, _held, _line_id in plans),
            'date': day and max(day, soonest),
            'source': source,
        }

    # -- one query each, however many lines there are

    @api.model
    def _flush(self):
        self.env['stock.quant'].flush_model(['quantity', 'reserved_quantity'])
        self.env['stock.move'].flush_model([
            'state', 'date', 'product_qty', 'product_uom_qty', 'quantity', 'sale_line_id', 'location_final_id'])
        self.env['stock.location'].flush_model(['warehouse_id'])

    @api.model
    def _read_stocks(self, products, warehouses):
        """Return what is there and what of it is reserved, by product and warehouse."""
        stocks = self._read_kits(products, warehouses)
        stocks.update({
            (product_id, warehouse_id): (on_hand, reserved)
            for product_id, warehouse_id, on_hand, reserved in self.env.execute_query(SQL(
                """
                SELECT q.product_id, l.warehouse_id, SUM(q.quantity)::float8,
                       COALESCE(SUM(q.reserved_quantity), 0)::float8
                  FROM stock_quant q JOIN stock_location l ON l.id = q.location_id
                 WHERE q.product_id = ANY(%s) AND l.warehouse_id = ANY(%s)
                 GROUP BY q.product_id, l.warehouse_id
                """, (products - self._get_kits(products)).ids, warehouses.ids))
        })
        return stocks

    @api.model
    def _get_kits(self, products):
        # only where kits are sold at all, by the host's module for them
        return products.filtered('is_kits') if 'is_kits' in products._fields else products.browse()

    @api.model
    def _read_kits(self, products, warehouses):
        """Return the same of kits: as many as their components make, as the host counts them."""
        # sudo: a salesperson need not be allowed to read how a kit is made
        kits = self._get_kits(products).sudo()
        return {
            (kit.id, warehouse.id): (kit.qty_available, kit.qty_available - kit.free_qty)
            for warehouse in (warehouses if kits else ())
            for kit in kits.with_context(warehouse_id=warehouse.id)
        }

    @api.model
    def _read_plans(self, products, warehouses, company, line_ids):
        """Return planned moves by product and warehouse.

        :return: lists of (day, quantity with sign, what is reserved of a delivery, order line if it is one of these)
        """
        plans = defaultdict(list)
        for product_id, warehouse_id, day, line_id, moved, held in self.env.execute_query(SQL(
            """
            SELECT m.product_id, side.warehouse_id, (m.date AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date,
                   CASE WHEN m.sale_line_id = ANY(%(lines)s) THEN m.sale_line_id END,
                   SUM(side.sign * m.product_qty)::float8,
                   SUM(CASE WHEN side.sign < 0 THEN COALESCE(
                       m.quantity * m.product_qty / NULLIF(m.product_uom_qty, 0), 0) ELSE 0 END)::float8
              FROM stock_move m
              JOIN stock_location s ON s.id = m.location_id
              JOIN stock_location d ON d.id = COALESCE(m.location_final_id, m.location_dest_id)
             CROSS JOIN LATERAL (VALUES (s.warehouse_id, -1), (d.warehouse_id, 1)) side (warehouse_id, sign)
             WHERE m.product_id = ANY(%(products)s) AND m.state NOT IN ('draft', 'done', 'cancel')
               AND s.warehouse_id IS DISTINCT FROM d.warehouse_id AND side.warehouse_id = ANY(%(warehouses)s)
             GROUP BY 1, 2, 3, 4, side.sign
            """, zone=company.sales_timezone, lines=[line_id for line_id in line_ids if line_id],
            products=products.ids, warehouses=warehouses.ids)):
            plans[product_id, warehouse_id].append((day, moved, held, line_id))
        return plans

    @api.model
    def _read_leads(self, products, warehouses, company):
        """Return how many days goods ordered today take, by product and warehouse: as measured, else as vendors say."""
        # sudo: only how long a vendor takes is read of him
        vendors = self.env['product.supplierinfo'].sudo().search_fetch([
            ('product_tmpl_id', 'in', products.product_tmpl_id.ids), ('company_id', 'in', [company.id, False]),
        ], ['product_tmpl_id', 'product_id', 'delay'])
        # the first vendor is the one that is bought from
        delays = {}
        for vendor in vendors:
            delays.setdefault((vendor.product_tmpl_id.id, vendor.product_id.id), vendor.delay)
        leads = {}
        for product in products:
            template_id = product.product_tmpl_id.id
            delay = delays.get((template_id, product.id), delays.get((template_id, False)))
            if delay is not None:
                leads.update(((product.id, warehouse.id), delay) for warehouse in warehouses)
        # sudo: the lead time is that of the company, as on the board
        positions = self.env['sales.stock.position'].sudo().search_fetch([
            ('product_id', 'in', products.ids), ('warehouse_id', 'in', warehouses.ids), ('lead_count', '>', 0),
        ], ['product_id', 'warehouse_id', 'lead_days'])
        leads.update({
            (position.product_id.id, position.warehouse_id.id): position.lead_days for position in positions})
        return leads
