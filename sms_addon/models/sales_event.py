import json
import logging
from datetime import timedelta
from functools import partial

from odoo import api, fields, models
from odoo.exceptions import MissingError, UserError
from odoo.tools import SQL, LazyTranslate
from odoo.tools.sql import table_exists

_logger = logging.getLogger(__name__)
_lt = LazyTranslate(__name__)

BUFFER = 'sales.event'
#: columns that whoever writes an event gives; the database adds the id and the transaction
COLUMNS = {
    'date': 'timestamp', 'type': 'varchar', 'model': 'varchar', 'res_id': 'int4', 'order_id': 'int4', 'lead_id': 'int4',
    'partner_id': 'int4', 'product_id': 'int4', 'company_id': 'int4', 'user_id': 'int4', 'payload': 'jsonb',
    'history': 'bool',
}
INDEXES = {
    'place': '(xid, id)',
    'order': '(order_id, id) WHERE order_id IS NOT NULL',
    'partner': '(partner_id, id) WHERE partner_id IS NOT NULL',
    'record': '(model, res_id)',
    'date': '(date, id)',
}
TYPES = {
    'order.created': _lt("Quotation created"),
    'order.sent': _lt("Quotation sent"),
    'order.confirmed': _lt("Order confirmed"),
    'order.changed': _lt("Order changed"),
    'order.delivered': _lt("Fully delivered"),
    'order.invoiced': _lt("Fully invoiced"),
    'order.cancelled': _lt("Order cancelled"),
    'order.reset': _lt("Back to quotation"),
    'order.deleted': _lt("Order deleted"),
    'line.added': _lt("Line added"),
    'line.changed': _lt("Line changed"),
    'line.removed': _lt("Line removed"),
    'delivery.planned': _lt("Delivery planned"),
    'delivery.ready': _lt("Goods reserved"),
    'delivery.picked': _lt("Goods picked"),
    'delivery.packed': _lt("Goods packed"),
    'delivery.shipped': _lt("Goods shipped"),
    'delivery.returned': _lt("Goods returned"),
    'delivery.rescheduled': _lt("Delivery rescheduled"),
    'delivery.cancelled': _lt("Delivery cancelled"),
    'delivery.deleted': _lt("Delivery deleted"),
    'receipt.done': _lt("Goods received"),
    'move.waiting': _lt("Move waits for goods"),
    'move.reserved': _lt("Move reserved"),
    'move.changed': _lt("Move changed"),
    'move.done': _lt("Move done"),
    'move.cancelled': _lt("Move cancelled"),
    'stock.changed': _lt("Stock changed"),
    'invoice.created': _lt("Invoice drafted"),
    'invoice.posted': _lt("Invoice posted"),
    'invoice.partial': _lt("Invoice partly paid"),
    'invoice.paid': _lt("Invoice paid"),
    'invoice.unpaid': _lt("Invoice no longer paid"),
    'invoice.reversed': _lt("Invoice reversed"),
    'invoice.changed': _lt("Invoice changed"),
    'invoice.reset': _lt("Invoice back to draft"),
    'invoice.cancelled': _lt("Invoice cancelled"),
    'invoice.deleted': _lt("Invoice deleted"),
    'refund.created': _lt("Credit note drafted"),
    'refund.posted': _lt("Credit note posted"),
    'refund.partial': _lt("Credit note partly settled"),
    'refund.paid': _lt("Credit note settled"),
    'refund.unpaid': _lt("Credit note no longer settled"),
    'refund.reversed': _lt("Credit note reversed"),
    'refund.changed': _lt("Credit note changed"),
    'refund.reset': _lt("Credit note back to draft"),
    'refund.cancelled': _lt("Credit note cancelled"),
    'refund.deleted': _lt("Credit note deleted"),
    'payment.created': _lt("Payment registered"),
    'payment.posted': _lt("Payment in process"),
    'payment.paid': _lt("Payment received"),
    'payment.cancelled': _lt("Payment cancelled"),
    'lead.created': _lt("Lead created"),
    'lead.stage': _lt("Lead moved on"),
    'lead.won': _lt("Opportunity won"),
    'lead.lost': _lt("Opportunity lost"),
    'lead.restored': _lt("Opportunity restored"),
    'customer.created': _lt("Customer created"),
    'customer.changed': _lt("Customer changed"),
    'customer.merged': _lt("Customers merged"),
    'product.price': _lt("Sales price changed"),
    'product.cost': _lt("Cost changed"),
    'meeting.planned': _lt("Meeting planned"),
    'meeting.cancelled': _lt("Meeting cancelled"),
    'activity.planned': _lt("Activity planned"),
    'activity.done': _lt("Activity done"),
}


