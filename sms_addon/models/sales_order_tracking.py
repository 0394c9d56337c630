import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

RETRY = timedelta(seconds=5)

STAGES = [
    ('quotation', "Quotation"),
    ('sent', "Quotation Sent"),
    ('confirmed', "Confirmed"),
    ('ready', "Ready"),
    ('picking', "In Preparation"),
    ('partial', "Partially Shipped"),
    ('delivered', "Delivered"),
    ('invoiced', "Invoiced"),
    ('paid', "Paid"),
    ('returned', "Returned"),
    ('history', "Settled Elsewhere"),
    ('cancelled', "Cancelled"),
]
REASONS = [
    ('not_sent', "Quotation not sent"),
    ('no_answer', "Quotation without answer"),
    ('expired', "Quotation expired"),
    ('goods', "Waiting for goods"),
    ('operation', "Waiting for another operation"),
    ('no_delivery', "No delivery planned"),
    ('service', "Services not done"),
    ('preparing', "Being prepared"),
    ('ready', "Ready but not shipped"),
    ('partial', "Partially shipped, the rest is ready"),
    ('not_invoiced', "Not invoiced"),
    ('draft_invoice', "Invoice not posted"),
    ('unpaid', "Waiting for payment"),
    ('overdue', "Payment overdue"),
    ('not_credited', "Returned, not credited"),
]
NEXT_STEPS = [
    ('send', "Send the quotation"),
    ('follow_up', "Follow up"),
    ('procure', "Get the goods"),
    ('plan', "Plan a delivery"),
    ('work', "Do the work"),
    ('prepare', "Pick and ship"),
    ('ship', "Ship"),
    ('ship_rest', "Ship the rest"),
    ('invoice', "Invoice"),
    ('post', "Post the invoice"),
    ('collect', "Collect the payment"),
    ('credit', "Credit the customer"),
]
TIMINGS = [
    ('on_time', "On Time"),
    ('at_risk', "At Risk"),
    ('late', "Late"),
]
#: confirmed and not delivered
UNDELIVERED = SQL("('confirmed', 'ready', 'picking', 'partial')")
#: an order promised within these days should have its goods
RISK_DAYS = 2


