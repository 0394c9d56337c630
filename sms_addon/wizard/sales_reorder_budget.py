from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..tools.order_plan import plan_orders

#: orders in part that are told one by one
SHOWN_PARTS = 10


class SalesReorderBudget(models.TransientModel):
    """Accept many proposals at once, those that are worth most where the money is not enough for all.

    Where that does more, an order is placed in part: at least what the vendor sells, and in his multiples. The order
    point is the proposed one all the same, and what is missing is ordered another time.
    """
    _name = 'sales.reorder.budget'
    _description = "Accept Reorder Proposals"

    proposal_ids = fields.Many2many('sales.reorder.proposal', readonly=True)
    company_id = fields.Many2one('res.company', compute='_compute_company_id', store=True, precompute=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    has_budget = fields.Boolean(string="Under a Budget")
    budget = fields.Monetary()
    accept_worse = fields.Boolean(
        string="Accept Those That Do Worse", help="Proposals that would have done worse than the present order points.")
    worse_count = fields.Integer(compute='_compute_worse_count')
    line_ids = fields.One2many(
        'sales.reorder.budget.line', 'budget_id', compute='_compute_line_ids', store=True, readonly=False,
        precompute=True)
    chosen_ids = fields.Many2many('sales.reorder.proposal', compute='_compute_chosen')
    chosen_count = fields.Integer(compute='_compute_chosen')
    chosen_parts = fields.Json(
        compute='_compute_chosen', help="Proposal -> quantity, where it is not all that is missing.")
    part_count = fields.Integer(string="In Part", compute='_compute_chosen')
    part_summary = fields.Text(compute='_compute_chosen')
    automatic_count = fields.Integer(compute='_compute_chosen')
    proposal_count = fields.Integer(compute='_compute_worse_count')
    total_cost = fields.Monetary(compute='_compute_chosen')
    chosen_cost = fields.Monetary(compute='_compute_chosen')
    left_cost = fields.Monetary(string="Left of the Budget", compute='_compute_chosen')
    chosen_sales = fields.Monetary(string="Sales Saved", compute='_compute_chosen')
    missed_sales = fields.Monetary(string="Sales Still at Stake", compute='_compute_chosen')
    value_change = fields.Monetary(string="Change of Stock Value", compute='_compute_chosen')

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        if 'proposal_ids' in fields_list and not values.get('proposal_ids'):
            proposals = self.env['sales.reorder.proposal']
            chosen = proposals.browse(self.env.context.get('active_ids', []))
            if self.env.context.get('active_model') != proposals._name or not chosen:
                chosen = proposals.search(proposals._get_open_domain(self.env.company))
            chosen = chosen.filtered(lambda proposal: proposal.state == 'draft')
            if not chosen:
                raise UserError(self.env._("None of these proposals is open."))
            if len(chosen.company_id) > 1:
                raise UserError(self.env._("Accept the proposals of one company at a time."))
            values['proposal_ids'] = [Command.set(chosen.ids)]
        return values

    @api.depends('proposal_ids')
    def _compute_company_id(self):
        for wizard in self:
            wizard.company_id = wizard.proposal_ids.company_id[:1]

    @api.depends('proposal_ids')
    def _compute_worse_count(self):
        for wizard in self:
            wizard.worse_count = len(wizard.proposal_ids.filtered(lambda proposal: proposal.verdict == 'worse'))
            wizard.proposal_count = len(wizard.proposal_ids)

    @api.depends('proposal_ids')
    def _compute_line_ids(self):
        for wizard in self:
            vendors = wizard.proposal_ids.grouped('vendor_id')
            wizard.line_ids = [Command.clear()] + [
                Command.create({'vendor_id': vendor.id})
                for vendor in sorted(vendors, key=lambda vendor: (not vendor, vendor.display_name or ''))]

    @api.depends('proposal_ids', 'has_budget', 'budget', 'accept_worse', 'line_ids.has_budget', 'line_ids.budget')
    def _compute_chosen(self):
        for wizard in self:
            allowed = wizard.proposal_ids.filtered(
                lambda proposal, worse=wizard.accept_worse: worse or proposal.verdict != 'worse')
            chosen, parts = wizard._plan(allowed)
            figures = [wizard._get_figures(proposal, parts.get(proposal._origin.id)) for proposal in chosen]
            wizard.chosen_ids = chosen
            wizard.chosen_count = len(chosen)
            wizard.chosen_parts = {str(proposal): quantity for proposal, quantity in parts.items()}
            wizard.part_count = len(parts)
            wizard.part_summary = wizard._describe_parts(chosen, parts)
            wizard.automatic_count = len(chosen.filtered(
                lambda proposal: proposal.order_qty and proposal.sudo()._get_trigger() == 'auto'))
            wizard.total_cost = sum(wizard.proposal_ids.mapped('order_cost'))
            wizard.chosen_cost = sum(cost for cost, _sales in figures)
            wizard.left_cost = wizard.budget - wizard.chosen_cost if wizard.has_budget else 0
            wizard.chosen_sales = sum(sales for _cost, sales in figures)
            wizard.missed_sales = sum(wizard.proposal_ids.mapped('sales_at_stake')) - wizard.chosen_sales
            wizard.value_change = sum(chosen.mapped('value_change'))

    def _get_figures(self, proposal, part):
        """Return what the order of a proposal, or a part of it, costs and saves."""
        if part is None:
            return proposal.order_cost, proposal.sales_at_stake
        return self._get_cost(proposal, part), dict(proposal._get_parts())[part]

    def _get_cost(self, proposal, quantity):
        return proposal.currency_id.round(quantity * proposal.unit_price)

    def _describe_parts(self, chosen, parts):
        lines = [
            self.env._(
                "%(product)s: %(part)s of %(whole)s %(unit)s", product=proposal.display_name,
                part=proposal._format_number(parts[proposal._origin.id], 2), unit=proposal.uom_id.name,
                whole=proposal._format_number(proposal.order_qty, 2))
            for proposal in chosen if proposal._origin.id in parts]
        shown = lines[:SHOWN_PARTS]
        if len(lines) > len(shown):
            shown.append(self.env._("and %(count)s more", count=len(lines) - len(shown)))
        return "\n".join(shown)

    @api.constrains('has_budget', 'budget')
    def _check_budget(self):
        for wizard in self:
            if wizard.has_budget and wizard.budget < 0:
                raise ValidationError(self.env._("A budget is not below zero."))

    def _plan(self, proposals):
        """Return the proposals whose orders are worth most under the budgets, and proposal id -> part of its order."""
        # whole cents: what fits exactly must not fail by an error of floats
        cents = 10 ** (self.currency_id.decimal_places or 0)
        lines = {line.vendor_id.id: round(max(line.budget, 0) * cents) for line in self.line_ids if line.has_budget}
        parts = [proposal._get_parts() for proposal in proposals]
        plan = plan_orders(
            [round(proposal.order_cost * cents) for proposal in proposals],
            [max(proposal.sales_at_stake, 0) for proposal in proposals],
            budget=round(max(self.budget, 0) * cents) if self.has_budget else None,
            vendors=[proposal.vendor_id.id for proposal in proposals], vendor_budgets=lines,
            parts=[
                [(round(self._get_cost(proposal, quantity) * cents), max(saved, 0)) for quantity, saved in sizes]
                for proposal, sizes in zip(proposals, parts, strict=True)])
        chosen = [place for place, is_chosen in enumerate(plan.chosen.tolist()) if is_chosen]
        return proposals.browse(proposals[place].id for place in chosen), {
            proposals[place]._origin.id: parts[place][size][0]
            for place in chosen if (size := int(plan.part[place])) >= 0}

    def action_accept(self):
        """Write the order points of what is chosen; what is not stays open."""
        self.ensure_one()
        if not self.chosen_ids:
            raise UserError(self.env._("Nothing is chosen: give more budget, or accept those that do worse."))
        return self.chosen_ids._accept_and_tell(
            {int(proposal): quantity for proposal, quantity in (self.chosen_parts or {}).items()})


class SalesReorderBudgetLine(models.TransientModel):
    """What is proposed of one vendor, and what may be spent with him."""
    _name = 'sales.reorder.budget.line'
    _description = "Reorder Budget of a Vendor"

    budget_id = fields.Many2one('sales.reorder.budget', string="Wizard", required=True, ondelete='cascade')
    currency_id = fields.Many2one(related='budget_id.currency_id')
    vendor_id = fields.Many2one('res.partner', readonly=True)
    has_budget = fields.Boolean(string="Limit")
    budget = fields.Monetary()
    proposal_count = fields.Integer(string="Proposals", compute='_compute_sums')
    order_cost = fields.Monetary(compute='_compute_sums')
    chosen_count = fields.Integer(string="Chosen", compute='_compute_sums')
    chosen_cost = fields.Monetary(compute='_compute_sums')

    _budget_check = models.Constraint('CHECK(budget >= 0)', "A budget is not below zero.")

    @api.depends('vendor_id', 'budget_id.proposal_ids', 'budget_id.chosen_ids')
    def _compute_sums(self):
        for line in self:
            proposals, chosen = (
                records.filtered(lambda proposal, vendor=line.vendor_id: proposal.vendor_id == vendor)
                for records in (line.budget_id.proposal_ids, line.budget_id.chosen_ids))
            line.proposal_count = len(proposals)
            line.order_cost = sum(proposals.mapped('order_cost'))
            parts = line.budget_id.chosen_parts or {}
            line.chosen_count = len(chosen)
            line.chosen_cost = sum(
                line.budget_id._get_figures(proposal, parts.get(str(proposal._origin.id)))[0] for proposal in chosen)
