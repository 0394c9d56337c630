from odoo import api, fields, models
from odoo.exceptions import UserError


class SalesStockPosition(models.Model):
    """Order points proposed for chosen positions, beside those of the study, and the way to their forecasts."""
    _name = 'sales.stock.position'
    _inherit = ['sales.stock.position']

    reorder_proposal_count = fields.Integer(compute='_compute_reorder_proposal_count')
    has_forecasts = fields.Boolean(compute='_compute_has_forecasts')

    @api.depends_context('allowed_company_ids', 'uid')
    def _compute_reorder_proposal_count(self):
        counts = dict(self.env['sales.reorder.proposal']._read_group(
            [('position_id', 'in', self.ids)], ['position_id'], ['__count'])
            if self.env['sales.reorder.proposal'].has_access('read') else [])
        for position in self:
            position.reorder_proposal_count = counts.get(position, 0)

    @api.depends_context('allowed_company_ids', 'uid')
    def _compute_has_forecasts(self):
        forecasts = self.env['sales.forecast']
        known = set(forecasts._read_group(
            [('product_id', 'in', self.product_id.ids)], ['product_id', 'warehouse_id'])
            if forecasts.has_access('read') else [])
        for position in self:
            position.has_forecasts = (position.product_id, position.warehouse_id) in known

    def action_open_forecasts(self):
        """Open the forecast of the product in the warehouse."""
        self.ensure_one()
        return self.env['sales.forecast']._open_for([
            ('product_id', '=', self.product_id.id), ('warehouse_id', '=', self.warehouse_id.id)])

    def action_open_reorder_proposals(self):
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_reorder_proposal_action'),
            'domain': [('position_id', 'in', self.ids)],
            'context': {},
        }

    def action_propose_reorder(self):
        """Make proposals for the positions now, and show them."""
        if not self:
            raise UserError(self.env._("Choose products that have a stock position."))
        self.check_access('read')
        self.env['sales.reorder.proposal'].check_access('write')
        # sales, costs and vendors go into the figures, whatever of them the planner may see
        calculation = self.env['sales.reorder.calculation'].sudo()
        proposals, left_out = self.env['sales.reorder.proposal'].sudo(), {}
        for company, positions in self.grouped('company_id').items():
            made, why = calculation.with_company(company)._propose(positions.sudo())
            proposals += made
            left_out = why or left_out
        if not proposals:
            reasons = ", ".join(self.env['sales.study']._describe_left_out(left_out))
            raise UserError(self.env._("Nothing can be proposed: %(reasons)s.", reasons=reasons))
        action = self.action_open_reorder_proposals()
        return {**action, 'domain': [('id', 'in', proposals.ids)]}

    @api.model
    def _propose_for_products(self, products):
        return self.search([('product_id', 'in', products.ids)]).action_propose_reorder()
