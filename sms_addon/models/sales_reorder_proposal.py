import math

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import LazyTranslate

from .res_company import SERVICE_MEASURES
from .sales_forecast_demand import DEMAND_SOURCES
from .sales_stock_position import CLASSES

_lt = LazyTranslate(__name__)

STATES = [
    ('draft', "Proposed"),
    ('accepted', "Accepted"),
    ('rejected', "Rejected"),
    ('undone', "Undone"),
    ('stale', "Out of Date"),
]
#: what a person may change while a proposal is open; all else is written by the calculation and by decisions
EDITABLE = {'service_target', 'proposed_min', 'proposed_max', 'user_id', 'new_trigger'}
#: of these, what the figures do not follow
PLAIN = {'user_id', 'new_trigger'}

LEAD_SENTENCES = {
    'receipts': _lt("A receipt takes %(days)s days, give or take %(spread)s (%(count)s receipts)."),
    'vendor': _lt("The vendor promises %(days)s days; too few receipts tell more."),
    'orderpoint': _lt("The order point counts on %(days)s days; too few receipts tell more."),
}
AIM_SENTENCES = {
    'fill': _lt("To serve %(service)s of the demand from stock, an order is due below %(minimum)s: %(expected)s are"
                " expected to be sold until the receipt, %(spare)s are for what nobody expects."),
    'cycle': _lt("For no shortage in %(service)s of the order cycles, an order is due below %(minimum)s: %(expected)s"
                 " are expected to be sold until the receipt, %(spare)s are for what nobody expects."),
}