class SalesOrderTracking(models.Model):
    """Where each order is, since when, what it was promised for, and why it is not further."""
    _name = 'sales.order.tracking'
    _description = "Order Tracking"
    _inherit = ['sales.tracking.table', 'sales.selection.order']
    _auto = False
    _stage_fields = ('stage',)
    _order = 'promised_date, id'
    _rec_name = 'order_id'
    _rec_names_search = ['order_id']

    order_id = fields.Many2one('sale.order', readonly=True)
    company_id = fields.Many2one('res.company', readonly=True)
    currency_id = fields.Many2one('res.currency', readonly=True)
    user_id = fields.Many2one('res.users', string="Salesperson", readonly=True)
    team_id = fields.Many2one('crm.team', string="Sales Team", readonly=True)
    commercial_partner_id = fields.Many2one('res.partner', string="Customer", readonly=True)
    warehouse_id = fields.Many2one('stock.warehouse', readonly=True)
    stage = fields.Selection(STAGES, readonly=True, group_expand=True)
    stage_since = fields.Datetime(string="In Stage Since", readonly=True)
    stage_day = fields.Date(
        string="In Stage Since (Day)", readonly=True, help="In the time zone of the sales reports of the company.")
    is_open = fields.Boolean(string="Open", readonly=True, help="Something is left to do before the order is settled.")
    date_order = fields.Datetime(string="Order Date", readonly=True)
    validity_date = fields.Date(string="Expiration", readonly=True)
    promised_date = fields.Date(
        string="Promised", readonly=True,
        help="The delivery date of the order, else its date and the longest lead time of its goods.")
    expected_date = fields.Date(
        string="Expected", readonly=True, help="The last scheduled date of open deliveries, else the promise.")
    delivered_date = fields.Date(string="Delivered", readonly=True)
    last_event_date = fields.Datetime(string="Last Event", readonly=True)
    standing_reason = fields.Selection(REASONS, string="Reason, Whatever the Day", readonly=True)
    next_step = fields.Selection(NEXT_STEPS, readonly=True)
    value = fields.Monetary(
        string="Amount", readonly=True, help="Untaxed amount in the currency of the company, at the rate of the order.")
    amount_to_invoice = fields.Monetary(string="Untaxed, To Invoice", readonly=True)
    amount_open = fields.Monetary(string="Unpaid", readonly=True, help="What is open of posted invoices.")
    due_date = fields.Date(string="Payment Due", readonly=True, help="The earliest due date of unpaid invoices.")
    qty_ordered = fields.Float(string="Ordered", digits='Product Unit', readonly=True)
    qty_delivered = fields.Float(string="Delivered Quantity", digits='Product Unit', readonly=True)
    qty_open = fields.Float(string="To Ship", digits='Product Unit', readonly=True)
    qty_waiting = fields.Float(string="Waiting for Goods", digits='Product Unit', readonly=True)
    # what depends on the day
    days_late = fields.Integer(aggregator='max', readonly=True, help="Calendar days after the promised date.")
    days_in_stage = fields.Integer(aggregator='max', readonly=True)
    is_late = fields.Boolean(string="Late Now", readonly=True)
    at_risk = fields.Boolean(
        readonly=True,
        help="Expected after the promised date, or promised within two days and not ready.")
    timing = fields.Selection(TIMINGS, readonly=True, help="How an order that is not delivered stands to its promise.")
    reason = fields.Selection(REASONS, readonly=True)
    order_count = fields.Integer(string="Orders", readonly=True)

    _star_indexes = {
        'pkey': (True, '(id)'),
        'order': (False, '(order_id)'),
        'open': (False, '(user_id) WHERE is_open'),
        'customer': (False, '(commercial_partner_id)'),
        'promised': (False, '(promised_date, id)'),
    }

    # -- the table

    def _select_columns(self):
        return {
            'id': SQL("f.id"),
            'order_id': SQL("f.id"),
            'company_id': SQL("f.company_id"),
            'currency_id': SQL("f.currency_id"),
            'user_id': SQL("f.user_id"),
            'team_id': SQL("f.team_id"),
            'commercial_partner_id': SQL("f.commercial_partner_id"),
            'warehouse_id': SQL("f.warehouse_id"),
            'stage': SQL("f.stage"),
            'stage_since': SQL("f.stage_since"),
            'stage_day': SQL("(f.stage_since AT TIME ZONE 'UTC' AT TIME ZONE f.tz)::date"),
            'is_open': SQL("f.standing_reason IS NOT NULL"),
            'date_order': SQL("f.date_order"),
            'validity_date': SQL("f.validity_date"),
            'promised_date': SQL("f.promised_date"),
            'expected_date': SQL(
                "CASE WHEN f.stage IN %s THEN COALESCE(f.scheduled_date, f.promised_date) END", UNDELIVERED),
            'delivered_date': SQL("f.delivered_date"),
            'last_event_date': SQL("f.last_event_date"),
            'standing_reason': SQL("f.standing_reason"),
            'next_step': self._next_step(),
            'value': SQL("ROUND(f.value, 4)"),
            'amount_to_invoice': SQL("ROUND(f.to_invoice, 4)"),
            'amount_open': SQL("ROUND(f.amount_open, 4)"),
            'due_date': SQL("f.due_date"),
            'qty_ordered': SQL("ROUND(f.qty_ordered, 4)"),
            'qty_delivered': SQL("ROUND(f.qty_delivered, 4)"),
            'qty_open': SQL("ROUND(f.qty_open, 4)"),
            'qty_waiting': SQL("ROUND(f.qty_waiting, 4)"),
        }

    def _from(self, order_ids=None):
        """Return the facts of each order, its stage, and what keeps it there."""
        return SQL(
            """
            (SELECT staged.*, %(stage_since)s AS stage_since, %(reason)s AS standing_reason,
                    CASE WHEN stage IN ('delivered', 'invoiced', 'paid', 'returned')
                         THEN (COALESCE(shipped_last, delivered_at) AT TIME ZONE 'UTC' AT TIME ZONE tz)::date
                    END AS delivered_date
               FROM (SELECT facts.*, %(stage)s AS stage FROM (%(facts)s) facts) staged) f
            """,
            facts=self._select_facts(order_ids), stage=self._stage(), stage_since=self._stage_since(),
            reason=self._standing_reason())

    def _stage(self):
        return SQL(
            """CASE
                WHEN state = 'cancel' THEN 'cancelled'
                WHEN state = 'draft' THEN 'quotation'
                WHEN state = 'sent' THEN 'sent'
                WHEN sales_history THEN 'history'
                WHEN returned > 0 AND returned >= shipped AND qty_open = 0 THEN 'returned'
                WHEN is_delivered OR NOT has_goods AND is_invoiced
                THEN CASE WHEN NOT is_invoiced THEN 'delivered' WHEN unpaid > 0 THEN 'invoiced' ELSE 'paid' END
                WHEN has_goods AND (shipped > returned OR qty_delivered > 0) THEN 'partial'
                WHEN is_prepared THEN 'picking'
                WHEN qty_open > 0 AND qty_waiting = 0 THEN 'ready'
                ELSE 'confirmed' END""")

    def _stage_since(self):
        """Return when the ledger says that the stage began, else what the order itself says."""
        return SQL(
            """COALESCE(CASE stage
                WHEN 'quotation' THEN quoted_at
                WHEN 'sent' THEN sent_at
                WHEN 'confirmed' THEN confirmed_at
                WHEN 'ready' THEN GREATEST(confirmed_at, ready_at)
                WHEN 'picking' THEN GREATEST(confirmed_at, prepared_at)
                WHEN 'partial' THEN GREATEST(confirmed_at, shipped_at)
                WHEN 'delivered' THEN GREATEST(confirmed_at, delivered_at)
                WHEN 'invoiced' THEN GREATEST(confirmed_at, delivered_at, posted_at)
                WHEN 'paid' THEN GREATEST(confirmed_at, delivered_at, posted_at, paid_at)
                WHEN 'returned' THEN returned_at
                WHEN 'cancelled' THEN cancelled_at
            END, date_order, create_date)""")

    def _standing_reason(self):
        """Return why the order is no further, and nothing when it is settled."""
        return SQL(
            """CASE stage
                WHEN 'quotation' THEN 'not_sent'
                WHEN 'sent' THEN 'no_answer'
                WHEN 'ready' THEN 'ready'
                WHEN 'delivered' THEN
                    CASE WHEN drafts > 0 THEN 'draft_invoice' WHEN to_invoice > 0 THEN 'not_invoiced' END
                WHEN 'invoiced' THEN 'unpaid'
                WHEN 'returned' THEN CASE WHEN posted > 0 AND refunds = 0 THEN 'not_credited' END
                WHEN 'paid' THEN NULL
                WHEN 'history' THEN NULL
                WHEN 'cancelled' THEN NULL
                ELSE CASE
                    WHEN NOT has_goods THEN CASE WHEN to_invoice > 0 THEN 'not_invoiced' ELSE 'service' END
                    WHEN qty_open = 0 THEN 'no_delivery'
                    WHEN qty_waiting > 0 THEN CASE WHEN is_short THEN 'goods' ELSE 'operation' END
                    WHEN stage = 'picking' THEN 'preparing'
                    ELSE 'partial' END
                END""")

    def _next_step(self):
        return SQL(
            """CASE f.standing_reason
                WHEN 'not_sent' THEN 'send'
                WHEN 'no_answer' THEN 'follow_up'
                WHEN 'goods' THEN 'procure'
                WHEN 'operation' THEN 'prepare'
                WHEN 'no_delivery' THEN 'plan'
                WHEN 'service' THEN 'work'
                WHEN 'preparing' THEN 'ship'
                WHEN 'ready' THEN 'prepare'
                WHEN 'partial' THEN 'ship_rest'
                WHEN 'not_invoiced' THEN 'invoice'
                WHEN 'draft_invoice' THEN 'post'
                WHEN 'unpaid' THEN 'collect'
                WHEN 'not_credited' THEN 'credit' END""")

    def _select_facts(self, order_ids=None):
        """Return one row per order with what its lines, moves, invoices and events say."""
        return SQL(
            """
            SELECT s.id, s.company_id, c.currency_id, c.sales_timezone AS tz, s.user_id, s.team_id, s.warehouse_id,
                   partner.commercial_partner_id, s.state, s.sales_history, s.date_order, s.create_date,
                   s.validity_date, g.has_goods, shipped_last, drafts, e.*,
                   s.amount_untaxed / r.rate AS value, COALESCE(l.to_invoice, 0) / r.rate AS to_invoice,
                   (COALESCE(s.commitment_date,
                             CASE WHEN g.has_goods AND s.state = 'sale' AND s.sales_history IS NOT TRUE
                             THEN s.date_order + l.lead * INTERVAL '1 day' END)
                    AT TIME ZONE 'UTC' AT TIME ZONE c.sales_timezone)::date AS promised_date,
                   (m.scheduled_last AT TIME ZONE 'UTC' AT TIME ZONE c.sales_timezone)::date AS scheduled_date,
                   CASE WHEN g.has_goods
                        THEN l.goods_done OR COALESCE(s.delivery_status = 'full' AND m.shipped > 0, FALSE)
                             -- imported with its invoice: delivered elsewhere
                             OR s.sales_import_key IS NOT NULL AND m.order_id IS NULL
                        ELSE COALESCE(l.services_done, TRUE) END AS is_delivered,
                   COALESCE(i.posted > 0 AND i.drafts = 0 AND s.invoice_status <> 'to invoice', FALSE) AS is_invoiced,
                   COALESCE(CASE WHEN g.has_goods THEN l.goods_ordered ELSE l.services_ordered END, 0) AS qty_ordered,
                   COALESCE(CASE WHEN g.has_goods THEN l.goods_delivered ELSE l.services_delivered END, 0)
                   AS qty_delivered,
                   COALESCE(m.qty_open, 0) AS qty_open,
                   GREATEST(COALESCE(m.qty_open, 0) - COALESCE(m.qty_reserved, 0), 0) AS qty_waiting,
                   COALESCE(m.is_short, FALSE) AS is_short, COALESCE(m.is_prepared, FALSE) AS is_prepared,
                   COALESCE(m.shipped, 0) AS shipped, COALESCE(m.returned, 0) AS returned,
                   COALESCE(i.posted, 0) AS posted, COALESCE(i.refunds, 0) AS refunds, COALESCE(i.unpaid, 0) AS unpaid,
                   COALESCE(i.amount_open, 0) AS amount_open, i.due_date
              FROM sale_order s
              JOIN res_company c ON c.id = s.company_id
              JOIN res_partner partner ON partner.id = s.partner_id
              LEFT JOIN (%(lines)s) l ON l.order_id = s.id
              LEFT JOIN (%(moves)s) m ON m.order_id = s.id
              LEFT JOIN (%(invoices)s) i ON i.order_id = s.id
              LEFT JOIN (%(events)s) e ON e.event_order_id = s.id
             CROSS JOIN LATERAL (SELECT COALESCE(NULLIF(s.currency_rate, 0), 1) AS rate) r
             CROSS JOIN LATERAL (SELECT COALESCE(l.goods, 0) > 0 AS has_goods) g
             %(scope)s
            """,
            lines=self._select_lines(order_ids), moves=self._select_moves(order_ids),
            invoices=self._select_invoices(order_ids), events=self._select_events(order_ids),
            scope=SQL("WHERE s.id = ANY(%s)", order_ids) if order_ids is not None else SQL())

    def _scope(self, column, order_ids):
        return SQL("AND %s = ANY(%s)", column, order_ids) if order_ids is not None else SQL()

    def _select_lines(self, order_ids=None):
        """Return per order the quantities of its goods and of its services, in the units of the products."""
        return SQL(
            """
            SELECT l.order_id,
                   COUNT(*) FILTER (WHERE x.is_goods) AS goods,
                   MAX(l.customer_lead) FILTER (WHERE x.is_goods) AS lead,
                   bool_and(x.done) FILTER (WHERE x.is_goods) AS goods_done,
                   bool_and(x.done) FILTER (WHERE x.is_service) AS services_done,
                   SUM(l.product_uom_qty * x.factor) FILTER (WHERE x.is_goods) AS goods_ordered,
                   SUM(l.qty_delivered * x.factor) FILTER (WHERE x.is_goods) AS goods_delivered,
                   SUM(l.product_uom_qty * x.factor) FILTER (WHERE x.is_service) AS services_ordered,
                   SUM(l.qty_delivered * x.factor) FILTER (WHERE x.is_service) AS services_delivered,
                   SUM(l.untaxed_amount_to_invoice) AS to_invoice
              FROM sale_order_line l
              LEFT JOIN product_product p ON p.id = l.product_id
              LEFT JOIN product_template t ON t.id = p.product_tmpl_id
              LEFT JOIN uom_uom u ON u.id = l.product_uom_id
              LEFT JOIN uom_uom u2 ON u2.id = t.uom_id
             CROSS JOIN LATERAL (
                    SELECT t.type = 'consu' AND l.product_uom_qty > 0 AS is_goods,
                           t.type = 'service' AND l.is_downpayment IS NOT TRUE AS is_service,
                           COALESCE(l.qty_delivered, 0) >= l.product_uom_qty AS done,
                           COALESCE(u.factor / u2.factor, 1) AS factor) x
             WHERE l.display_type IS NULL %s
             GROUP BY l.order_id
            """, self._scope(SQL("l.order_id"), order_ids))

    def _select_moves(self, order_ids=None):
        """Return per order what is shipped, returned, still to ship and reserved for it at whatever step."""
        return SQL(
            """
            SELECT l.order_id,
                   SUM(m.product_qty) FILTER (WHERE is_next) AS qty_open,
                   SUM(x.quantity) FILTER (WHERE x.is_open AND NOT direction.is_back
                                         AND m.state IN ('assigned', 'partially_available')) AS qty_reserved,
                   bool_or(x.is_open AND NOT direction.is_back
                           AND m.state IN ('draft', 'confirmed', 'partially_available')) AS is_short,
                   bool_or(m.state = 'done' AND NOT direction.is_out AND NOT direction.is_back) AS is_prepared,
                   SUM(x.quantity) FILTER (WHERE direction.is_out AND m.state = 'done') AS shipped,
                   SUM(x.quantity) FILTER (WHERE direction.is_back AND m.state = 'done') AS returned,
                   MAX(COALESCE(p.date_done, m.date))
                       FILTER (WHERE direction.is_out AND m.state = 'done') AS shipped_last,
                   MAX(COALESCE(p.scheduled_date, m.date)) FILTER (WHERE is_next) AS scheduled_last
              FROM stock_move m
              JOIN sale_order_line l ON l.id = m.sale_line_id
              JOIN stock_location source ON source.id = m.location_id
              JOIN stock_location target ON target.id = m.location_dest_id
              LEFT JOIN stock_location final ON final.id = m.location_final_id
              LEFT JOIN stock_picking p ON p.id = m.picking_id
             CROSS JOIN LATERAL (SELECT %(is_out)s AS is_out, %(is_back)s AS is_back) direction
             CROSS JOIN LATERAL (
                    SELECT m.state <> 'done' AS is_open,
                           m.quantity * COALESCE(m.product_qty / NULLIF(m.product_uom_qty, 0), 1) AS quantity) x
             CROSS JOIN LATERAL (
                    -- the step that ships, or the last one planned so far of those that lead to it
                    SELECT x.is_open AND NOT direction.is_back
                           AND (direction.is_out OR final.usage = 'customer' AND NOT EXISTS (
                               SELECT FROM stock_move_move_rel rel WHERE rel.move_orig_id = m.id)) AS is_next) step
             WHERE m.state <> 'cancel' AND target.usage <> 'inventory' %(scope)s
             GROUP BY l.order_id
            """,
            is_out=self._move_is_out(), is_back=self._move_is_back(), scope=self._scope(SQL("l.order_id"), order_ids))

    def _move_is_out(self):
        """Return whether a move goes to the customer, as the host has it."""
        return SQL("source.usage <> 'customer' AND (target.usage = 'customer'"
                   " OR target.usage = 'transit' AND target.company_id IS NULL)")

    def _move_is_back(self):
        return SQL("source.usage = 'customer' AND target.usage <> 'customer'")

    def _select_invoices(self, order_ids=None):
        """Return per order its invoices, and its part of what is unpaid of them."""
        return SQL(
            """
            SELECT part.order_id,
                   COUNT(*) FILTER (WHERE is_invoice AND m.state = 'posted') AS posted,
                   COUNT(*) FILTER (WHERE is_invoice AND m.state = 'draft') AS drafts,
                   COUNT(*) FILTER (WHERE NOT is_invoice AND m.state = 'posted') AS refunds,
                   COUNT(*) FILTER (WHERE is_unpaid) AS unpaid,
                   MIN(COALESCE(m.invoice_date_due, m.date)) FILTER (WHERE is_unpaid) AS due_date,
                   SUM(m.amount_residual_signed * share) FILTER (WHERE is_unpaid) AS amount_open
              FROM (SELECT l.order_id, aml.move_id, SUM(aml.price_total) AS amount
                      FROM sale_order_line_invoice_rel rel
                      JOIN sale_order_line l ON l.id = rel.order_line_id
                      JOIN account_move_line aml ON aml.id = rel.invoice_line_id
                     WHERE TRUE %s
                     GROUP BY l.order_id, aml.move_id) part
              JOIN account_move m ON m.id = part.move_id
             CROSS JOIN LATERAL (
                    SELECT m.move_type = 'out_invoice' AS is_invoice,
                           m.move_type = 'out_invoice' AND m.state = 'posted'
                           AND m.payment_state IN ('not_paid', 'partial') AS is_unpaid,
                           COALESCE(LEAST(part.amount / NULLIF(m.amount_total, 0), 1), 1) AS share) x
             WHERE m.move_type IN ('out_invoice', 'out_refund')
             GROUP BY part.order_id
            """, self._scope(SQL("l.order_id"), order_ids))

    def _select_events(self, order_ids=None):
        """Return per order when the ledger says that its stages began."""
        return SQL(
            """
            SELECT order_id AS event_order_id,
                   MAX(date) AS last_event_date,
                   MAX(date) FILTER (WHERE type IN ('order.created', 'order.reset')) AS quoted_at,
                   MAX(date) FILTER (WHERE type = 'order.sent') AS sent_at,
                   MAX(date) FILTER (WHERE type = 'order.confirmed') AS confirmed_at,
                   MAX(date) FILTER (WHERE type IN ('delivery.ready', 'move.reserved')) AS ready_at,
                   MIN(date) FILTER (WHERE type IN ('delivery.picked', 'delivery.packed')) AS prepared_at,
                   MIN(date) FILTER (WHERE type = 'delivery.shipped') AS shipped_at,
                   MAX(date) FILTER (WHERE type IN ('delivery.shipped', 'order.delivered')) AS delivered_at,
                   MAX(date) FILTER (WHERE type = 'invoice.posted') AS posted_at,
                   MAX(date) FILTER (WHERE type = 'invoice.paid') AS paid_at,
                   MAX(date) FILTER (WHERE type = 'delivery.returned') AS returned_at,
                   MAX(date) FILTER (WHERE type = 'order.cancelled') AS cancelled_at
              FROM sales_event
             WHERE order_id IS NOT NULL %s
             GROUP BY order_id
            """, self._scope(SQL("order_id"), order_ids))

    # -- what depends on the day

    @property
    def _table_query(self):
        return SQL(
            "SELECT t.*, 1 AS order_count, %s FROM sales_order_tracking t",
            SQL(", ").join(
                SQL("%s AS %s", expression, SQL.identifier(name))
                for name, expression in self._select_of_today().items()))

    def _select_of_today(self):
        """Return the expressions of what is another thing tomorrow."""
        today = self._today(SQL("t.company_id"))
        undelivered = SQL("t.stage IN %s", UNDELIVERED)
        late = SQL("%s AND t.promised_date < %s", undelivered, today)
        at_risk = SQL(
            """%(undelivered)s AND t.promised_date >= %(today)s AND (
                   t.expected_date > t.promised_date
                   OR t.promised_date <= %(today)s + %(days)s AND (t.stage = 'confirmed' OR t.qty_waiting > 0))""",
            undelivered=undelivered, today=today, days=RISK_DAYS)
        return {
            'days_late': SQL(
                """GREATEST(CASE WHEN %s THEN %s - t.promised_date
                                 WHEN t.stage IN ('delivered', 'invoiced', 'paid', 'returned')
                                 THEN t.delivered_date - t.promised_date END, 0)""", undelivered, today),
            'days_in_stage': SQL("GREATEST(%s - t.stage_day, 0)", today),
            'is_late': SQL("COALESCE(%s, FALSE)", late),
            'at_risk': SQL("COALESCE(%s, FALSE)", at_risk),
            'timing': SQL(
                "CASE WHEN %s THEN 'late' WHEN %s THEN 'at_risk'"
                " WHEN %s AND t.promised_date IS NOT NULL THEN 'on_time' END",
                late, at_risk, undelivered),
            'reason': SQL(
                """CASE WHEN t.stage IN ('quotation', 'sent') AND t.validity_date < %(today)s THEN 'expired'
                        WHEN t.stage = 'invoiced' AND t.due_date < %(today)s THEN 'overdue'
                        ELSE t.standing_reason END""", today=today),
        }

    # -- filling the table

    @api.model
    def _tables(self):
        """Return the tables that follow the orders."""
        return [self, self.env['sales.delivery.performance']]

    @api.model
    def _read_orders(self, order_ids):
        """Read some orders again, in every table."""
        for table in self._tables() if order_ids else []:
            table._replace_orders(order_ids)

    @api.model
    def _read_all(self):
        """Read all orders again, in every table."""
        for table in self._tables():
            _logger.info("%s: %s rows were not as the orders are", table._description, table._rebuild())

    @api.model
    def _request_rebuild(self, delay=None):
        # the upgrade that makes a table anew may come before the action that fills it
        if cron := self.env.ref('sms_addon.ir_cron_sales_order_tracking', raise_if_not_found=False):
            cron.sudo()._trigger(delay and fields.Datetime.now() + delay)

    @api.model
    def _cron_rebuild(self):
        """Put right what the ledger does not tell: merged customers, another type of product, SQL by hand.

        The reader and this write the same rows, so the reader's place is held meanwhile; when that or the writing
        fails, all is read again in a moment.
        """
        place = self.env['sales.consumer'].search([('reader', '=', 'sales.reader.tracking')])
        # the next transaction has all that the reader has written, for it begins with the lock
        self.env['ir.cron']._commit_progress()
        try:
            if place and not place.try_lock_for_update():
                return self._request_rebuild(RETRY)
            self._read_all()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            self.env.cr.rollback()
            return self._request_rebuild(RETRY)
        place._wake_up()

    # -- buttons

    def action_rebuild(self):
        """Have all orders read again, in the background."""
        self.env['sales.consumer'].check_access('write')
        self._request_rebuild()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {'type': 'success', 'message': self.env._("All orders are read again in a moment.")},
        }

    def action_open_order(self):
        self.ensure_one()
        return self.order_id.get_formview_action()
