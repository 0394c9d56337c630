import logging

from odoo import api, models
from odoo.tools import SQL

from .sales_event import COLUMNS

_logger = logging.getLogger(__name__)

REQUESTED = 'sms_addon.ledger_history'
# the orders that each invoice belongs to; one row without order for those of none
INVOICES = SQL("""
    (SELECT m.id, m.create_date, m.create_uid, m.name, m.state, m.payment_state, m.move_type, m.commercial_partner_id,
            m.company_id, m.amount_total, c.name AS currency,
            CASE m.move_type WHEN 'out_refund' THEN 'refund' ELSE 'invoice' END AS kind,
            -- an invoice dated another day than it was entered was history itself; it has no time but follows its order
            CASE WHEN COALESCE(m.invoice_date, m.create_date::date) = m.create_date::date THEN m.create_date
                 WHEN m.invoice_date = orders.date_order::date THEN orders.date_order
                 ELSE m.invoice_date::timestamp END AS posted_at,
            orders.order_id
       FROM account_move m
       JOIN res_currency c ON c.id = m.currency_id
       LEFT JOIN (SELECT DISTINCT aml.move_id, l.order_id, s.date_order
                    FROM sale_order_line_invoice_rel rel
                    JOIN account_move_line aml ON aml.id = rel.invoice_line_id
                    JOIN sale_order_line l ON l.id = rel.order_line_id
                    JOIN sale_order s ON s.id = l.order_id) orders ON orders.move_id = m.id
      WHERE m.move_type IN ('out_invoice', 'out_refund'))""")
DELIVERIES = SQL("""
    (SELECT p.*, partner.commercial_partner_id, t.code, w.pack_type_id = p.picking_type_id AS is_pack,
            t.code = 'internal' AND p.sale_id IS NOT NULL AS is_step, source.usage = 'customer' AS is_back,
            source.usage <> 'customer' AND (
                target.usage = 'customer' OR target.usage = 'transit' AND target.company_id IS NULL) AS is_out
       FROM stock_picking p
       JOIN stock_location source ON source.id = p.location_id
       JOIN stock_location target ON target.id = p.location_dest_id
       JOIN stock_picking_type t ON t.id = p.picking_type_id
       LEFT JOIN stock_warehouse w ON w.id = t.warehouse_id
       LEFT JOIN res_partner partner ON partner.id = p.partner_id)""")
ORDERS = SQL("""
    (SELECT s.*, partner.commercial_partner_id, LEAST(s.create_date, s.date_order) AS created_at,
            jsonb_build_object('name', s.name, 'amount_total', s.amount_total, 'currency', c.name) AS amounts
       FROM sale_order s
       JOIN res_partner partner ON partner.id = s.partner_id
       JOIN res_company company ON company.id = s.company_id
       JOIN res_currency c ON c.id = COALESCE(s.currency_id, company.currency_id))""")

# The changes of the state of orders that the chatter has. It has them as texts in the language of whoever made them, so
# that all languages are looked up; a text that means no state, or more than one, tells nothing.
TRACKED = SQL("""
    (SELECT message.res_id AS order_id, message.create_uid AS user_id, labels.state,
            -- an order dated another day than it was confirmed was history itself
            CASE WHEN labels.state = 'sale' AND s.date_order::date < message.date::date
                  AND s.create_date::date = message.date::date THEN s.date_order ELSE message.date END AS date
       FROM ir_model_fields field
       JOIN mail_tracking_value value ON value.field_id = field.id
       JOIN mail_message message ON message.id = value.mail_message_id AND message.model = 'sale.order'
       JOIN sale_order s ON s.id = message.res_id
       JOIN (SELECT selection.field_id, label.value AS label, MIN(selection.value) AS state
               FROM ir_model_fields_selection selection, jsonb_each_text(selection.name) label
              GROUP BY selection.field_id, label.value
             HAVING COUNT(DISTINCT selection.value) = 1) labels
         ON labels.field_id = field.id AND labels.label = value.new_value_char
      WHERE field.model = 'sale.order' AND field.name = 'state')""")


