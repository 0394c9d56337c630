from odoo import api, fields, models
from odoo.tools import SQL

STATES = {'draft': 'order.reset', 'sent': 'order.sent', 'sale': 'order.confirmed', 'cancel': 'order.cancelled'}
#: what is agreed besides the lines
CHANGES = (
    'commitment_date', 'partner_id', 'user_id', 'team_id', 'warehouse_id', 'pricelist_id', 'payment_term_id',
    'currency_id', 'validity_date',
)


class SaleOrder(models.Model):
    _name = 'sale.order'
    _inherit = ['sale.order', 'sales.event.mixin', 'sales.import.history']

    _event_fields = ('state', 'delivery_status', 'invoice_status', *CHANGES)

    sales_import_id = fields.Many2one(
        'sales.import', string="Sales History Import", readonly=True, copy=False, index='btree_not_null',
        ondelete='set null')
    sales_import_key = fields.Char(
        string="Imported From", readonly=True, copy=False, help="Source and reference of an imported order.")
    sales_history = fields.Boolean(
        string="Settled Elsewhere", copy=False,
        help="The order is history: it was delivered and invoiced outside of this system, so it waits for neither.")
    sales_process_wait = fields.Float(
        string="Waited", compute='_compute_sales_process_wait', groups='sales_team.group_sale_salesman',
        help="Seconds between the two events that were opened in the process view, or from the first to the last.")

    _sales_import_key_idx = models.UniqueIndex(
        "(company_id, sales_import_key) WHERE sales_import_key IS NOT NULL", "The order has been imported already.")

    @api.depends('order_line.price_subtotal', 'currency_id', 'company_id', 'payment_term_id')
    def _compute_amounts(self):
        """Lines without taxes add up, rounded before or after as the company says; the tax engine is not needed."""
        if not self.env.context.get('sales_import_history'):
            return super()._compute_amounts()
        plain = self.filtered(lambda order: not order.payment_term_id and not order.order_line.tax_ids)
        for order in plain:
            if order.company_id.tax_calculation_rounding_method == 'round_per_line':
                amounts = order.order_line.mapped('price_subtotal')
            else:
                amounts = [line._get_raw_subtotal() for line in order.order_line]
            order.amount_untaxed = order.amount_total = order.currency_id.round(sum(amounts))
            order.amount_tax = 0.0
        return super(SaleOrder, self - plain)._compute_amounts()

    def _add_precomputed_values(self, vals_list):
        """An imported order in the currency of its company needs no pricelist to find that out."""
        if self.env.context.get('sales_import_history'):
            for vals in vals_list:
                if vals.get('pricelist_id') is False:
                    company = self.env['res.company'].browse(vals['company_id'])
                    vals.update(currency_id=company.currency_id.id, currency_rate=1.0)
        super()._add_precomputed_values(vals_list)

    # -- timeline

    @api.readonly
    def get_timeline(self):
        """Return the story of the order for its form."""
        self.ensure_one()
        self.check_access('read')
        return self.env['sales.order.timeline']._get(self)

    @api.private
    def get_customer_timeline(self):
        """Return the story of the order in the words for its customer; called by the portal, which checks the token."""
        self.ensure_one()
        return self.env['sales.order.timeline']._get_for_customer(self)

    def _timeline_channel(self):
        """Return the bus channel of the order; only whoever may read the order is let in, see ``ir.websocket``."""
        self.ensure_one()
        return (self, 'timeline')

    # -- events

    def _event_prepare(self, note, notes):
        events = [self._prepare_event(kind, payload) for kind, payload in self._event_milestones(note)]
        if changes := self._event_changes(note, CHANGES):
            events.append(self._prepare_event('order.changed', changes))
        if note.history:  # what is imported happened when the file says so
            events = [event | {'date': fields.Datetime.to_string(self.date_order)} for event in events]
        return events

    def _event_milestones(self, note):
        """Yield type and details of what the order has become."""
        amounts = {'name': self.name, 'amount_total': self.amount_total, 'currency': self.currency_id.name}
        if note.created:
            yield 'order.created', amounts
        before = note.before(self, 'state', 'draft')
        if self.state != before:
            yield STATES[self.state], {**amounts, 'state': [before, self.state]}
        # orders that were settled elsewhere were neither delivered nor invoiced here
        if not self.sales_history:
            for name, reached, kind in (
                ('delivery_status', 'full', 'order.delivered'), ('invoice_status', 'invoiced', 'order.invoiced'),
            ):
                if note.before(self, name) != reached == self[name]:
                    yield kind, amounts

    def _prepare_event(self, kind, payload):
        return {
            'type': kind,
            'order_id': self.id,
            'partner_id': self.partner_id.commercial_partner_id.id,
            'company_id': self.company_id.id,
            'payload': payload,
        }

    def _event_prepare_unlink(self, notes):
        return [self._prepare_event('order.deleted', {'name': self.name, 'amount_total': self.amount_total})]

    # -- the process view

    @api.depends_context('sales_process_transition')
    def _compute_sales_process_wait(self):
        wait = self._field_to_sql('sale_order', 'sales_process_wait')
        seconds = dict(self.env.execute_query(SQL(
            "SELECT id, %s FROM sale_order WHERE id IN %s", wait, tuple(self.ids) or (0,))))
        for order in self:
            order.sales_process_wait = seconds.get(order.id) or 0.0

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr != 'sales_process_wait':
            return super()._field_to_sql(alias, field_expr, query)
        self._check_field_access(self._fields[field_expr], 'read')
        transition = self.env.context.get('sales_process_transition')
        return self.env['sales.process']._select_wait(SQL.identifier(alias, 'id'), transition)
