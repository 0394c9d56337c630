from odoo import fields, models
from odoo.tools import SQL


class SalesDeliveryPerformance(models.Model):
    """Whether each line of goods was delivered in full by the day it was promised for.

    A line counts from the end of its promised day; on that day itself once it is delivered in full. An undelivered
    one then counts as missed. Lines that are not due yet are no rows of the model.
    """
    _name = 'sales.delivery.performance'
    _description = "On Time In Full"
    _inherit = ['sales.tracking.table']
    _auto = False
    _order = 'promised_date desc, id desc'
    _rec_name = 'order_id'
    _rec_names_search = ['order_id']

    order_id = fields.Many2one('sale.order', readonly=True)
    company_id = fields.Many2one('res.company', readonly=True)
    currency_id = fields.Many2one('res.currency', readonly=True)
    user_id = fields.Many2one('res.users', string="Salesperson", readonly=True)
    team_id = fields.Many2one('crm.team', string="Sales Team", readonly=True)
    commercial_partner_id = fields.Many2one('res.partner', string="Customer", readonly=True)
    warehouse_id = fields.Many2one('stock.warehouse', readonly=True)
    product_id = fields.Many2one('product.product', readonly=True)
    categ_id = fields.Many2one('product.category', string="Product Category", readonly=True)
    promised_date = fields.Date(
        string="Promised", readonly=True,
        help="The delivery date of the order, else its date and the lead time of the line.")
    delivered_date = fields.Date(
        string="Delivered", readonly=True,
        help="The day on which the line was complete, else that of its last delivery.")
    qty_ordered = fields.Float(string="Ordered", digits='Product Unit', readonly=True)
    qty_delivered = fields.Float(
        string="Delivered Quantity", digits='Product Unit', readonly=True,
        help="What was shipped; what came back later was delivered all the same.")
    qty_on_time = fields.Float(string="Delivered On Time", digits='Product Unit', readonly=True)
    value = fields.Monetary(
        string="Amount", readonly=True, help="Untaxed amount in the currency of the company.")
    on_time = fields.Boolean(readonly=True, help="What was delivered, was delivered by the promised day.")
    in_full = fields.Boolean(readonly=True, help="All that was ordered was delivered, whenever.")
    otif = fields.Boolean(string="On Time In Full", readonly=True)
    order_otif = fields.Boolean(string="Whole Order On Time In Full", readonly=True)
    order_promised_date = fields.Date(string="Whole Order Promised", readonly=True)
    # what depends on the day
    days_late = fields.Integer(aggregator='avg', readonly=True)
    order_is_due = fields.Boolean(string="Whole Order Due", readonly=True)
    line_count = fields.Integer(string="Lines", readonly=True)
    order_count = fields.Integer(
        string="Orders", readonly=True, help="Orders of which all lines are due.")
    otif_rate = fields.Float(string="On Time In Full %", aggregator='avg', readonly=True)
    on_time_rate = fields.Float(string="On Time %", aggregator='avg', readonly=True)
    in_full_rate = fields.Float(string="In Full %", aggregator='avg', readonly=True)
    order_otif_rate = fields.Float(
        string="Orders On Time In Full %", aggregator='avg', readonly=True,
        help="Orders of which every line was on time and in full, of those of which all lines are due.")
    quantity_rate = fields.Float(
        string="Quantity On Time %", aggregator='avg', readonly=True,
        help="What was delivered by the promised day, over what was ordered.")

    _star_indexes = {
        'pkey': (True, '(id)'),
        'order': (False, '(order_id)'),
        'promised': (False, '(promised_date, id)'),
        'customer': (False, '(commercial_partner_id)'),
        'product': (False, '(product_id)'),
    }

    # -- the table

    def _select_columns(self):
        columns = {
            name: SQL("f.%s", SQL.identifier(name)) for name in (
                'id', 'order_id', 'company_id', 'currency_id', 'user_id', 'team_id', 'commercial_partner_id',
                'warehouse_id', 'product_id', 'categ_id', 'promised_date', 'delivered_date', 'qty_ordered',
                'qty_delivered', 'qty_on_time')
        }
        return {
            **columns,
            'value': SQL("ROUND(f.value, 4)"),
            'on_time': SQL("COALESCE(f.qty_delivered > 0 AND f.delivered_date <= f.promised_date, FALSE)"),
            'in_full': SQL("f.in_full"),
            'otif': SQL("f.otif"),
            'order_otif': SQL("bool_and(f.otif) OVER whole_order"),
            'order_promised_date': SQL("MAX(f.promised_date) OVER whole_order"),
        }

    def _from(self, order_ids=None):
        return SQL("(%s) f WINDOW whole_order AS (PARTITION BY f.order_id)", self._select_lines(order_ids))

    def _select_lines(self, order_ids=None):
        """Return the lines of goods that a delivery was ever planned for, with what became of it."""
        return SQL(
            """
            SELECT lines.*, d.delivered_date, d.qty_delivered, d.qty_on_time,
                   d.qty_delivered >= lines.qty_ordered AS in_full,
                   d.qty_delivered >= lines.qty_ordered
                   AND COALESCE(d.delivered_date <= lines.promised_date, FALSE) AS otif
              FROM (%(lines)s) lines
              JOIN (%(shipments)s) shipments ON shipments.line_id = lines.id
             CROSS JOIN LATERAL (
                    SELECT CASE WHEN has_shipped THEN shipped ELSE recorded END AS qty_delivered,
                           CASE WHEN has_shipped THEN on_time WHEN last_day <= promised_date THEN recorded ELSE 0
                           END AS qty_on_time,
                           COALESCE(complete_day, last_day) AS delivered_date) d
            """, lines=self._select_ordered(order_ids), shipments=self._select_shipments(order_ids))

    def _select_ordered(self, order_ids=None):
        return SQL(
            """
            SELECT l.id, l.order_id, s.company_id, c.currency_id, s.user_id, s.team_id, partner.commercial_partner_id,
                   s.warehouse_id, l.product_id, t.categ_id,
                   (COALESCE(s.commitment_date, s.date_order + COALESCE(l.customer_lead, 0) * INTERVAL '1 day')
                    AT TIME ZONE 'UTC' AT TIME ZONE c.sales_timezone)::date AS promised_date,
                   ROUND(l.product_uom_qty * COALESCE(u.factor / u2.factor, 1), 4) AS qty_ordered,
                   ROUND(COALESCE(l.qty_delivered, 0) * COALESCE(u.factor / u2.factor, 1), 4) AS recorded,
                   l.price_subtotal / COALESCE(NULLIF(s.currency_rate, 0), 1) AS value
              FROM sale_order_line l
              JOIN sale_order s ON s.id = l.order_id
              JOIN res_company c ON c.id = s.company_id
              JOIN res_partner partner ON partner.id = s.partner_id
              JOIN product_product p ON p.id = l.product_id
              JOIN product_template t ON t.id = p.product_tmpl_id
              LEFT JOIN uom_uom u ON u.id = l.product_uom_id
              LEFT JOIN uom_uom u2 ON u2.id = t.uom_id
             WHERE s.state = 'sale' AND s.sales_history IS NOT TRUE AND t.type = 'consu' AND l.product_uom_qty > 0
                   AND l.display_type IS NULL %s
            """, SQL("AND s.id = ANY(%s)", order_ids) if order_ids is not None else SQL())

    def _select_shipments(self, order_ids=None):
        """Return per line what was shipped, up to the promised day and in all, and the day that made it complete.

        Of a line whose moves are of other products, as those of a kit are, the host's own count is taken instead.
        """
        tracking = self.env['sales.order.tracking']
        return SQL(
            """
            SELECT line_id, bool_or(shipped > 0) AS has_shipped,
                   ROUND(SUM(shipped), 4) AS shipped,
                   ROUND(SUM(shipped) FILTER (WHERE day <= promised_date), 4) AS on_time,
                   MIN(day) FILTER (WHERE ROUND(running, 4) >= qty_ordered) AS complete_day,
                   MAX(day) AS last_day
              FROM (SELECT o.id AS line_id, o.qty_ordered, o.promised_date, x.day, x.shipped,
                           SUM(x.shipped) OVER (PARTITION BY o.id ORDER BY x.day, m.id) AS running
                      FROM (%(lines)s) o
                      JOIN res_company c ON c.id = o.company_id
                      JOIN stock_move m ON m.sale_line_id = o.id
                      JOIN stock_location source ON source.id = m.location_id
                      JOIN stock_location target ON target.id = m.location_dest_id
                      LEFT JOIN stock_picking p ON p.id = m.picking_id
                     CROSS JOIN LATERAL (SELECT m.state = 'done' AND %(is_out)s AS is_shipment) s
                     CROSS JOIN LATERAL (
                            SELECT CASE WHEN is_shipment THEN (COALESCE(p.date_done, m.date)
                                        AT TIME ZONE 'UTC' AT TIME ZONE c.sales_timezone)::date END AS day,
                                   CASE WHEN is_shipment AND m.product_id = o.product_id
                                        THEN m.quantity * COALESCE(m.product_qty / NULLIF(m.product_uom_qty, 0), 1)
                                        ELSE 0 END AS shipped) x) moves
             GROUP BY line_id
            """, lines=self._select_ordered(order_ids), is_out=tracking._move_is_out())

    # -- what depends on the day

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT p.*, 1 AS line_count, 1 AS order_count, p.otif::int::float8 AS otif_rate,
                   p.on_time::int::float8 AS on_time_rate, p.in_full::int::float8 AS in_full_rate,
                   CASE WHEN %(order_is_due)s THEN p.order_otif::int::float8 END AS order_otif_rate,
                   LEAST(p.qty_on_time / NULLIF(p.qty_ordered, 0), 1)::float8 AS quantity_rate,
                   %(order_is_due)s AS order_is_due,
                   GREATEST(CASE WHEN p.in_full THEN p.delivered_date ELSE %(today)s END - p.promised_date, 0)
                   AS days_late
              FROM sales_delivery_performance p
             WHERE p.promised_date < %(today)s OR p.promised_date = %(today)s AND p.in_full
            """,
            today=self._today(SQL("p.company_id")),
            order_is_due=SQL(
                "(p.order_promised_date < %(today)s OR p.order_promised_date = %(today)s AND p.order_otif)",
                today=self._today(SQL("p.company_id"))))

    def _read_group_select(self, aggregate_spec, query):
        name, _colon, function = aggregate_spec.partition(':')
        formula = self._aggregate_formulas().get(name)
        return formula if formula and function else super()._read_group_select(aggregate_spec, query)

    def _aggregate_formulas(self):
        """Return the SQL of what is no sum: an order counts once, however many of its lines are in the group."""
        orders = SQL("COUNT(DISTINCT %s) FILTER (WHERE %s)", self._column('order_id'), self._column('order_is_due'))
        return {
            'order_count': orders,
            'order_otif_rate': SQL(
                "COUNT(DISTINCT %s) FILTER (WHERE %s AND %s) / NULLIF(%s, 0)::float8",
                self._column('order_id'), self._column('order_is_due'), self._column('order_otif'), orders),
            'quantity_rate': SQL(
                "(SUM(LEAST(%(on_time)s, %(ordered)s)) / NULLIF(SUM(%(ordered)s), 0))::float8",
                on_time=self._column('qty_on_time'), ordered=self._column('qty_ordered')),
        }

    def _column(self, name):
        return SQL.identifier(self._table, name)

    def action_open_order(self):
        self.ensure_one()
        return self.order_id.get_formview_action()