class SalesEventHistory(models.AbstractModel):
    """Fills the ledger from the records that were there before it, so that order timelines and the analysis of
    processes work on the first day.

    Each source is one statement, whatever the number of records, and leaves out what the ledger has already: it
    may be run again at any time, and stopped between any two sources.
    """
    _name = 'sales.event.history'
    _description = "History of the Sales Ledger"

    @api.model
    def _sources(self):
        """Return name -> query of the events that a kind of record tells of, by columns of the ledger."""
        return {
            'quotations': SQL("""
                SELECT s.created_at AS date, 'order.created' AS type, 'sale.order' AS model, s.id AS res_id,
                       s.id AS order_id, s.commercial_partner_id AS partner_id, s.company_id, s.create_uid AS user_id,
                       s.amounts AS payload
                  FROM %s s""", ORDERS),
            'sent orders': self._select_states('sent', 'order.sent'),
            'orders': self._select_states(
                'sale', 'order.confirmed', SQL("GREATEST(s.date_order, s.created_at)"), SQL("NULL::int4"),
                # an order that was cancelled afterwards has its transfers to show for it
                SQL("""s.state = 'sale' OR s.state = 'cancel' AND EXISTS (
                       SELECT FROM stock_picking p WHERE p.sale_id = s.id)""")),
            'cancelled orders': self._select_states(
                'cancel', 'order.cancelled', SQL("GREATEST(s.write_date, s.created_at)"), SQL("s.write_uid"),
                SQL("s.state = 'cancel'")),
            'reset orders': self._select_states('draft', 'order.reset'),
            'planned deliveries': SQL("""
                SELECT p.create_date AS date, 'delivery.planned' AS type, 'stock.picking' AS model, p.id AS res_id,
                       p.sale_id AS order_id, p.commercial_partner_id AS partner_id, p.company_id,
                       p.create_uid AS user_id, jsonb_build_object('name', p.name) AS payload
                  FROM %s p WHERE p.is_out OR p.is_step""", DELIVERIES),
            'deliveries': SQL("""
                SELECT COALESCE(p.date_done, p.write_date) AS date,
                       CASE WHEN p.state = 'cancel' THEN 'delivery.cancelled'
                            WHEN p.is_out THEN 'delivery.shipped'
                            WHEN p.is_back THEN 'delivery.returned'
                            WHEN p.code = 'incoming' THEN 'receipt.done'
                            WHEN p.is_pack THEN 'delivery.packed' ELSE 'delivery.picked' END AS type,
                       'stock.picking' AS model, p.id AS res_id, p.sale_id AS order_id,
                       p.commercial_partner_id AS partner_id, p.company_id, p.write_uid AS user_id,
                       jsonb_build_object('name', p.name) AS payload
                  FROM %s p
                 WHERE p.state = 'done' AND (p.is_out OR p.is_back OR p.code = 'incoming' OR p.is_step)
                    OR p.state = 'cancel' AND (p.is_out OR p.is_step)""",
                DELIVERIES),
            'delivered orders': SQL("""
                SELECT done.date, 'order.delivered' AS type, 'sale.order' AS model, s.id AS res_id, s.id AS order_id,
                       s.commercial_partner_id AS partner_id, s.company_id, s.amounts AS payload
                  FROM %s s
                  JOIN (SELECT sale_id, MAX(date_done) AS date FROM stock_picking
                         WHERE state = 'done' GROUP BY sale_id) done ON done.sale_id = s.id
                 WHERE s.delivery_status = 'full' AND done.date IS NOT NULL""", ORDERS),
            'moves': SQL("""
                SELECT m.date, 'move.done' AS type, 'stock.move' AS model, m.id AS res_id, l.order_id,
                       partner.commercial_partner_id AS partner_id, m.product_id, m.company_id,
                       m.write_uid AS user_id,
                       jsonb_build_object('quantity', m.quantity, 'from', m.location_id, 'to', m.location_dest_id)
                       AS payload
                  FROM stock_move m
                  LEFT JOIN sale_order_line l ON l.id = m.sale_line_id
                  LEFT JOIN sale_order s ON s.id = l.order_id
                  LEFT JOIN res_partner partner ON partner.id = s.partner_id
                 WHERE m.state = 'done'"""),
            'drafted invoices': self._select_invoices(
                SQL("LEAST(m.create_date, m.posted_at)"), SQL("'.created'"), SQL("TRUE")),
            'posted invoices': self._select_invoices(
                SQL("m.posted_at"), SQL("'.posted'"), SQL("m.state = 'posted'")),
            'cancelled invoices': self._select_invoices(
                SQL("GREATEST(m.create_date, m.posted_at)"), SQL("'.cancelled'"), SQL("m.state = 'cancel'")),
            'settled invoices': self._select_invoices(
                SQL("""GREATEST(m.posted_at, (
                    SELECT MAX(CASE WHEN r.max_date = r.create_date::date THEN r.create_date ELSE r.max_date END)
                      FROM account_move_line aml
                      JOIN account_partial_reconcile r ON aml.id IN (r.debit_move_id, r.credit_move_id)
                     WHERE aml.move_id = m.id))"""),
                SQL("CASE m.payment_state WHEN 'reversed' THEN '.reversed' ELSE '.paid' END"),
                SQL("m.state = 'posted' AND m.payment_state IN ('paid', 'in_payment', 'reversed')")),
            'invoiced orders': SQL("""
                SELECT posted.date, 'order.invoiced' AS type, 'sale.order' AS model, s.id AS res_id, s.id AS order_id,
                       s.commercial_partner_id AS partner_id, s.company_id, s.amounts AS payload
                  FROM %s s
                  JOIN (SELECT order_id, MAX(posted_at) AS date FROM %s m
                         WHERE m.state = 'posted' GROUP BY order_id) posted ON posted.order_id = s.id
                 WHERE s.invoice_status = 'invoiced'""", ORDERS, INVOICES),
            'payments': SQL("""
                SELECT CASE WHEN p.date = p.create_date::date THEN p.create_date ELSE p.date::timestamp END AS date,
                       CASE p.state WHEN 'paid' THEN 'payment.paid' WHEN 'in_process' THEN 'payment.posted'
                                    WHEN 'canceled' THEN 'payment.cancelled' ELSE 'payment.created' END AS type,
                       'account.payment' AS model, p.id AS res_id, partner.commercial_partner_id AS partner_id,
                       p.company_id, p.create_uid AS user_id,
                       jsonb_build_object('name', p.name, 'amount', p.amount, 'currency', c.name) AS payload
                  FROM account_payment p
                  JOIN res_currency c ON c.id = p.currency_id
                  LEFT JOIN res_partner partner ON partner.id = p.partner_id
                 WHERE p.partner_type = 'customer'"""),
            'leads': self._select_leads(SQL("lead.create_date"), SQL("'lead.created'"), SQL("TRUE")),
            'closed leads': self._select_leads(
                SQL("COALESCE(lead.date_closed, lead.write_date)"), SQL("'lead.' || lead.won_status"),
                SQL("lead.won_status IN ('won', 'lost')")),
            'customers': SQL("""
                SELECT p.create_date AS date, 'customer.created' AS type, 'res.partner' AS model, p.id AS res_id,
                       p.commercial_partner_id AS partner_id, p.company_id, p.create_uid AS user_id,
                       jsonb_build_object('name', p.complete_name) AS payload
                  FROM res_partner p WHERE p.partner_share AND p.create_date IS NOT NULL"""),
            'meetings': SQL("""
                SELECT e.create_date AS date, 'meeting.planned' AS type, 'calendar.event' AS model, e.id AS res_id,
                       s.id AS order_id, lead.id AS lead_id, customer.commercial_partner_id AS partner_id,
                       COALESCE(s.company_id, lead.company_id, customer.company_id) AS company_id,
                       e.create_uid AS user_id,
                       CASE WHEN %s THEN jsonb_build_object('name', e.name) ELSE '{}' END
                       || jsonb_build_object('start', e.start) AS payload
                  FROM calendar_event e
                  LEFT JOIN sale_order s ON e.res_model = 'sale.order' AND s.id = e.res_id
                  LEFT JOIN crm_lead lead ON lead.id = e.opportunity_id
                  LEFT JOIN (SELECT DISTINCT rel.calendar_event_id, p.commercial_partner_id, customer.company_id
                               FROM calendar_event_res_partner_rel rel
                               JOIN res_partner p ON p.id = rel.res_partner_id AND p.partner_share
                               JOIN res_partner customer ON customer.id = p.commercial_partner_id) customer
                         ON customer.calendar_event_id = e.id
                 WHERE e.active AND (customer.commercial_partner_id IS NOT NULL OR lead.id IS NOT NULL
                                     OR s.id IS NOT NULL)""", self._meeting_is_public()),
            'activities': SQL("""
                SELECT COALESCE(a.date_done::timestamp, a.write_date) AS date, 'activity.done' AS type,
                       'mail.activity' AS model, a.id AS res_id, s.id AS order_id, lead.id AS lead_id,
                       partner.commercial_partner_id AS partner_id,
                       COALESCE(s.company_id, lead.company_id, customer.company_id) AS company_id, a.user_id,
                       jsonb_build_object('summary', a.summary) AS payload
                  FROM mail_activity a
                  LEFT JOIN sale_order s ON a.res_model = 'sale.order' AND s.id = a.res_id
                  LEFT JOIN crm_lead lead ON a.res_model = 'crm.lead' AND lead.id = a.res_id
                  LEFT JOIN res_partner partner ON partner.id = COALESCE(
                       s.partner_id, lead.partner_id, CASE a.res_model WHEN 'res.partner' THEN a.res_id END)
                  LEFT JOIN res_partner customer ON customer.id = partner.commercial_partner_id
                 WHERE NOT a.active AND a.res_model IN ('sale.order', 'crm.lead', 'res.partner')"""),
        }

    @api.model
    def _select_states(self, state, kind, date=None, user=None, condition=None):
        """Return the events of orders that came into a state: as the chatter has them, else as one may guess."""
        columns = SQL("""'sale.order' AS model, s.id AS res_id, s.id AS order_id,
                         s.commercial_partner_id AS partner_id, s.company_id, s.amounts AS payload""")
        tracked = SQL(
            "SELECT tracked.date, %s AS type, tracked.user_id, %s FROM %s tracked JOIN %s s ON s.id = tracked.order_id"
            " WHERE tracked.state = %s", kind, columns, TRACKED, ORDERS, state)
        if condition is None:
            return tracked
        return SQL(
            """%s UNION ALL
               SELECT %s AS date, %s AS type, %s AS user_id, %s FROM %s s
                WHERE (%s) AND NOT EXISTS (
                      SELECT FROM %s tracked WHERE tracked.order_id = s.id AND tracked.state = %s)""",
            tracked, date, kind, user, columns, ORDERS, condition, TRACKED, state)

    @api.model
    def _meeting_is_public(self):
        """Return whether everybody may read the name of a meeting, as ``effective_privacy`` has it."""
        fallback = self.env['ir.config_parameter'].sudo().get_param('calendar.default_privacy', 'public')
        return SQL(
            """(e.privacy = 'public' OR e.privacy IS NULL AND e.user_id IS NOT NULL AND COALESCE(
                   (SELECT calendar_default_privacy FROM res_users_settings WHERE user_id = e.user_id), %s) = 'public')
            """, fallback)

    @api.model
    def _select_invoices(self, date, kind, condition):
        return SQL("""
            SELECT %s AS date, m.kind || %s AS type, 'account.move' AS model, m.id AS res_id, m.order_id,
                   m.commercial_partner_id AS partner_id, m.company_id, m.create_uid AS user_id,
                   jsonb_build_object('name', m.name, 'amount_total', m.amount_total, 'currency', m.currency) AS payload
              FROM %s m WHERE %s""", date, kind, INVOICES, condition)

    @api.model
    def _select_leads(self, date, kind, condition):
        return SQL("""
            SELECT %s AS date, %s AS type, 'crm.lead' AS model, lead.id AS res_id, lead.id AS lead_id,
                   partner.commercial_partner_id AS partner_id, lead.company_id, lead.user_id,
                   jsonb_build_object('name', lead.name) AS payload
              FROM crm_lead lead
              LEFT JOIN res_partner partner ON partner.id = lead.partner_id
             WHERE %s""", date, kind, condition)

    @api.model
    def _read_source(self, name, query):
        """Append what a source tells and the ledger has not; return how many events that is."""
        self.env.flush_all()
        columns = self._columns_of(query)
        self.env.cr.execute(SQL(
            """
            INSERT INTO sales_event (%(columns)s, history)
            SELECT %(columns)s, TRUE FROM (%(query)s) told
             WHERE told.date IS NOT NULL AND NOT EXISTS (
                    SELECT FROM sales_event known
                     WHERE known.model = told.model AND known.res_id = told.res_id AND known.type = told.type)
             ORDER BY told.date
            """, columns=SQL(", ").join(map(SQL.identifier, columns)), query=query))
        count = self.env.cr.rowcount
        _logger.info("Sales ledger: %s events of %s", count, name)
        return count

    @api.model
    def _columns_of(self, query):
        self.env.cr.execute(SQL("SELECT * FROM (%s) told LIMIT 0", query))
        return [column.name for column in self.env.cr.description if column.name in COLUMNS]

    @api.model
    def _read_all(self):
        return sum(self._read_source(name, query) for name, query in self._sources().items())

    # -- on demand

    @api.model
    def _request(self):
        self.env['ir.config_parameter'].sudo().set_param(REQUESTED, ','.join(self._sources()))
        self.env.ref('sms_addon.ir_cron_sales_event_history').sudo()._trigger()

    @api.model
    def _cron_read(self):
        """Read the sources that were asked for, one transaction each."""
        parameters = self.env['ir.config_parameter'].sudo()
        commit = self.env['ir.cron']._commit_progress
        sources = self._sources()
        waiting = [name for name in (parameters.get_param(REQUESTED) or '').split(',') if name in sources]
        commit(remaining=len(waiting))
        while waiting:
            name = waiting.pop(0)
            self._read_source(name, sources[name])
            parameters.set_param(REQUESTED, ','.join(waiting) or False)
            if not commit(1, remaining=len(waiting)):
                break
