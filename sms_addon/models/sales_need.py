from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

EVIDENCE = [
    ('note', "Note"),
    ('meeting', "Meeting"),
    ('survey', "Survey Answer"),
    ('prediction', "Prediction"),
]
STATES = [
    ('open', "Open"),
    ('quoted', "Quoted"),
    ('won', "Won"),
    ('lost', "Lost"),
]
#: documents that may be evidence, those of apps that are not installed left out
EVIDENCE_MODELS = ('calendar.event', 'mail.message', 'survey.user_input', 'sales.study', 'sale.order')


class SalesNeed(models.Model):
    """What a customer wants or will want, how we know, and the order lines that answered it.

    The state follows the order lines: a line on a quotation answers it, a confirmed one wins it. A decision by hand
    comes before that.
    """
    _name = 'sales.need'
    _description = "Need of a Customer"
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'expected_date, weighted_revenue desc, id desc'
    _check_company_auto = True

    name = fields.Char(string="Need", required=True, tracking=True)
    active = fields.Boolean(default=True)
    partner_id = fields.Many2one(
        'res.partner', string="Customer", required=True, index=True, check_company=True, tracking=True)
    commercial_partner_id = fields.Many2one(
        related='partner_id.commercial_partner_id', store=True, index=True, string="Commercial Entity")
    company_id = fields.Many2one(
        'res.company', required=True, default=lambda self: self.env.company, index=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    user_id = fields.Many2one(
        'res.users', string="Salesperson", default=lambda self: self.env.user, index=True, tracking=True,
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]")
    lead_id = fields.Many2one(
        'crm.lead', string="Opportunity", index='btree_not_null', check_company=True, ondelete='set null')
    evidence = fields.Selection(EVIDENCE, string="Known From", required=True, default='note')
    evidence_text = fields.Text(string="In Words", help="What was said, or the rule that the need was seen by.")
    evidence_ref = fields.Reference(selection='_selection_evidence_ref', string="Evidence")
    categ_id = fields.Many2one('product.category', string="Product Category", index='btree_not_null')
    product_ids = fields.Many2many(
        'product.product', string="Products", domain="[('sale_ok', '=', True)]", check_company=True)
    order_line_ids = fields.One2many('sale.order.line', 'sales_need_id', string="Answered By", readonly=True)
    order_count = fields.Integer(string="Orders", compute='_compute_order_count')
    expected_revenue = fields.Monetary(tracking=True)
    probability = fields.Float(
        string="Probability (%)", default=50.0, digits=(5, 1), aggregator='avg',
        help="How likely it becomes an order, in percent.")
    weighted_revenue = fields.Monetary(
        compute='_compute_weighted_revenue', store=True, help="Expected revenue times its probability.")
    expected_date = fields.Date(string="Expected On", tracking=True)
    decision = fields.Selection(
        [('won', "Won"), ('lost', "Lost")], copy=False, readonly=True, help="What somebody decided by hand.")
    state = fields.Selection(
        STATES, compute='_compute_state', store=True, index=True, default='open', tracking=True, group_expand=True)

    _check_probability = models.Constraint(
        "CHECK (probability BETWEEN 0 AND 100)", "A probability is between 0 and 100 %.")

    @api.depends('expected_revenue', 'probability')
    def _compute_weighted_revenue(self):
        for need in self:
            need.weighted_revenue = need.currency_id.round(need.expected_revenue * need.probability / 100)

    @api.depends('decision', 'order_line_ids.state')
    def _compute_state(self):
        # an order is seen by whoever may see it, the state of what it answers by everybody
        for need in self.sudo():
            states = set(need.order_line_ids.mapped('state'))
            need.state = need.decision or (
                'won' if 'sale' in states else 'quoted' if states & {'draft', 'sent'} else 'open')

    @api.depends('order_line_ids')
    def _compute_order_count(self):
        for need in self:
            need.order_count = len(need.sudo().order_line_ids.order_id)

    @api.model
    def _selection_evidence_ref(self):
        return [
            (name, self.env['ir.model']._get(name).name) for name in EVIDENCE_MODELS if name in self.env
        ]

    @api.onchange('product_ids')
    def _onchange_product_ids(self):
        for need in self:
            if not need.categ_id and len(need.product_ids.categ_id) == 1:
                need.categ_id = need.product_ids.categ_id
            if not need.name and need.product_ids:
                need.name = need.product_ids[0].display_name

    # -- actions

    def action_new_quotation(self):
        """Make a quotation with the products of the need, one of each, and open it."""
        self.ensure_one()
        self._check_undecided()
        order = self.env['sale.order'].create(self._prepare_quotation_vals())
        return self._open_records('sale.order', order)

    def _prepare_quotation_vals(self):
        lead = self.lead_id
        return {
            'partner_id': self.partner_id.id,
            'company_id': self.company_id.id,
            'opportunity_id': lead.id,
            'origin': lead.name or self.name,
            **({'user_id': self.user_id.id} if self.user_id else {}),
            **({'team_id': lead.team_id.id} if lead.team_id else {}),
            'order_line': [
                Command.create({'product_id': product.id, 'sales_need_id': self.id}) for product in self.product_ids],
        }

    def action_create_lead(self):
        """Make an opportunity of the need, or open the one that it has."""
        self.ensure_one()
        if not self.lead_id:
            self._check_undecided()
            self.lead_id = self.env['crm.lead'].create({
                'name': self.name,
                'type': 'opportunity',
                'partner_id': self.partner_id.id,
                'company_id': self.company_id.id,
                'user_id': self.user_id.id,
                'expected_revenue': self.expected_revenue,
                'date_deadline': self.expected_date,
                'description': self.evidence_text,
            })
        return self._open_records('crm.lead', self.lead_id)

    def _check_undecided(self):
        if decided := self.filtered(lambda need: need.state in ('won', 'lost')):
            raise UserError(self.env._("%(need)s is closed; reopen it first.", need=decided[0].name))

    def action_won(self):
        self.decision = 'won'

    def action_lost(self):
        self.decision = 'lost'

    def action_reopen(self):
        """Let the order lines decide again."""
        self.decision = False

    def action_open_orders(self):
        self.ensure_one()
        return self._open_records('sale.order', self.order_line_ids.order_id)

    def action_open_evidence(self):
        """Open what the need was seen by; of a message, the document that it was written on."""
        self.ensure_one()
        record = self.evidence_ref and self.evidence_ref.exists()
        if record and record._name == 'mail.message':
            record = record.model and self.env[record.model].browse(record.res_id).exists()
        if not record:
            raise UserError(self.env._("The evidence is no longer there."))
        return self._open_records(record._name, record)

    @api.model
    def _open_records(self, model, records):
        action = {
            'type': 'ir.actions.act_window', 'res_model': model, 'name': self.env[model]._description,
            'domain': [('id', 'in', records.ids)], 'views': [(False, 'list'), (False, 'form')],
        }
        if len(records) == 1:
            action |= {'res_id': records.id, 'views': [(False, 'form')]}
        return action

    # -- from customers, opportunities and meetings

    @api.model
    def _open_of(self, domain, defaults):
        """Return the action of the needs of a record; of none, that to note the first one.

        :param defaults: field -> value of a new need
        """
        context = {f'default_{name}': value for name, value in defaults.items() if value}
        action = self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_need_action')
        action |= {'domain': list(Domain(domain)), 'context': context}
        if not self.search_count(domain, limit=1):
            action |= {'views': [(False, 'form')], 'view_mode': 'form'}
        return action
