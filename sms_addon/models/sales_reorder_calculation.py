import json
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.reorder_policy import Aim, Item, Policy, differs, step_of
from ..tools.safety_stock import order_quantity, round_up
from ..tools.stock_replay import draw_leads, judge, replay
from .sales_reorder_demand import MIN_DEMAND_DAYS, NOTHING, REPLAY_DAYS

#: days without demand after which none is expected
DEAD_DAYS = 180
#: receipts that tell more than the vendor's promise
MIN_RECEIPTS = 3
#: sizes that an order is offered in where the money is not enough for all of it
PARTS = 6
#: changes of minimum or maximum, as a share, that nobody needs to be asked about
SAME_SHARE = 0.05
BATCH = 1000
#: why a position has no proposal
LEFT_OUT = ('short', 'idle', 'lead', 'several', 'same', 'rejected')


@dataclass
class Case:
    """A position on its way to a proposal; ``asked`` is what a replay serves, ``price`` what a unit sells for."""
    position: object
    item: Item
    aim: Aim
    present: tuple[float, float]
    asked: np.ndarray
    price: float
    row: dict = field(default_factory=dict)
    policy: Policy | None = None
    proposed: tuple[float, float] = (0.0, 0.0)


class SalesReorderCalculation(models.AbstractModel):
    """From stock positions and past sales to proposals; reads for many positions at once."""
    _name = 'sales.reorder.calculation'
    _inherit = ['sales.reorder.calculation']

    # -- reading

    @api.model
    def _find_orderpoints(self, products, warehouses):
        """Return (product, warehouse) -> the order point that is meant, archived ones too; None where it is not clear.

        The one of the warehouse's stock location comes first; another one only where it is the only one.
        """
        found = self.env['stock.warehouse.orderpoint'].with_context(active_test=False).search([
            ('product_id', 'in', products.ids), ('warehouse_id', 'in', warehouses.ids),
            ('company_id', '=', self.env.company.id)])
        meant = {}
        for (product, warehouse), orderpoints in found.grouped(
                lambda orderpoint: (orderpoint.product_id, orderpoint.warehouse_id)).items():
            others = orderpoints.filtered(
                lambda orderpoint, stock=warehouse.lot_stock_id: orderpoint.active and orderpoint.location_id != stock)
            own = orderpoints.filtered(
                lambda orderpoint, stock=warehouse.lot_stock_id: orderpoint.location_id == stock)
            if len(others) > 1 or others and own.active:
                meant[product, warehouse] = None
            else:
                meant[product, warehouse] = others or own
        return meant

    @api.model
    def _choose_vendor(self, product, quantity):
        """Return the vendor price that the host would take: that of the first vendor, for the quantity.

        Where he sells no such quantity, the one with his least; nothing without a vendor.
        """
        company = self.env.company
        sellers = product._get_filtered_sellers(quantity=None, date=self._today())
        sellers = sellers.filtered(lambda seller: seller.partner_id == sellers[:1].partner_id)
        if not sellers:
            return sellers
        enough = sellers.filtered(lambda seller: self._vendor_least(seller, product) <= quantity)
        if not enough:
            return sellers.sorted('min_qty')[:1]
        return enough.sorted(lambda seller: (
            seller.currency_id._convert(
                seller.price_discounted, company.currency_id, company, self._today(), round=False), seller.id))[:1]

    @api.model
    def _vendor_least(self, seller, product):
        return seller.product_uom_id._compute_quantity(seller.min_qty, product.uom_id, round=False)

    # -- calculating

    @api.model
    def _calculate(self, positions, demand, targets=None, levels=None):
        """Return the cases of the positions, and how many were left out and why.

        :param demand: what :meth:`_read_demand` returns
        :param targets: position id -> service level set by hand
        :param levels: position id -> minimum and maximum set by hand
        :return: cases, :class:`Counter` of :data:`LEFT_OUT`
        """
        targets, levels, left_out = targets or {}, levels or {}, Counter()
        orderpoints = self._find_orderpoints(positions.product_id, positions.warehouse_id)
        in_progress = positions.product_id._get_quantity_in_progress(
            warehouse_ids=positions.warehouse_id.ids)[1]
        known = self.env['sales.forecast']._get_daily_demand(positions)
        cases = []
        for position in positions:
            orderpoint = orderpoints.get(
                (position.product_id, position.warehouse_id), self.env['stock.warehouse.orderpoint'])
            case = None
            if orderpoint is None:
                left_out['several'] += 1
            else:
                case = self._make_case(
                    position, orderpoint, demand, known[position.id], targets.get(position.id), left_out)
            if case:
                self._set_levels(case, levels.get(position.id))
                incoming = in_progress.get((position.product_id.id, position.warehouse_id.id), 0.0)
                self._set_effects(case, incoming)
                cases.append(case)
        self._set_replays(cases)
        return cases, left_out

    @api.model
    def _make_case(self, position, orderpoint, demand, known, target, left_out):
        product = position.product_id.with_company(self.env.company)
        mean, spread, source = known
        history, asked = self._get_history(position, demand)
        counted = int(np.isfinite(history).sum())
        if counted < MIN_DEMAND_DAYS:
            left_out['short'] += 1
            return None
        present = orderpoint if orderpoint.active else orderpoint.browse()
        levels = (present.product_min_qty, present.product_max_qty)
        if mean <= 0 and (counted < DEAD_DAYS or np.nansum(history) > 0 or not levels[1]):
            left_out['idle'] += 1
            return None
        aim = self._get_aim(position, target)
        seller = self._choose_vendor(product, mean * aim.cover_days)
        lead = self._get_lead(position, seller, present)
        if not lead:
            left_out['lead'] += 1
            return None
        least, multiple = 0.0, 0.0
        if seller:
            least = self._vendor_least(seller, product)
            if seller.product_uom_id != product.uom_id:
                multiple = seller.product_uom_id._compute_quantity(1, product.uom_id, round=False)
        if orderpoint.replenishment_uom_id and orderpoint.replenishment_uom_id != product.uom_id:
            multiple = orderpoint.replenishment_uom_id._compute_quantity(1, product.uom_id, round=False)
        item = Item(
            daily_mean=max(mean, 0.0), daily_sd=spread, lead_days=lead[0], lead_sd=lead[1], history=history,
            step=step_of(history, product.uom_id.rounding), least=least, multiple=multiple,
            unit_cost=product.standard_price, seed=position.id)
        row = {
            'position_id': position.id, 'product_id': product.id, 'categ_id': position.categ_id.id or None,
            'warehouse_id': position.warehouse_id.id, 'company_id': position.company_id.id,
            'uom_id': product.uom_id.id, 'user_id': position.user_id.id or None, 'abc': position.abc_revenue or None,
            'service_target': aim.service, 'service_measure': aim.measure, 'service_manual': target is not None,
            'daily_demand': item.daily_mean, 'demand_spread': spread, 'demand_source': source or None,
            'lead_days': lead[0], 'lead_spread': lead[1], 'lead_count': position.lead_count, 'lead_source': lead[2],
            'vendor_id': seller.partner_id.id or None, 'vendor_min': least, 'vendor_multiple': multiple,
            'unit_price': self._get_unit_price(seller, product), 'unit_cost': product.standard_price,
            'orderpoint_id': orderpoint.id or None, 'present_min': levels[0], 'present_max': levels[1],
        }
        price = demand.get((product.id, position.warehouse_id.id), NOTHING).price or product.lst_price
        return Case(position, item, aim, levels, asked, price, row)

    @api.model
    def _get_aim(self, position, target):
        company = self.env.company
        services = {
            'a': company.sales_service_a, 'b': company.sales_service_b, 'c': company.sales_service_c}
        return Aim(
            service=services[position.abc_revenue or 'c'] if target is None else target,
            measure=company.sales_service_measure, cover_days=company.sales_cover_days,
            order_cost=company.sales_order_cost, holding_rate=company.sales_holding_rate)

    @api.model
    def _get_lead(self, position, seller, orderpoint):
        """Return the lead time, its spread and where they are from; nothing where nobody knows."""
        if position.lead_count >= MIN_RECEIPTS:
            return position.lead_days, position.lead_spread, 'receipts'
        if seller:
            return float(seller.delay), 0.0, 'vendor'
        if orderpoint:
            return orderpoint.lead_days, 0.0, 'orderpoint'
        return None

    @api.model
    def _get_unit_price(self, seller, product):
        company = self.env.company
        if not seller:
            return product.standard_price
        return seller.currency_id._convert(
            seller.price_discounted, company.currency_id, company, self._today(), round=False)

    @api.model
    def _set_levels(self, case, levels):
        item = case.item
        case.policy = Policy(item)
        if levels:
            case.proposed = levels
        elif item.daily_mean > 0:
            case.proposed = case.policy.levels(case.aim)
        case.row.update({
            'proposed_min': case.proposed[0], 'proposed_max': case.proposed[1], 'levels_manual': bool(levels),
            'method': 'none' if item.daily_mean <= 0 else 'normal' if case.policy.is_normal else 'empirical',
            'lead_demand': case.policy.protection.mean,
        })

    @api.model
    def _set_effects(self, case, incoming):
        """Note what is ordered now, and what the order point changes in the long run."""
        position, item, policy, row = case.position, case.item, case.policy, case.row
        currency = self.env.company.currency_id
        there = position.qty_forecast + incoming
        minimum, maximum = case.proposed
        quantity = 0.0
        if there < minimum:
            quantity = round_up(order_quantity(maximum - there, item.least, item.multiple), item.step)
        before, after = policy.stock(*case.present), policy.stock(*case.proposed)
        *parts, whole = self._offer_parts(item, quantity)
        saved = [currency.round(missed * case.price) for missed in policy.sales_missed(there, [*parts, whole])]
        row.update({
            'position_qty': there, 'order_qty': quantity,
            'order_cost': currency.round(quantity * row['unit_price']),
            'sales_at_stake': saved[-1], 'order_parts': list(map(list, zip(parts, saved, strict=False))),
            'stock_before': before, 'stock_after': after,
            'value_before': currency.round(before * item.unit_cost),
            'value_after': currency.round(after * item.unit_cost),
            'value_change': currency.round((after - before) * item.unit_cost),
            'service_before': policy.service(*case.present, case.aim.measure) if item.daily_mean > 0 else 1.0,
            'service_after': policy.service(*case.proposed, case.aim.measure) if item.daily_mean > 0 else 1.0,
        })

    def _offer_parts(self, item, quantity):
        """Return the sizes that an order may have, the whole last: as the vendor sells them, few and far apart."""
        parts = {
            round_up(order_quantity(quantity * part / PARTS, item.least, item.multiple), item.step)
            for part in range(1, PARTS)}
        return [*sorted(part for part in parts if 0 < part < quantity), quantity]

    @api.model
    def _set_replays(self, cases):
        """Note what present and proposed order points would have done in the last year, all at once."""
        if not cases:
            return
        demand = np.array([case.asked[-REPLAY_DAYS:] for case in cases])
        present, proposed = self._replay(cases, demand, [case.proposed for case in cases])
        services = present.service, proposed.service
        for number, case in enumerate(cases):
            before, after = services[0][number], services[1][number]
            case.row.update({
                'replay_days': int(np.isfinite(demand[number]).sum()), 'replay_demand': float(present.demand[number]),
                'replay_service_before': 1.0 if np.isnan(before) else float(before),
                'replay_service_after': 1.0 if np.isnan(after) else float(after),
                'replay_stock_before': float(present.average_stock[number]),
                'replay_stock_after': float(proposed.average_stock[number]),
                'replay_orders_before': int(present.orders[number]),
                'replay_orders_after': int(proposed.orders[number]),
                'verdict': judge(
                    case.aim.service, (before, present.average_stock[number]),
                    (after, proposed.average_stock[number])),
            })

    @api.model
    def _replay(self, cases, demand, proposed):
        """Return what present and proposed order points would have done with a demand, with the same lead times."""
        items = [case.item for case in cases]
        leads = draw_leads(
            [item.lead_days for item in items], [item.lead_sd for item in items], demand.shape[1],
            [item.seed for item in items])
        limits = np.array([item.least for item in items]), np.array([item.multiple for item in items])
        return [
            replay(demand, *np.array(levels, float).T, leads, *limits)
            for levels in ([case.present for case in cases], proposed)]

    # -- writing

    @api.model
    def _is_worth_asking(self, case):
        return differs(case.present, case.proposed, SAME_SHARE)

    @api.model
    def _store(self, rows, study=None):
        """Write open proposals, over those that are open already; return their ids.

        :param rows: list of column -> value
        """
        if not rows:
            return []
        self.env.flush_all()
        user, now = self.env.uid, fields.Datetime.now()
        common = {
            'state': 'draft', 'study_id': study.id if study else None, 'create_uid': user, 'write_uid': user,
            'create_date': str(now), 'write_date': str(now)}
        names = [*rows[0], *common]
        columns = SQL(", ").join(map(SQL.identifier, names))
        kept = {'product_id', 'warehouse_id', 'state', 'create_uid', 'create_date', 'user_id'}
        updates = SQL(", ").join(
            SQL("%s = EXCLUDED.%s", SQL.identifier(name), SQL.identifier(name)) for name in names if name not in kept)
        ids = []
        for start in range(0, len(rows), BATCH):
            batch = json.dumps([{**row, **common} for row in rows[start:start + BATCH]])
            ids += [proposal_id for proposal_id, in self.env.execute_query(SQL(
                """
                INSERT INTO sales_reorder_proposal (%(columns)s)
                SELECT %(columns)s FROM jsonb_populate_recordset(NULL::sales_reorder_proposal, %(batch)s::jsonb)
                ON CONFLICT (product_id, warehouse_id) WHERE state = 'draft' DO UPDATE SET %(updates)s
                RETURNING id
                """, columns=columns, batch=batch, updates=updates))]
        self.env['sales.reorder.proposal'].invalidate_model()
        return ids

    @api.model
    def _read_by_hand(self, proposals):
        """Return what was set by hand: position id -> service level, position id -> minimum and maximum."""
        targets = {
            proposal.position_id.id: proposal.service_target for proposal in proposals if proposal.service_manual}
        levels = {
            proposal.position_id.id: (proposal.proposed_min, proposal.proposed_max)
            for proposal in proposals if proposal.levels_manual}
        return targets, levels

    @api.model
    def _recalculate(self, proposals):
        """Have open proposals follow what was set by hand in them."""
        positions = proposals.position_id
        cases, _left_out = self._calculate(
            positions, self._read_demand(positions.product_id.ids), *self._read_by_hand(proposals))
        done = {case.position for case in cases}
        if missing := proposals.filtered(lambda proposal: proposal.position_id not in done):
            missing[0]._refuse_calculation()
        for study, chosen in proposals.grouped('study_id').items():
            positions = chosen.position_id
            self._store([case.row for case in cases if case.position in positions], study)

    @api.model
    def _propose(self, positions):
        """Make proposals for chosen positions, whether much would change or not; return them and what was left out."""
        proposals = self.env['sales.reorder.proposal']
        drafts = proposals.search([('state', '=', 'draft'), ('position_id', 'in', positions.ids)])
        cases, left_out = self._calculate(
            positions, self._read_demand(positions.product_id.ids), *self._read_by_hand(drafts))
        return proposals.browse(self._store([case.row for case in cases])), left_out