class SalesEvent(models.Model):
    """The ledger: what happened, written in the transaction in which it happened, never changed afterwards.

    References are plain numbers without foreign keys: an event outlives what it speaks of. ``xid`` is the
    transaction that wrote a row; together with the id it is the place of the event in the ledger (see
    ``sales.consumer``).
    """
    _name = 'sales.event'
    _description = "Sales Event"
    _auto = False
    _order = 'date desc, id desc'
    _rec_name = 'type'

    date = fields.Datetime(readonly=True)
    type = fields.Char(readonly=True)
    name = fields.Char(string="Event", compute='_compute_name')
    model = fields.Char(readonly=True)
    res_id = fields.Many2oneReference(string="Record", model_field='model', readonly=True)
    order_id = fields.Many2one('sale.order', readonly=True)
    lead_id = fields.Many2one('crm.lead', readonly=True)
    partner_id = fields.Many2one('res.partner', string="Customer", readonly=True)
    product_id = fields.Many2one('product.product', readonly=True)
    company_id = fields.Many2one('res.company', readonly=True)
    user_id = fields.Many2one('res.users', string="By", readonly=True)
    payload = fields.Json(string="Details", readonly=True)
    payload_text = fields.Char(string="What Changed", compute='_compute_payload_text')
    history = fields.Boolean(
        readonly=True, help="Read from the records that were there before; nothing reacts to it.")

    @api.depends('type')
    def _compute_name(self):
        for event in self:
            event.name = self.env._(TYPES[event.type]) if event.type in TYPES else event.type

    @api.depends('payload')
    def _compute_payload_text(self):
        for event in self:
            event.payload_text = ", ".join(
                f"{name}: {' → '.join(map(self._show_value, value)) if isinstance(value, list) else value}"
                for name, value in (event.payload or {}).items())

    @api.model
    def _show_value(self, value):
        return value['name'] if isinstance(value, dict) else "–" if value in (False, None, '') else str(value)

    @api.depends('type', 'date')
    def _compute_display_name(self):
        for event in self:
            event.display_name = f"{event.name} #{event.id}"

    # -- reading events whose record is gone

    def web_read(self, specification):
        self._leave_out_deleted(specification)
        return super().web_read(specification)

    def export_data(self, fields_to_export):
        self._leave_out_deleted({path.partition('/')[0] for path in fields_to_export})
        return super().export_data(fields_to_export)

    def _leave_out_deleted(self, names):
        """Show no reference to what has been deleted since: a screen reads its name."""
        for field in (self._fields.get(name) for name in names):
            if field and field.type == 'many2one':
                referred = self.mapped(field.name)
                if deleted := referred - referred.sudo().exists():
                    field._update_cache(self.filtered(lambda event: event[field.name] in deleted), None)  # noqa: B023

    def _read_group_groupby(self, alias, groupby_spec, query):
        expression = super()._read_group_groupby(alias, groupby_spec, query)
        field = self._fields.get(groupby_spec)
        if field is None or field.type != 'many2one':
            return expression
        return SQL(
            "(SELECT present.id FROM %s present WHERE present.id = %s)",
            SQL.identifier(self.env[field.comodel_name]._table), expression)

    # -- the table

    def init(self):
        super().init()
        cr = self.env.cr
        if not table_exists(cr, self._table):
            cr.execute(SQL(
                """CREATE TABLE sales_event (
                       id bigserial PRIMARY KEY, xid xid8 NOT NULL DEFAULT pg_current_xact_id(), %s)""",
                SQL(", ").join(
                    SQL("%s %s", SQL.identifier(name), SQL(kind)) for name, kind in COLUMNS.items())))
            for name in ('date', 'type', 'model', 'res_id'):
                cr.execute(SQL("ALTER TABLE sales_event ALTER COLUMN %s SET NOT NULL", SQL.identifier(name)))
        for name, definition in INDEXES.items():
            cr.execute(SQL(
                "CREATE INDEX IF NOT EXISTS %s ON sales_event %s",
                SQL.identifier(f'sales_event_{name}_idx'), SQL(definition)))
        # Not even SQL that a server action runs changes what happened; retention says so beforehand.
        cr.execute("""
            CREATE OR REPLACE FUNCTION sales_event_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF current_setting('sms_addon.ledger_maintenance', true) IS DISTINCT FROM 'on' THEN
                    RAISE EXCEPTION 'The sales ledger is append-only';
                END IF;
                RETURN NULL;
            END $$;
            CREATE OR REPLACE TRIGGER sales_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sales_event
                FOR EACH STATEMENT EXECUTE FUNCTION sales_event_append_only();
        """)

    @api.model
    def _drop_guard(self):
        """Take the function off the database, for the uninstallation."""
        self.env.cr.execute("DROP FUNCTION IF EXISTS sales_event_append_only() CASCADE")

    @api.model_create_multi
    def create(self, vals_list):  # pylint: disable=method-required-super
        raise UserError(self.env._("The sales ledger is written by what happens, not by hand."))

    def write(self, vals):  # pylint: disable=method-required-super
        raise UserError(self.env._("The sales ledger is append-only: an event cannot be changed."))

    @api.ondelete(at_uninstall=True)
    def _unlink_never(self):
        raise UserError(self.env._("The sales ledger is append-only: an event cannot be deleted."))

    # -- writing

    @api.model
    def _notes(self):
        """Return what the transaction has noted since its last flush: (model, id) -> note, in order.

        What a record is for another company than that of its first note is at (model, id, company).

        The notes live with the precommit hooks: turned into rows when the cursor flushes, as it does at a
        savepoint and at the commit, and dropped when it is rolled back.
        """
        precommit = self.env.cr.precommit
        notes = precommit.data.get(BUFFER)
        if notes is None:
            notes = precommit.data[BUFFER] = {}
            precommit.add(partial(self.sudo()._flush_notes, notes))
        return notes

    @api.model
    def _flush_notes(self, notes):
        self.env.cr.precommit.data.pop(BUFFER, None)  # what is noted from here on is for the next time
        try:
            rows = self._prepare_rows(notes)
        except MissingError:
            # a cascade in the database takes records away without a word to the ORM
            rows = self._prepare_rows(self._leave_out_missing(notes))
        if rows:
            self._insert(rows)

    @api.model
    def _prepare_rows(self, notes):
        records = self._get_changed(notes)
        self._read_names(notes, records)
        rows = []
        for key, note in notes.items():
            rows += note.ready
            if record := records.get(key):
                rows += [note.complete(row, record) for row in record._event_prepare(note, notes)]
        return rows

    @api.model
    def _get_changed(self, notes):
        """Return the records that were made or changed, by the key of their note, as their company has them."""
        ids_of = self._group_ids(notes)
        records = {}
        for key, note in notes.items():
            if note.created or note.old:
                model, res_id = key[:2]
                record = self.env[model].browse(res_id).with_prefetch(ids_of[model])
                records[key] = record if note.company == self.env.company else record.with_company(note.company)
        return records

    @api.model
    def _read_names(self, notes, records):
        """Read what changed references are called: all of a model together, whatever the number of records."""
        ids_of = {}
        for key, record in records.items():
            for model, ids in record._event_references(notes[key]):
                ids_of.setdefault(model, set()).update(ids)
        for model, ids in ids_of.items():
            self.env[model].sudo().browse(ids).exists().mapped('display_name')

    @api.model
    def _leave_out_missing(self, notes):
        present = {
            (model, res_id) for model, ids in self._group_ids(notes).items()
            for res_id in self.env[model].browse(ids).exists().ids
        }
        return {key: note for key, note in notes.items() if note.ready or key[:2] in present}

    @api.model
    def _group_ids(self, notes):
        ids_of = {}
        for model, res_id, *_company in notes:
            ids_of.setdefault(model, []).append(res_id)
        return ids_of

    @api.model
    def _insert(self, rows):
        """Append events, in one statement, and have the consumers woken once the transaction is committed."""
        defaults = {'date': fields.Datetime.to_string(fields.Datetime.now()), 'history': False}
        rows = [defaults | {name: value for name, value in row.items() if value is not False} for row in rows]
        self.env.cr.execute(SQL(
            """
            INSERT INTO sales_event (%(columns)s)
            SELECT %(columns)s
              FROM ROWS FROM (jsonb_to_recordset(%(rows)s::jsonb) AS (%(types)s)) WITH ORDINALITY AS e (%(columns)s, n)
             ORDER BY n
            """,
            columns=SQL(", ").join(map(SQL.identifier, COLUMNS)),
            types=SQL(", ").join(SQL("%s %s", SQL.identifier(name), SQL(kind)) for name, kind in COLUMNS.items()),
            rows=json.dumps(rows, default=str),
        ))
        self.env['sales.consumer']._wake()

    # -- upkeep

    @api.model
    def _adopt_moved(self):
        """See to it that a database restored on another server goes on being read.

        Numbers of transactions belong to the server. On one that has counted less far, new events would sort
        before everything that was read, and be skipped: put the old ones at the beginning of time.
        """
        [(moved,)] = self.env.execute_query(SQL("""
            SELECT (last.xid >= pg_snapshot_xmax(now.snapshot)
                    AND last.xid IS DISTINCT FROM pg_current_xact_id_if_assigned())
                OR EXISTS (SELECT FROM sales_consumer WHERE offset_xid > pg_snapshot_xmax(now.snapshot))
              FROM (SELECT pg_current_snapshot() AS snapshot) now
              LEFT JOIN (SELECT xid FROM sales_event ORDER BY xid DESC, id DESC LIMIT 1) last ON TRUE"""))
        if not moved:
            return
        _logger.warning("The sales ledger comes from another database server; its events are put in order anew")
        cr = self.env.cr
        cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'on'")
        # What is above the last event of the other server was written here since, and nobody has read it; of the others
        # some that a reader has read may come again.
        cr.execute("""
            UPDATE sales_consumer c SET offset_xid = '3', offset_id = COALESCE(
                (SELECT MIN(e.id) - 1 FROM sales_event e
                  WHERE (e.xid, e.id) > (c.offset_xid, c.offset_id)
                     OR e.id > COALESCE(foreign_events.last, c.offset_id)),
                (SELECT MAX(id) FROM sales_event), 0)
              FROM (SELECT MAX(id) AS last FROM sales_event
                     WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())
                       AND xid IS DISTINCT FROM pg_current_xact_id_if_assigned()) foreign_events
        """)
        cr.execute("UPDATE sales_event SET xid = '3' WHERE xid <> '3'")
        cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'off'")
        self.env['sales.consumer'].invalidate_model()

    @api.autovacuum
    def _gc_events(self):
        """Delete events older than the retention of the settings that every consumer has read."""
        days = int(self.env['ir.config_parameter'].sudo().get_param('sms_addon.event_retention_days') or 0)
        if days <= 0:
            return
        self.env['sales.consumer'].flush_model()
        cr = self.env.cr
        cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'on'")
        cr.execute(SQL(
            """
            DELETE FROM sales_event e
             USING (SELECT offset_xid, offset_id FROM sales_consumer
                     WHERE active ORDER BY offset_xid, offset_id LIMIT 1) slowest
             WHERE e.date < %s AND (e.xid, e.id) <= (slowest.offset_xid, slowest.offset_id)
            """, fields.Datetime.now() - timedelta(days=days)))
        _logger.info("Sales ledger: %s events older than %s days deleted", cr.rowcount, days)
        cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'off'")