class SalesReorderProposal(models.Model):
    """The order point that a product should have in a warehouse: why, and what it would change.

    Figures are written by :class:`SalesReorderCalculation`; nothing changes in the host until somebody accepts. One is
    open for each product and warehouse; those decided stay. Quantities are in the unit of the product, amounts in the
    currency of the company.
    """
    _name = 'sales.reorder.proposal'
    _description = "Reorder Proposal"
    _inherit = ['sales.selection.order', 'mail.thread', 'mail.activity.mixin']
    _order = 'sales_at_stake desc, id'
    _rec_name = 'product_id'
    _rec_names_search = ['product_id']
    _stage_fields = ('state',)

    position_id = fields.Many2one(
        'sales.stock.position', string="Stock Position", readonly=True, index='btree_not_null', ondelete='set null')
    product_id = fields.Many2one('product.product', required=True, readonly=True, ondelete='cascade', index=True)
    categ_id = fields.Many2one('product.category', string="Product Category", readonly=True)
    warehouse_id = fields.Many2one('stock.warehouse', required=True, readonly=True, ondelete='cascade', index=True)
    company_id = fields.Many2one('res.company', required=True, readonly=True, ondelete='cascade', index=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    uom_id = fields.Many2one('uom.uom', string="Unit", readonly=True)
    user_id = fields.Many2one('res.users', string="Responsible")
    abc = fields.Selection(CLASSES, string="ABC by Revenue", readonly=True)
    study_id = fields.Many2one('sales.study', readonly=True, index='btree_not_null', ondelete='set null')
    state = fields.Selection(
        STATES, readonly=True, required=True, default='draft', index=True, tracking=True, group_expand=True)

    # -- what it is made from
    service_target = fields.Float(
        string="Service Level", aggregator='avg', digits=(16, 4),
        help="What the minimum is for; set by class of product in the settings, and here for one product.")
    service_measure = fields.Selection(SERVICE_MEASURES, string="Service Measured By", readonly=True)
    service_manual = fields.Boolean(string="Service Level Set by Hand", readonly=True)
    daily_demand = fields.Float(string="Demand per Day", digits=(16, 4), aggregator=None, readonly=True)
    demand_spread = fields.Float(string="Spread of Demand", digits=(16, 4), aggregator=None, readonly=True)
    demand_source = fields.Selection(DEMAND_SOURCES, readonly=True, help="Where the demand is from.")
    lead_days = fields.Float(string="Lead Time", digits=(16, 1), aggregator='avg', readonly=True)
    lead_spread = fields.Float(string="Spread of Lead Time", digits=(16, 1), aggregator=None, readonly=True)
    lead_count = fields.Integer(string="Receipts Counted", aggregator=None, readonly=True)
    lead_source = fields.Selection(
        [('receipts', "Receipts"), ('vendor', "Vendor"), ('orderpoint', "Order Point")], readonly=True,
        string="Lead Time From")
    method = fields.Selection([
        ('normal', "Normal distribution"), ('empirical', "Demand as it was"), ('none', "No demand"),
    ], readonly=True, help="Steady demand is taken as normally distributed, other demand as it was.")
    lead_demand = fields.Float(
        string="Expected Until Receipt", digits='Product Unit', aggregator=None, readonly=True,
        help="Expected demand of the lead time, and by how much an order is expected to be late below the minimum.")
    vendor_id = fields.Many2one('res.partner', readonly=True, index='btree_not_null')
    vendor_min = fields.Float(string="Vendor Minimum", digits='Product Unit', aggregator=None, readonly=True)
    vendor_multiple = fields.Float(digits='Product Unit', aggregator=None, readonly=True)
    unit_price = fields.Float(
        string="Purchase Price", digits='Product Price', aggregator=None, readonly=True,
        help="What the vendor asks for a unit, in the currency of the company; the cost where no vendor is known.")
    unit_cost = fields.Float(string="Cost", digits='Product Price', aggregator=None, readonly=True)

    # -- what is there and what is proposed
    orderpoint_id = fields.Many2one(
        'stock.warehouse.orderpoint', string="Order Point", readonly=True, index='btree_not_null', ondelete='set null')
    present_min = fields.Float(string="Present Minimum", digits='Product Unit', aggregator=None, readonly=True)
    present_max = fields.Float(string="Present Maximum", digits='Product Unit', aggregator=None, readonly=True)
    proposed_min = fields.Float(string="Minimum", digits='Product Unit', aggregator=None)
    proposed_max = fields.Float(string="Maximum", digits='Product Unit', aggregator=None)
    levels_manual = fields.Boolean(string="Quantities Set by Hand", readonly=True)
    position_qty = fields.Float(
        string="Stock Position Quantity", digits='Product Unit', aggregator=None, readonly=True,
        help="On hand, incoming and in requests for quotation, less outgoing, when this was calculated.")
    order_qty = fields.Float(
        string="Order Now", digits='Product Unit', readonly=True,
        help="What lifts the stock position to the maximum, as the vendor sells it; nothing above the minimum.")
    order_cost = fields.Monetary(readonly=True)
    order_parts = fields.Json(
        readonly=True,
        help="Smaller sizes of the order, as the vendor sells them, and what each saves of the sales at stake.")
    sales_at_stake = fields.Monetary(
        string="Sales at Stake", readonly=True,
        help="Untaxed sales that are expected to wait if nothing is ordered now.")

    # -- what it changes
    stock_before = fields.Float(string="Average Stock Now", digits='Product Unit', aggregator=None, readonly=True)
    stock_after = fields.Float(string="Average Stock Then", digits='Product Unit', aggregator=None, readonly=True)
    value_before = fields.Monetary(string="Stock Value Now", readonly=True, help="Expected average stock, at cost.")
    value_after = fields.Monetary(string="Stock Value Then", readonly=True, help="Expected average stock, at cost.")
    value_change = fields.Monetary(string="Change of Stock Value", readonly=True)
    service_before = fields.Float(string="Service Now", aggregator='avg', digits=(16, 4), readonly=True)
    service_after = fields.Float(string="Service Then", aggregator='avg', digits=(16, 4), readonly=True)

    # -- replay of the last year
    replay_days = fields.Integer(aggregator=None, readonly=True)
    replay_demand = fields.Float(string="Demand in Replay", digits='Product Unit', aggregator=None, readonly=True)
    replay_service_before = fields.Float(
        string="Replay: Served, Present", aggregator='avg', digits=(16, 4), readonly=True)
    replay_service_after = fields.Float(
        string="Replay: Served, Proposed", aggregator='avg', digits=(16, 4), readonly=True)
    replay_stock_before = fields.Float(
        string="Replay: Stock, Present", digits='Product Unit', aggregator=None, readonly=True)
    replay_stock_after = fields.Float(
        string="Replay: Stock, Proposed", digits='Product Unit', aggregator=None, readonly=True)
    replay_orders_before = fields.Integer(string="Replay: Orders, Present", readonly=True)
    replay_orders_after = fields.Integer(string="Replay: Orders, Proposed", readonly=True)
    verdict = fields.Selection(
        [('better', "Better"), ('same', "Same"), ('worse', "Worse")], string="In Replay", readonly=True,
        help="How the proposal would have done in the last year beside the present order point: the service level"
             " comes first, up to what is wanted; then less stock.")

    # -- what came of it
    decided_by = fields.Many2one('res.users', readonly=True)
    decided_at = fields.Datetime(readonly=True)
    before_min = fields.Float(digits='Product Unit', aggregator=None, readonly=True)
    before_max = fields.Float(digits='Product Unit', aggregator=None, readonly=True)
    before_state = fields.Selection(
        [('active', "Active"), ('archived', "Archived"), ('none', "None")], string="Order Point Before", readonly=True)

    reason = fields.Text(compute='_compute_reason')
    verdict_reason = fields.Text(compute='_compute_reason')

    _open_uniq = models.UniqueIndex(
        "(product_id, warehouse_id) WHERE state = 'draft'", "A product has one open proposal in a warehouse.")
    _state_company_idx = models.Index("(company_id, state)")
    _levels_check = models.Constraint(
        'CHECK(proposed_min >= 0 AND proposed_max >= proposed_min)',
        "The minimum is not below zero, and the maximum not below the minimum.")

    @api.depends('product_id', 'warehouse_id')
    def _compute_display_name(self):
        for proposal in self:
            proposal.display_name = f"{proposal.product_id.display_name} ({proposal.warehouse_id.display_name})"

    # -- why, in words

    @api.depends(
        'method', 'daily_demand', 'demand_spread', 'lead_days', 'lead_spread', 'service_target', 'proposed_min',
        'proposed_max', 'vendor_id', 'vendor_min', 'vendor_multiple', 'verdict', 'state')
    @api.depends_context('lang')
    def _compute_reason(self):
        for proposal in self:
            proposal.reason = ' '.join(proposal._get_reason_sentences())
            proposal.verdict_reason = proposal._get_verdict_sentence()

    @api.model
    def _describe_demand_source(self, source):
        return dict(self._fields['demand_source']._description_selection(self.env))[source]

    def _get_reason_sentences(self):
        if self.method == 'none':
            return [self.env._("Nothing was asked for in %(days)s days.", days=self.replay_days)]
        number = self._format_number
        sentences = [self.env._(
            "%(demand)s %(unit)s are asked for per day, give or take %(spread)s%(origin)s.",
            demand=number(self.daily_demand, 2), unit=self.uom_id.name, spread=number(self.demand_spread, 2),
            origin=f" ({self._describe_demand_source(self.demand_source)})" if self.demand_source else "")]
        sentences += self._get_lead_sentences()
        sentences += self._get_level_sentences()
        if self.method == 'empirical':
            sentences.append(self.env._(
                "The demand is irregular: it is taken as it was, not as a normal distribution."))
        return sentences

    def _get_lead_sentences(self):
        lead = self.env._(LEAD_SENTENCES[self.lead_source]) if self.lead_source else ''
        number = self._format_number
        return [lead % {
            'days': number(self.lead_days, 1), 'spread': number(self.lead_spread, 1), 'count': self.lead_count,
        }] if lead else []

    def _get_level_sentences(self):
        number = self._format_number
        if self.levels_manual:
            sentences = [self.env._("Minimum and maximum were set by hand.")]
        else:
            text = self.env._(AIM_SENTENCES[self.service_measure or 'fill'])
            sentences = [text % {
                'service': f"{number(self.service_target * 100, 1)} %", 'minimum': number(self.proposed_min, 2),
                'expected': number(self.lead_demand, 1),
                'spare': number(max(self.proposed_min - self.lead_demand, 0), 1),
            }]
        between = self.proposed_max - self.proposed_min
        if self.daily_demand and between:
            sentences.append(self.env._(
                "An order of %(quantity)s lasts %(days)s days.", quantity=number(between, 2),
                days=number(between / self.daily_demand, 0)))
        if self.vendor_min > 1 or self.vendor_multiple > 1:
            sentences.append(self.env._(
                "%(vendor)s sells at least %(least)s, in multiples of %(multiple)s.", vendor=self.vendor_id.name,
                least=number(self.vendor_min, 2), multiple=number(self.vendor_multiple or 1, 2)))
        return sentences

    def _get_verdict_sentence(self):
        if not self.verdict:
            return False
        number = self._format_number
        figures = {
            'before': number(self.replay_service_before * 100, 1), 'after': number(self.replay_service_after * 100, 1),
            'stock_before': number(self.replay_stock_before, 1), 'stock_after': number(self.replay_stock_after, 1),
            'orders_before': self.replay_orders_before, 'orders_after': self.replay_orders_after,
            'days': self.replay_days,
        }
        sentence = self.env._(
            "Replayed over the last %(days)s days: %(after)s %% of the demand served (present order point:"
            " %(before)s %%), %(stock_after)s on hand on average (%(stock_before)s), %(orders_after)s orders"
            " (%(orders_before)s).", **figures)
        if self.verdict == 'worse':
            sentence += ' ' + self.env._("This proposal would have done worse.")
        return sentence

    def _format_number(self, value, digits):
        """Return a number in the language of the reader, without zeros at its end."""
        value = round(value, digits)
        lang = self.env['res.lang']._lang_get(self.env.lang or 'en_US')
        text = lang.format(f'%.{digits}f', value, grouping=True)
        return text.rstrip('0').rstrip(lang.decimal_point) if lang.decimal_point in text else text

    # -- changes by hand

    @api.constrains('service_target')
    def _check_service_target(self):
        for proposal in self:
            if not 0 < proposal.service_target < 1 and proposal.method != 'none':
                raise ValidationError(self.env._("A service level is above 0 % and below 100 %."))

    def write(self, vals):
        edited = vals.keys() & (EDITABLE - PLAIN)
        decided = self.filtered(lambda proposal: proposal.state != 'draft')
        if decided and vals.keys() & (EDITABLE - {'user_id'}):
            raise UserError(self.env._(
                "The proposal for %(product)s is decided; it stays as it is.", product=decided[0].display_name))
        if not self.env.su:
            self._check_written(vals)
        if any(not math.isfinite(vals[name] or 0) for name in edited):
            raise ValidationError(self.env._("A quantity and a service level are numbers."))
        written = super().write(vals)
        if edited:
            self._calculate_again(edited)
        return written

    def _check_written(self, vals):
        ours = {
            name for name in vals
            if name not in EDITABLE and name in self._fields and self._fields[name].store
            and self._fields[name].readonly}
        if ours:
            raise AccessError(self.env._(
                "Of a proposal, only service level, minimum, maximum, trigger and responsible are changed by hand."))

    def _calculate_again(self, edited):
        """Have the figures follow what was changed: the quantities a new service level, the effects new quantities."""
        self.flush_recordset()
        flags = {'levels_manual': bool(edited & {'proposed_min', 'proposed_max'})}
        if 'service_target' in edited:
            flags['service_manual'] = True
        # what may be read of sales and of costs is not what the planner may read: only the figures are shown
        calculation = self.env['sales.reorder.calculation'].sudo()
        for company, proposals in self.grouped('company_id').items():
            proposals.sudo().write(flags)
            proposals.flush_recordset()
            calculation.with_company(company)._recalculate(proposals.sudo())
        self.invalidate_recordset()

    # -- screens

    def action_open_product(self):
        self.ensure_one()
        return self.product_id._get_records_action()

    def action_open_orderpoint(self):
        """Show the order point among those of its product, where the host has it edited."""
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('stock.action_orderpoint'),
            'domain': [('product_id', '=', self.product_id.id), ('warehouse_id', '=', self.warehouse_id.id)],
            'context': {'active_test': False},
        }

    def action_calculate(self):
        """Have the proposals of the company calculated behind the scenes, and show how far that is.

        Of no proposal in particular; a button of a list sends those that are chosen all the same.
        """
        studies = self.env['sales.study']
        study = studies.search([('kind', '=', 'reorder'), ('company_id', '=', self.env.company.id)], limit=1)
        study = study or studies.create({'kind': 'reorder', 'company_id': self.env.company.id})
        if study.state == 'draft':
            study.action_run()
        elif study.state != 'running':
            return study.action_run_again()
        return study._get_records_action()

    @api.model
    def _get_open_domain(self, company):
        return Domain('state', '=', 'draft') & Domain('company_id', '=', company.id)
