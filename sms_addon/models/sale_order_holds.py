from odoo import api, fields, models
from odoo.fields import Domain

HOLD_STATES = [('waiting', "Waiting for approval"), ('approved', "Approved"), ('refused', "Refused")]


class SaleOrder(models.Model):
    _name = 'sale.order'
    _inherit = ['sale.order']

    sales_hold_ids = fields.One2many(
        'sales.order.hold', 'order_id', string="Approvals", readonly=True, copy=False, groups='base.group_user')
    sales_hold_count = fields.Integer(compute='_compute_sales_hold_state', groups='base.group_user')
    sales_hold_state = fields.Selection(
        HOLD_STATES, string="Approval", compute='_compute_sales_hold_state', search='_search_sales_hold_state',
        groups='base.group_user',
        help="Waiting as long as anybody is asked; refused if somebody refused and nobody is asked again; approved if"
             " all who were asked agreed. Empty: nobody was asked.")
    # what the form shows: the request that the user may decide, else the one that is furthest from a release
    sales_hold_id = fields.Many2one('sales.order.hold', compute='_compute_sales_hold_id', groups='base.group_user')
    sales_hold_reason = fields.Text(compute='_compute_sales_hold_id', string="Why It Is Held", groups='base.group_user')
    sales_hold_note = fields.Text(compute='_compute_sales_hold_id', groups='base.group_user')
    sales_hold_revision = fields.Integer(compute='_compute_sales_hold_id', groups='base.group_user')
    sales_hold_asked_ids = fields.Many2many(
        'res.users', compute='_compute_sales_hold_id', string="Asked", groups='base.group_user')
    sales_hold_may_decide = fields.Boolean(compute='_compute_sales_hold_id', groups='base.group_user')
    sales_hold_may_withdraw = fields.Boolean(compute='_compute_sales_hold_id', groups='base.group_user')
    sales_hold_figures = fields.Html(
        compute='_compute_sales_hold_figures', string="Figures Asked For", sanitize=False, groups='base.group_user')

    @api.depends('sales_hold_ids.state')
    def _compute_sales_hold_state(self):
        groups = self.env['sales.order.hold'].sudo()._read_group(
            [('order_id', 'in', self.ids)], ['order_id'], ['state:array_agg'])
        states = {order.id: found for order, found in groups}
        for order in self:
            found = states.get(order._origin.id, ())
            order.sales_hold_count = len(found)
            order.sales_hold_state = next((
                state for state in ('waiting', 'refused', 'approved') if state in found), False)

    def _search_sales_hold_state(self, operator, value):
        if operator != 'in':
            return NotImplemented

        def having(state):
            return Domain('sales_hold_ids', 'any!', [('state', '=', state)])

        waiting, refused, approved = map(having, ('waiting', 'refused', 'approved'))
        domains = {
            'waiting': waiting,
            'refused': refused & ~waiting,
            'approved': approved & ~refused & ~waiting,
            False: ~approved & ~refused & ~waiting,
        }
        return Domain.OR(domains[state] for state in value if state in domains)

    @api.depends('sales_hold_ids.state', 'sales_hold_ids.approver_ids')
    @api.depends_context('uid')
    def _compute_sales_hold_id(self):
        rank = {'waiting': 0, 'refused': 1, 'approved': 2}
        for order in self:
            holds = order.sales_hold_ids.filtered(lambda hold: hold.state in rank).sorted('id', reverse=True)
            hold = holds.sorted(lambda hold: (not hold.may_decide, rank[hold.state]))[:1]
            order.sales_hold_id = hold
            order.sales_hold_reason = hold.reason
            order.sales_hold_note = hold.note
            order.sales_hold_revision = hold.revision
            order.sales_hold_asked_ids = hold.asked_ids
            order.sales_hold_may_decide = hold.may_decide
            order.sales_hold_may_withdraw = hold.may_withdraw

    @api.depends('sales_hold_id')
    @api.depends_context('lang')
    def _compute_sales_hold_figures(self):
        for order in self:
            order.sales_hold_figures = order.sales_hold_id.figures_html

    # -- what happens to the order happens to its holds

    def write(self, vals):
        result = super().write(vals)
        if vals.get('state') in ('cancel', 'sale'):
            self._withdraw_holds(vals['state'])
        if vals.get('state') in ('cancel', 'draft'):
            # the host takes the signature back as well
            self.sudo().sales_hold_ids.filtered('accepted').accepted = False
        return result

    def _withdraw_holds(self, state):
        """End the requests that have lost their object."""
        holds = self.env['sales.order.hold'].sudo().search([('order_id', 'in', self.ids), ('state', '=', 'waiting')])
        if holds:
            holds._withdraw(
                self.env._("The order was cancelled.") if state == 'cancel'
                else self.env._("The order has been confirmed; no approval is needed any more."))

    def unlink(self):
        """Delete the holds through the ORM, which takes their activities and messages along."""
        self.check_access('unlink')
        self.env['sales.order.hold'].sudo().search([('order_id', 'in', self.ids)]).unlink()
        return super().unlink()

    # -- buttons

    def action_sales_hold_approve(self):
        return self._get_shown_hold().action_approve()

    def action_sales_hold_refuse(self):
        return self._get_shown_hold().action_refuse()

    def action_sales_hold_withdraw(self):
        return self._get_shown_hold().action_withdraw()

    def _get_shown_hold(self):
        """Return the hold that the form showed when the button was pressed: by now another may come first."""
        self.ensure_one()
        return self.sales_hold_ids.filtered(
            lambda hold: hold.id == self.env.context.get('hold_id', self.sales_hold_id.id))

    def action_open_sales_holds(self):
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_order_hold_action')
        if self.sales_hold_count == 1:
            return {**action, 'res_id': self.sales_hold_ids.id, 'views': [(False, 'form')], 'context': {}}
        return {**action, 'domain': [('order_id', '=', self.id)], 'context': {}}
