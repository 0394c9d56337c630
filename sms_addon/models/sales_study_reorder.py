from collections import Counter

import numpy as np

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError
from odoo.tools import LazyTranslate, format_date

from ..tools.evidence import ThinDataError
from ..tools.reorder_policy import Policy, item_before
from .sales_reorder_calculation import BATCH
from .sales_reorder_demand import HELD_OUT_DAYS, MIN_DEMAND_DAYS

_lt = LazyTranslate(__name__)

#: digits after which two quantities are the same
DIGITS = 4

THIN = {
    'no_positions': _lt("No product has a stock position yet."),
    'no_cases': _lt(
        "Of %(positions)s stock positions, none has enough demand and a lead time: this study needs at least %(days)s"
        " days of demand, and receipts or a vendor."),
}
LEFT_OUT_SENTENCES = {
    'short': _lt("%(count)s with too few days of demand"),
    'idle': _lt("%(count)s without demand"),
    'lead': _lt("%(count)s without a known lead time"),
    'several': _lt("%(count)s with several order points"),
    'same': _lt("%(count)s whose order point is right"),
    'rejected': _lt("%(count)s rejected before"),
}


class SalesStudy(models.Model):
    """Which order points products should have, all those of a company."""
    _name = 'sales.study'
    _inherit = ['sales.study']

    kind = fields.Selection(selection_add=[('reorder', "Reorder Proposals")], ondelete={'reorder': 'cascade'})
    reorder_proposal_ids = fields.One2many('sales.reorder.proposal', 'study_id', readonly=True)
    reorder_proposal_count = fields.Integer(compute='_compute_reorder_proposal_count')

    @api.depends('reorder_proposal_ids')
    def _compute_reorder_proposal_count(self):
        counts = dict(self.env['sales.reorder.proposal']._read_group(
            [('study_id', 'in', self.ids)], ['study_id'], ['__count']))
        for study in self:
            study.reorder_proposal_count = counts.get(study, 0)

    def _thin_sentences(self):
        return {**super()._thin_sentences(), **THIN}

    def _run_reorder(self):
        calculation = self.env['sales.reorder.calculation'].with_company(self.company_id)
        ids = self.env['sales.stock.position'].search([('company_id', '=', self.company_id.id)], order='id').ids
        if not ids:
            raise ThinDataError('no_positions')
        yield self.env._("Reading demand"), 0, len(ids)
        demand = calculation._read_demand()
        opened = self.env['sales.reorder.proposal'].search(
            self.env['sales.reorder.proposal']._get_open_domain(self.company_id))
        by_hand = calculation._read_by_hand(opened)
        rejected = self._read_rejected()
        rows, totals, held_out, left_out = [], np.zeros(6), np.zeros(6), Counter()
        for start in range(0, len(ids), BATCH):
            yield self.env._("Calculating order points"), start, len(ids)
            positions = self.env['sales.stock.position'].browse(ids[start:start + BATCH])
            cases, batch_left_out = calculation._calculate(positions, demand, *by_hand)
            left_out.update(batch_left_out)
            totals += self._sum_replays(cases)
            held_out += self._replay_held_out(calculation, cases)
            for case in cases:
                why = self._why_not(calculation, case, rejected, by_hand)
                if why:
                    left_out[why] += 1
                else:
                    rows.append(case.row)
            # records of a batch are not needed again
            self.env.invalidate_all()
        if not totals.any() and not rows:
            raise ThinDataError('no_cases', positions=len(ids), days=MIN_DEMAND_DAYS)
        yield self.env._("Writing proposals"), len(ids), len(ids)
        self._take_fresh_snapshot()
        rows = self._store_proposals(calculation, rows, by_hand, opened)
        return self._get_reorder_outcome(ids, rows, left_out, totals, held_out)

    def _why_not(self, calculation, case, rejected, by_hand):
        """Return why a case is not proposed, or nothing: what was set by hand always is."""
        if case.position.id in by_hand[0] or case.position.id in by_hand[1]:
            return None
        if not calculation._is_worth_asking(case):
            return 'same'
        key = (case.row['product_id'], case.row['warehouse_id'])
        return 'rejected' if rejected.get(key) == tuple(round(level, DIGITS) for level in case.proposed) else None

    def _read_rejected(self):
        """Return product and warehouse -> what was last rejected."""
        return {
            (proposal.product_id.id, proposal.warehouse_id.id): (
                round(proposal.proposed_min, DIGITS), round(proposal.proposed_max, DIGITS))
            for proposal in self.env['sales.reorder.proposal'].search([
                ('state', '=', 'rejected'), ('company_id', '=', self.company_id.id)], order='decided_at, id')}

    def _take_fresh_snapshot(self):
        """Look at the database anew before the first thing is written.

        What people changed of the same records while this was calculated would otherwise make it be done again.
        """
        self.env['ir.cron']._commit_progress()
        if not self._take():
            raise ConcurrencyError("The study is no longer waited for.")

    def _store_proposals(self, calculation, rows, by_hand, before):
        """Write what was found, and leave behind what is open and was not found again; return what was written.

        What people decided on, or set by hand, while this was calculated stays as they left it.

        :param before: the proposals that were open when it began
        """
        proposals = self.env['sales.reorder.proposal'].sudo()
        opened = proposals.search(proposals._get_open_domain(self.company_id))
        decided = {
            (proposal.product_id.id, proposal.warehouse_id.id)
            for proposal in before.exists() - opened | proposals.search([
                ('company_id', '=', self.company_id.id), ('state', 'in', ('accepted', 'rejected', 'undone')),
                ('decided_at', '>', self.started_at)])}
        touched = opened.filtered(lambda proposal: self._get_by_hand(
            proposal, calculation._read_by_hand(proposal)) != self._get_by_hand(proposal, by_hand))
        ours = {proposal.position_id.id for proposal in touched}
        rows = [
            row for row in rows
            if row['position_id'] not in ours and (row['product_id'], row['warehouse_id']) not in decided]
        kept = [*calculation._store(rows, self), *touched.ids]
        left = proposals.search(proposals._get_open_domain(self.company_id) & fields.Domain('id', 'not in', kept))
        left.with_context(tracking_disable=True).write({'state': 'stale', 'decided_at': fields.Datetime.now()})
        return rows

    def _get_by_hand(self, proposal, by_hand):
        return [known.get(proposal.position_id.id) for known in by_hand]

    # -- how good it is

    def _sum_replays(self, cases):
        """Return demand, served, stock value for the present and the proposed order points."""
        sums = np.zeros(6)
        for case in cases:
            row, price, cost = case.row, case.row['unit_price'], case.item.unit_cost
            value = row['replay_demand'] * price
            sums += (
                value, value * row['replay_service_before'], value * row['replay_service_after'],
                row['replay_stock_before'] * cost, row['replay_stock_after'] * cost, 0)
        return sums

    def _replay_held_out(self, calculation, cases):
        """Return the same for the last weeks, with order points that were made before them."""
        cases = [case for case in cases if case.item.daily_mean > 0]
        levels, chosen = [], []
        for case in cases:
            item = item_before(case.item, HELD_OUT_DAYS)
            if item.daily_mean > 0:
                levels.append(Policy(item).levels(case.aim))
                chosen.append(case)
        if not chosen:
            return np.zeros(6)
        demand = np.array([case.asked[-HELD_OUT_DAYS:] for case in chosen])
        present, proposed = calculation._replay(chosen, demand, levels)
        price = np.array([case.row['unit_price'] for case in chosen])
        cost = np.array([case.item.unit_cost for case in chosen])
        return np.array([
            present.demand @ price, present.served @ price, proposed.served @ price, present.average_stock @ cost,
            proposed.average_stock @ cost, len(chosen)])

    def _get_reorder_outcome(self, ids, rows, left_out, totals, held_out):
        present = self.env._("Present order points")
        kinds = (
            (held_out, self.env._("Share of demand served, last 13 weeks"),
             self.env._("Average stock value, last 13 weeks"),
             self.env._("%(count)s products, with order points made before these weeks", count=int(held_out[5]))),
            (totals, self.env._("Share of demand served, last year"), self.env._("Average stock value, last year"),
             self.env._("The year that the order points are made from")),
        )
        measures = []
        for sums, served, stock, data in kinds:
            if sums[0]:
                measures.append({
                    'measure': served, 'value': sums[2] / sums[0], 'naive': sums[1] / sums[0], 'naive_label': present,
                    'better': 'higher', 'data': data})
            if sums[3] or sums[4]:
                measures.append({
                    'measure': stock, 'value': sums[4], 'naive': sums[3], 'naive_label': present, 'better': 'lower',
                    'data': data})
        words = self._describe_left_out(left_out)
        return {
            'measures': measures,
            'result': {
                'proposals': len(rows), 'left_out': dict(left_out),
                'worse': sum(row['verdict'] == 'worse' for row in rows),
            },
            'rows': len(ids),
            'data': self.env._(
                "%(positions)s stock positions on %(day)s; %(proposals)s proposals%(left_out)s",
                positions=len(ids), proposals=len(rows),
                day=format_date(self.env, self._get_as_of()),
                left_out="; " + self.env._("left out: %(reasons)s", reasons=", ".join(words)) if words else ""),
        }

    @api.model
    def _describe_left_out(self, left_out):
        """Return why positions have no proposal, as a list of words."""
        words = []
        for why, count in left_out.items():
            text = self.env._(LEFT_OUT_SENTENCES[why])
            words.append(text % {'count': count})
        return words

    def action_open_reorder_proposals(self):
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_reorder_proposal_action'),
            'domain': [('study_id', '=', self.id)],
            'context': {},
        }
