from collections import defaultdict

from odoo import api, models


class SaleOrderLine(models.Model):
    """What the warehouses have of the goods of a line, and the day on which they can be promised."""
    _name = 'sale.order.line'
    _inherit = ['sale.order.line']

    @api.readonly
    def get_stock_promise(self):
        """Return for each line of storable goods what is where and when what is still to deliver can leave.

        :return: {id of the line: see :meth:`get_stock_promises`}
        """
        self.check_access('read')
        lines = self.filtered(lambda line: line.is_storable and line.product_uom_id)
        promises = self.get_stock_promises([
            {
                'line_id': line.id, 'product_id': line.product_id.id, 'uom_id': line.product_uom_id.id,
                'quantity': line.product_uom_qty - line.qty_delivered, 'lead': line.customer_lead,
                'warehouse_id': line.warehouse_id.id, 'company_id': line.company_id.id,
            }
            for line in lines
        ])
        return dict(zip(lines.ids, promises, strict=True))

    @api.model
    @api.readonly
    def get_stock_promises(self, requests):
        """Return what is where and when it can leave, for lines as they are on the screen, saved or not.

        Of one product, lines above in the same quotation are served first.

        :param requests: list of dict: ``product_id``, ``quantity`` in unit ``uom_id``, ``lead`` in days, and
            ``company_id``, ``warehouse_id`` (that of the line), ``line_id`` or False
        :return: list of dict: ``unit``, ``quantity``, ``warehouses``: list of {id, name, on_hand, free, forecast, date
            (text or False), source, chosen}, quantities in the unit of the line; the warehouse of the line first, then
            by date
        """
        self.env['sale.order'].check_access('read')
        self.env['sales.stock.position'].check_access('read')
        found = [None] * len(requests)
        earlier = self._get_earlier_quantities(requests)
        for company, places in self._group_requests(requests).items():
            products = self.env['product.product'].browse([requests[place]['product_id'] for place in places])
            products.check_access('read')
            units = self.env['uom.uom'].browse([requests[place]['uom_id'] for place in places])
            prepared = [
                {
                    'product': product,
                    'quantity': unit._compute_quantity(
                        requests[place]['quantity'], product.uom_id, round=False) + earlier[place],
                    'lead': requests[place].get('lead') or 0,
                    'line_id': requests[place].get('line_id') or False,
                }
                for place, product, unit in zip(places, products, units, strict=True)
            ]
            promises = self.env['sales.stock.promise']._get_promises(prepared, company)
            for place, product, unit, warehouses in zip(places, products, units, promises, strict=True):
                found[place] = self._format_promise(requests[place], product, unit, warehouses)
        return found

    @api.model
    def _group_requests(self, requests):
        """Return the places of the requests by company, of companies that the user works in."""
        groups = defaultdict(list)
        for place, request in enumerate(requests):
            company = self.env['res.company'].browse(request.get('company_id') or self.env.company.id)
            groups[company if company in self.env.companies else self.env.company].append(place)
        return groups

    @api.model
    def _get_earlier_quantities(self, requests):
        """Return for each request what quotation lines above it ask of the same product, in the unit of the product."""
        lines = self.browse([request['line_id'] for request in requests if request.get('line_id')])
        lines = lines._filtered_access('read')
        above = {}
        for order in lines.order_id.filtered(lambda order: order.state in ('draft', 'sent')):
            asked = defaultdict(float)
            for line in order.order_line.filtered('is_storable'):
                above[line.id] = asked[line.product_id]
                asked[line.product_id] += line.product_uom_id._compute_quantity(
                    line.product_uom_qty, line.product_id.uom_id, round=False)
        return [above.get(request.get('line_id'), 0.0) for request in requests]

    @api.model
    def _format_promise(self, request, product, unit, warehouses):
        def convert(quantity):
            return product.uom_id._compute_quantity(quantity, unit, round=False)

        rows = [
            {
                **row,
                **{name: convert(row[name]) for name in ('on_hand', 'free', 'forecast')},
                'date': row['date'] and row['date'].isoformat() or False,
                'chosen': row['id'] == request.get('warehouse_id'),
            }
            for row in warehouses
        ]
        rows.sort(key=lambda row: (not row['chosen'], row['date'] or '9999', row['name']))
        return {'unit': unit.name, 'quantity': request['quantity'], 'warehouses': rows}
