from datetime import date, timedelta
from unittest.mock import patch

import numpy as np
from psycopg2.errors import CheckViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.sms_addon.tools.demand_series import Gaps

from .reorder_common import DEMAND_DAYS, ReorderCommon


@tagged('post_install', '-at_install')
class TestReorderCalculation(ReorderCommon):
    """What is proposed, and why."""

    def test_steady_demand(self):
        proposal = self.propose(self.known("Steady"))
        # 6 days at 4, half a day of undershoot, and 98 % of the demand
        self.assertEqual((proposal.method, proposal.lead_source), ('normal', 'receipts'))
        self.assertTrue(26 <= proposal.proposed_min <= 34, proposal.proposed_min)
        self.assertEqual(proposal.proposed_max - proposal.proposed_min, 120)
        self.assertEqual(proposal.order_qty, proposal.proposed_max)
        self.assertEqual(proposal.order_cost, proposal.order_qty * 7)
        self.assertGreater(proposal.service_after, 0.98)
        self.assertLess(proposal.service_before, 0.1)
        self.assertEqual(proposal.verdict, 'better')
        self.assertGreater(proposal.replay_service_after, 0.97)
        self.assertEqual((proposal.present_min, proposal.present_max, proposal.orderpoint_id.id), (0, 0, False))

    def test_irregular_demand_is_taken_as_it_was(self):
        proposal = self.propose(self.known("Lumpy", self.lumpy()))
        self.assertEqual(proposal.method, 'empirical')
        self.assertGreaterEqual(proposal.service_after, 0.98)

    def test_reason_says_it_all(self):
        proposal = self.propose(self.known("Told", seller={'min_qty': 150}))
        for part in ("4 Units are asked for per day", "A receipt takes 6 days", "8 receipts", "98 %", "at least 150"):
            self.assertIn(part, proposal.reason)
        self.assertIn("Replayed over the last 365 days", proposal.verdict_reason)

    def test_service_follows_the_class(self):
        self.company.sales_service_c = 0.85
        a, c = self.known("A"), self.known("C", abc_revenue='c')
        proposals = self.propose(a + c)
        targets = {proposal.position_id: proposal.service_target for proposal in proposals}
        self.assertEqual(targets, {a: 0.98, c: 0.85})

    def test_what_is_there_is_not_ordered(self):
        enough, short = self.known("Enough", qty_forecast=100), self.known("Short", qty_forecast=10)
        proposals = {proposal.position_id: proposal for proposal in self.propose(enough + short)}
        self.assertEqual(proposals[enough].order_qty, 0)
        self.assertEqual(proposals[enough].sales_at_stake, 0)
        self.assertEqual(proposals[short].order_qty, proposals[short].proposed_max - 10)
        self.assertGreater(proposals[short].sales_at_stake, 0)

    def test_requests_for_quotation_count_as_there(self):
        position = self.known("Asked For")
        products = type(self.env['product.product'])
        asked = {(position.product_id.id, position.warehouse_id.id): 100}
        with patch.object(products, '_get_quantity_in_progress', lambda *args, **kwargs: ({}, asked)):
            self.assertEqual(self.propose(position).order_qty, 0)

    def test_vendor_minimum_and_multiple(self):
        position = self.known("Boxed", seller=False)
        self.env['product.supplierinfo'].create({
            'partner_id': self.vendor.id, 'product_tmpl_id': position.product_tmpl_id.id, 'price': 60, 'delay': 5,
            'min_qty': 20, 'product_uom_id': self.dozen(position.product_id).id,
            'currency_id': self.company.currency_id.id})
        proposal = self.propose(position)
        self.assertEqual((proposal.vendor_min, proposal.vendor_multiple), (240, 12))
        self.assertEqual((proposal.order_qty % 12, proposal.unit_price), (0, 5))
        self.assertGreaterEqual(proposal.proposed_max - proposal.proposed_min, 240)

    def test_the_price_for_the_quantity_in_the_currency_of_the_company(self):
        euro = self.activate_euro(0.5)
        position = self.known("Tiers", seller=False)
        self.env['product.supplierinfo'].create([
            {'partner_id': self.vendor.id, 'product_tmpl_id': position.product_tmpl_id.id, 'price': price, 'delay': 5,
             'min_qty': least, 'currency_id': euro.id}
            for least, price in ((0, 6), (100, 5), (1000, 1))])
        self.assertEqual(self.propose(position).unit_price, 10)

    def test_the_most_economic_quantity(self):
        self.company.write({'sales_order_cost': 50, 'sales_holding_rate': 0.25})
        proposal = self.propose(self.known("Economic"))
        # sqrt(2 x 1460 x 50 / (8 x 0.25))
        self.assertAlmostEqual(proposal.proposed_max - proposal.proposed_min, 271, delta=1)

    def test_the_vendors_promise_where_receipts_are_few(self):
        proposal = self.propose(self.known("New", lead_count=2))
        self.assertEqual((proposal.lead_source, proposal.lead_days, proposal.lead_spread), ('vendor', 5, 0))

    def test_what_is_not_known_is_not_proposed(self):
        for values, reason in (
                ({'seller': False, 'lead_count': 0}, "without a known lead time"),
                ({'quantities': [4] * 30}, "too few days"),
                ({'quantities': [0] * DEMAND_DAYS}, "without demand")):
            with self.subTest(reason=reason), self.assertRaisesRegex(UserError, reason):
                self.propose(self.known(reason, **values))

    def test_dead_stock_loses_its_order_point(self):
        position = self.known("Dead", [0] * DEMAND_DAYS)
        self.orderpoint(position, 10, 50)
        proposal = self.propose(position)
        self.assertEqual((proposal.method, proposal.proposed_min, proposal.proposed_max), ('none', 0, 0))
        self.assertEqual(proposal.verdict, 'better')
        self.assertLess(proposal.value_change, 0)
        self.assertIn("Nothing was asked for", proposal.reason)

    def test_too_much_does_worse_and_says_so(self):
        position = self.known("Fine")
        self.orderpoint(position, 32, 60)
        proposal = self.propose(position)
        proposal.write({'proposed_min': 100, 'proposed_max': 400})
        self.assertEqual(proposal.verdict, 'worse')
        self.assertIn("would have done worse", proposal.verdict_reason)

    def mark(self, **values):
        return self.env['sales.forecast.exclusion'].create({'reason': "Once", 'company_id': self.company.id, **values})

    def test_what_is_left_out_of_forecasts_is_no_demand(self):
        position, today = self.known("Marked"), self.calculation._today()
        product = position.product_id
        self.mark(kind='promotion', product_id=product.id, date_from=today - timedelta(days=20),
                  date_to=today - timedelta(days=11))
        demand = self.calculation._read_demand(product.ids)
        history, asked = self.calculation._get_history(position, demand)
        self.assertEqual(np.flatnonzero(np.isnan(history)).tolist(), list(range(DEMAND_DAYS - 20, DEMAND_DAYS - 10)))
        self.assertFalse(asked[-20:-10].any(), "nothing of it is replayed")
        self.assertTrue((history[-10:] >= 3).all())

    def test_days_without_stock_tell_nothing(self):
        position = self.known("Out", [4] * (DEMAND_DAYS - 40) + [0] * 39 + [1])
        today = (self.calculation._today() - date(1970, 1, 1)).days
        gaps = Gaps(np.array([0]), np.array([today - 40]), np.array([today - 1]))
        with patch.object(type(self.env['sales.study']), '_read_days_without_stock', lambda study, place: gaps):
            demand = self.calculation._read_demand(position.product_id.ids)
        history, asked = self.calculation._get_history(position, demand)
        # on the first of these days there was some in the morning
        self.assertEqual(np.flatnonzero(np.isnan(history)).tolist(), list(range(DEMAND_DAYS - 39, DEMAND_DAYS - 1)))
        self.assertTrue(np.isfinite(asked).all())

    def test_components_are_asked_for_as_their_kits(self):
        kit = self.storable("Kit")
        sales = self.env['sale.order'].create({
            'partner_id': self.customers[0].id, 'warehouse_id': self.stock.id,
            'order_line': [Command.create({'product_id': kit.id, 'product_uom_qty': 5})]})
        line = sales.order_line
        yesterday = self.calculation._today() - timedelta(days=1)
        # a fact has the id of its line
        self.env.cr.execute(SQL(
            "INSERT INTO sales_fact (id, order_id, date, company_id, state, product_id, warehouse_id, product_uom_qty,"
            " price_subtotal, margin) VALUES (%s, %s, %s, %s, 'sale', %s, %s, 5000000, 500000000, 0)",
            line.id, sales.id, yesterday, self.company.id, kit.id, self.stock.id))
        position = self.known("Part", [1] * DEMAND_DAYS)
        self.env['stock.move'].create({
            'product_id': position.product_id.id, 'product_uom_qty': 10, 'sale_line_id': line.id,
            'location_id': self.stock.lot_stock_id.id,
            'location_dest_id': self.env.ref('stock.stock_location_customers').id})._action_confirm()
        sold = self.calculation._read_demand(position.product_id.ids)[position.product_id.id, self.stock.id]
        self.assertEqual(sold.quantity[sold.ago == 1], 11)
        self.assertEqual(sold.price, 20, "what kits are sold for is no price of their parts")
        taken = self.env['sales.forecast']._read_kit_demand(self.company, position.ids)
        mean, variance = taken[position.id]
        self.assertAlmostEqual(mean, 10 / 180)
        self.assertAlmostEqual(variance, 100 / 180 - mean ** 2)

    def test_several_order_points_are_left_to_people(self):
        position = self.known("Twice")
        shelf = self.env['stock.location'].create({
            'name': "Shelf", 'usage': 'internal', 'location_id': self.stock.lot_stock_id.id})
        self.orderpoint(position, 5, 10)
        self.orderpoint(position, 5, 10, location_id=shelf.id)
        with self.assertRaisesRegex(UserError, "several order points"):
            self.propose(position)

    def test_the_forecast_comes_before_the_past(self):
        position = self.known("Foreseen")
        forecast = type(self.env['sales.forecast'])
        told = {position.id: (8.0, 1.6, 'week_hand')}
        with patch.object(forecast, '_get_daily_demand', lambda self, positions: told):
            proposal = self.propose(position)
        self.assertEqual((proposal.daily_demand, proposal.demand_source), (8, 'week_hand'))
        self.assertGreater(proposal.proposed_min, 48)
        self.assertIn("forecast by week, changed by hand", proposal.reason)

    def test_one_is_open_for_a_position(self):
        position = self.known("Once")
        first = self.propose(position)
        position.qty_forecast = 100
        again = self.propose(position)
        self.assertEqual(again, first)
        self.assertEqual(again.order_qty, 0)

    def test_many_cost_no_more_queries_than_one(self):
        one, *others = (self.known(f"Product {number}") for number in range(12))
        calculation = self.calculation.sudo()

        def count(positions):
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            calculation._propose(positions.browse(positions.ids))
            return self.env.cr.sql_log_count - start

        count(one)
        few, many = count(one), count(self.env['sales.stock.position'].union(*others))
        self.assertLessEqual(many, few + 4)


@tagged('post_install', '-at_install')
class TestReorderDecision(ReorderCommon):
    """From a proposal to the order point, and back."""

    def test_accepting_creates_the_order_point(self):
        position = self.known("New")
        proposal = self.propose(position)
        proposal.action_accept()
        [orderpoint] = self.orderpoints.search([('product_id', '=', position.product_id.id)])
        self.assertEqual(
            (orderpoint.product_min_qty, orderpoint.product_max_qty), (proposal.proposed_min, proposal.proposed_max))
        self.assertEqual(orderpoint.location_id, self.stock.lot_stock_id)
        self.assertRecordValues(proposal, [{
            'state': 'accepted', 'orderpoint_id': orderpoint.id, 'decided_by': self.planner.id,
            'before_state': 'none'}])
        self.assertEqual(orderpoint.create_uid, self.planner)
        proposal.action_undo()
        self.assertFalse(orderpoint.exists())
        self.assertEqual(proposal.state, 'undone')

    def test_accepting_leaves_trigger_and_route_alone(self):
        position = self.known("Known")
        route = self.env['stock.route'].create({'name': "By hand", 'product_selectable': True})
        orderpoint = self.orderpoint(position, 3, 9, route_id=route.id)
        proposal = self.propose(position)
        self.assertEqual((proposal.present_min, proposal.present_max), (3, 9))
        proposal.action_accept()
        self.assertRecordValues(orderpoint, [{
            'product_min_qty': proposal.proposed_min, 'product_max_qty': proposal.proposed_max, 'trigger': 'manual',
            'route_id': route.id}])
        proposal.action_undo()
        self.assertEqual(self.levels(position), [(3, 9)])

    def test_a_new_order_point_orders_nothing_by_itself(self):
        proposal = self.propose(self.known("Manual"))
        self.assertIn("creates an order point with the trigger Manual", proposal.acceptance_note)
        self.assertIn("To order now", proposal.acceptance_note)
        proposal.action_accept()
        self.assertRecordValues(proposal, [{'new_trigger': 'manual', 'acceptance_note': False}])
        self.assertEqual(proposal.orderpoint_id.trigger, 'manual')
        # the host's own clean-up of manual order points leaves it alone
        self.orderpoints.sudo()._unlink_processed_orderpoints()
        self.assertTrue(proposal.orderpoint_id.exists())

    def test_a_new_order_point_is_automatic_where_that_is_wanted(self):
        self.company.sales_reorder_trigger = 'auto'
        by_company, by_planner = self.known("Company"), self.known("Planner")
        proposals = {proposal.position_id: proposal for proposal in self.propose(by_company + by_planner)}
        self.assertIn("the scheduler orders by itself", proposals[by_company].acceptance_note)
        proposals[by_planner].new_trigger = 'manual'
        self.assertIn("until somebody presses Order", proposals[by_planner].acceptance_note)
        self.assertFalse(proposals[by_planner].levels_manual, "no figure follows it")
        for proposal in proposals.values():
            proposal.action_accept()
        self.assertEqual(
            [proposals[position].orderpoint_id.trigger for position in (by_company, by_planner)], ['auto', 'manual'])

    def test_an_order_point_keeps_its_trigger_and_that_is_said(self):
        position = self.known("Automatic")
        orderpoint = self.orderpoint(position, 3, 9, trigger='auto')
        proposal = self.propose(position)
        self.assertIn("The trigger stays Automatic", proposal.acceptance_note)
        self.assertFalse(proposal._get_parts(), "the scheduler would order what is missing the next day")
        proposal.new_trigger = 'manual'
        proposal.action_accept()
        self.assertEqual(orderpoint.trigger, 'auto')

    def test_undo_does_not_delete_what_somebody_made_of_it(self):
        proposal = self.propose(self.known("Made"))
        proposal.action_accept()
        proposal.orderpoint_id.trigger = 'auto'
        with self.assertRaisesRegex(UserError, "changed the order point of .* trigger Auto"):
            proposal.action_undo()
        self.assertTrue(proposal.orderpoint_id.exists())

    def test_an_archived_order_point_comes_back_and_goes_again(self):
        position = self.known("Archived")
        orderpoint = self.orderpoint(position, 3, 9, active=False)
        proposal = self.propose(position)
        self.assertEqual((proposal.present_min, proposal.present_max), (0, 0))
        proposal.action_accept()
        self.assertTrue(orderpoint.active)
        proposal.action_undo()
        self.assertRecordValues(orderpoint, [{'active': False, 'product_min_qty': 3, 'product_max_qty': 9}])

    def test_undo_refuses_what_somebody_changed(self):
        position = self.known("Changed")
        proposal = self.propose(position)
        proposal.action_accept()
        proposal.orderpoint_id.with_user(self.env.ref('base.user_admin')).product_max_qty = 999
        with self.assertRaisesRegex(UserError, "changed the order point of .* 999"):
            proposal.action_undo()
        self.assertEqual(proposal.state, 'accepted')
        proposal.orderpoint_id.unlink()
        with self.assertRaisesRegex(UserError, "was deleted"):
            proposal.action_undo()

    def test_an_order_point_changed_since_is_not_overwritten(self):
        position, other = self.known("Raced"), self.known("Calm")
        orderpoint = self.orderpoint(position, 3, 9)
        proposals = self.propose(position + other)
        orderpoint.product_max_qty = 12
        action = proposals.action_accept()
        states = {proposal.position_id: proposal.state for proposal in proposals}
        self.assertEqual(states, {position: 'stale', other: 'accepted'})
        self.assertEqual(self.levels(position), [(3, 12)])
        self.assertIn("Raced", action['params']['message'])

    def test_what_is_decided_stays(self):
        proposal = self.propose(self.known("Decided"))
        proposal.action_accept()
        for decide in (proposal.action_accept, proposal.action_reject):
            with self.assertRaisesRegex(UserError, "decided already"):
                decide()
        with self.assertRaisesRegex(UserError, "stays as it is"):
            proposal.proposed_min = 1
        proposal.action_undo()
        with self.assertRaisesRegex(UserError, "Nothing was accepted"):
            proposal.action_undo()

    def test_a_service_level_by_hand(self):
        position = self.known("By Hand", self.lumpy())
        proposal = self.propose(position)
        before = proposal.proposed_min
        with Form(proposal) as form:
            form.service_target = 0.8
        self.assertLess(proposal.proposed_min, before)
        self.assertTrue(proposal.service_manual)
        self.assertEqual(self.propose(position).service_target, 0.8)

    def test_quantities_by_hand(self):
        position = self.known("By Hand")
        proposal = self.propose(position)
        proposal.write({'proposed_min': 10, 'proposed_max': 20})
        self.assertTrue(proposal.levels_manual)
        self.assertLess(proposal.service_after, 0.9)
        self.assertEqual(proposal.order_qty, 20)
        self.assertIn("set by hand", proposal.reason)
        again = self.propose(position)
        self.assertEqual((again.proposed_min, again.proposed_max), (10, 20))
        again.service_target = 0.97
        self.assertFalse(again.levels_manual)
        self.assertGreater(again.proposed_min, 20)

    def test_bad_input_is_refused(self):
        proposal = self.propose(self.known("Bad"))
        for level in (0, 1, 1.5, -0.2, float('nan')):
            with self.subTest(level=level), self.assertRaises(ValidationError), self.cr.savepoint():
                proposal.write({'service_target': level})
        for minimum, maximum in ((-1, 5), (10, 5)):
            with mute_logger('odoo.sql_db'), self.assertRaises(CheckViolation), self.cr.savepoint():
                proposal.write({'proposed_min': minimum, 'proposed_max': maximum})
        for name, value in (('sales_service_a', 1.2), ('sales_cover_days', 0)):
            with mute_logger('odoo.sql_db'), self.assertRaises(CheckViolation), self.cr.savepoint():
                self.company[name] = value
                self.env.flush_all()


@tagged('post_install', '-at_install')
class TestReorderRights(ReorderCommon):
    """Who may see, calculate and accept."""

    def test_storekeepers_look_and_planners_decide(self):
        proposal = self.propose(self.known("Seen"))
        self.assertTrue(proposal.with_user(self.storekeeper).reason)
        for act in (
                lambda own: own.action_accept(), lambda own: own.action_reject(),
                lambda own: own.write({'service_target': 0.9}),
                lambda own: own.position_id.action_propose_reorder(), lambda own: own.unlink()):
            with self.assertRaises(AccessError):
                act(proposal.with_user(self.storekeeper))

    def test_salespeople_have_no_order_points(self):
        proposal = self.propose(self.known("Seen"))
        with self.assertRaises(AccessError):
            proposal.with_user(self.salesman).read(['reason'])
        self.assertTrue(proposal.with_user(self.manager).reason)
        with self.assertRaises(AccessError):
            proposal.with_user(self.manager).action_accept()

    def test_figures_are_not_written_by_hand(self):
        proposal = self.propose(self.known("Figures"))
        for values in ({'state': 'accepted'}, {'verdict': 'better'}, {'order_cost': 0}, {'orderpoint_id': False}):
            with self.assertRaises(AccessError):
                proposal.write(values)

    def test_other_companies_are_not_seen(self):
        warehouse = self.other_company_warehouse()
        position = self.known("Far", warehouse=warehouse, seller=False)
        stranger = new_test_user(
            self.env, 'stranger', 'stock.group_stock_manager', company_id=warehouse.company_id.id,
            company_ids=[Command.set(warehouse.company_id.ids)])
        proposal = self.propose(position, stranger.with_company(warehouse.company_id))
        self.assertEqual(proposal.company_id, warehouse.company_id)
        with self.assertRaises(AccessError):
            proposal.with_user(self.planner).read(['reason'])
        with self.assertRaises(AccessError):
            position.with_user(self.planner).action_propose_reorder()
        proposal.action_accept()
        self.assertEqual(proposal.orderpoint_id.company_id, warehouse.company_id)


@tagged('post_install', '-at_install')
class TestReorderBudget(ReorderCommon):
    """Many at once, under a budget."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_vendor = cls.env['res.partner'].create({'name': "Other Vendor"})
        cls.positions = cls.env['sales.stock.position'].union(*(
            cls.known(f"Product {number}", seller={'partner_id': (cls.vendor + cls.other_vendor)[number % 2].id})
            for number in range(4)))

    def wizard(self, proposals):
        return Form(self.env['sales.reorder.budget'].with_user(self.planner).with_context(
            active_model=proposals._name, active_ids=proposals.ids))

    def test_all_without_a_budget(self):
        proposals = self.propose(self.positions)
        form = self.wizard(proposals)
        self.assertEqual((form.chosen_count, form.worse_count), (4, 0))
        form.save().action_accept()
        self.assertEqual(set(proposals.mapped('state')), {'accepted'})

    def test_under_a_budget(self):
        proposals = self.propose(self.positions)
        proposals.sudo().order_parts = False
        form = self.wizard(proposals)
        form.has_budget = True
        form.budget = proposals[0].order_cost * 2.5
        self.assertEqual(form.chosen_count, 2)
        self.assertGreater(form.left_cost, 0)
        wizard = form.save()
        wizard.action_accept()
        self.assertEqual(sorted(proposals.mapped('state')), ['accepted', 'accepted', 'draft', 'draft'])
        self.assertEqual(wizard.chosen_ids.sudo().mapped('state'), ['accepted'] * 2)

    def test_an_order_in_part(self):
        proposals = self.propose(self.positions)
        form = self.wizard(proposals)
        form.has_budget = True
        form.budget = proposals[0].order_cost * 2.5
        self.assertEqual(form.part_count, form.part_summary.count("\n") + 1)
        self.assertGreater(form.part_count, 0)
        wizard = form.save()
        parts = {int(proposal): quantity for proposal, quantity in wizard.chosen_parts.items()}
        self.assertLessEqual(wizard.chosen_cost, wizard.budget)
        self.assertAlmostEqual(wizard.chosen_sales + wizard.missed_sales, sum(proposals.mapped('sales_at_stake')), 2)
        self.assertEqual(sum(wizard.line_ids.mapped('chosen_cost')), wizard.chosen_cost)
        wizard.action_accept()
        spent = 0
        for proposal in proposals.filtered(lambda proposal: proposal.state == 'accepted'):
            part = parts.get(proposal.id, 0)
            self.assertEqual((proposal.accepted_part, proposal.orderpoint_id.qty_to_order_manual), (part, part))
            self.assertEqual(proposal.orderpoint_id.product_max_qty, proposal.proposed_max)
            spent += (part or proposal.order_qty) * proposal.unit_price
        self.assertAlmostEqual(spent, wizard.chosen_cost, 2)
        one = proposals.filtered('accepted_part')[0]
        one.action_undo()
        self.assertFalse(one.orderpoint_id.exists())

    def test_undo_gives_back_what_was_to_be_ordered(self):
        position = self.positions[0]
        orderpoint = self.orderpoint(position, 3, 9, qty_to_order_manual=4)
        proposal = self.propose(position)
        part = proposal._get_parts()[0][0]
        proposal._accept_and_tell({proposal.id: part})
        self.assertEqual(orderpoint.qty_to_order_manual, part)
        proposal.action_undo()
        self.assertEqual((orderpoint.qty_to_order_manual, self.levels(position)), (4, [(3, 9)]))
        # the whole order is the whole one
        again = self.propose(position)
        again.action_accept()
        self.assertEqual(orderpoint.qty_to_order_manual, 0)
        again.action_undo()
        self.assertEqual(orderpoint.qty_to_order_manual, 4)

    def test_parts_are_what_the_vendor_sells(self):
        position = self.known("Boxed", seller=False)
        self.env['product.supplierinfo'].create({
            'partner_id': self.vendor.id, 'product_tmpl_id': position.product_tmpl_id.id, 'price': 60, 'delay': 5,
            'min_qty': 5, 'product_uom_id': self.dozen(position.product_id).id,
            'currency_id': self.company.currency_id.id})
        proposal = self.propose(position)
        parts = proposal._get_parts()
        self.assertTrue(parts)
        for quantity, saved in parts:
            self.assertEqual(quantity % 12, 0)
            self.assertGreaterEqual(quantity, 60)
            self.assertLess(quantity, proposal.order_qty)
            self.assertLessEqual(saved, proposal.sales_at_stake)
        self.assertEqual(parts, sorted(parts))

    def test_what_fits_to_the_cent_fits(self):
        proposals = self.propose(self.positions)
        form = self.wizard(proposals)
        form.has_budget = True
        form.budget = sum(proposals.mapped('order_cost'))
        self.assertEqual(form.chosen_count, 4)

    def test_a_limit_for_a_vendor(self):
        proposals = self.propose(self.positions)
        proposals.sudo().order_parts = False
        form = self.wizard(proposals)
        self.assertEqual(len(form.line_ids), 2)
        with form.line_ids.edit(0) as line:
            line.has_budget = True
            line.budget = proposals[0].order_cost
        self.assertEqual(form.chosen_count, 3)
        wizard = form.save()
        self.assertEqual(wizard.line_ids.mapped('chosen_count'), [1, 2])
        self.assertEqual(sum(wizard.line_ids.mapped('order_cost')), sum(proposals.mapped('order_cost')))

    def test_worse_ones_need_a_tick(self):
        position = self.known("Fine")
        self.orderpoint(position, 32, 60)
        proposals = self.propose(self.positions + position)
        worse = proposals.filtered(lambda proposal: proposal.position_id == position)
        worse.write({'proposed_min': 100, 'proposed_max': 400})
        form = self.wizard(proposals)
        self.assertEqual((form.worse_count, form.chosen_count), (1, 4))
        form.accept_worse = True
        self.assertEqual(form.chosen_count, 5)

    def test_what_cannot_be_accepted_at_once(self):
        proposals = self.propose(self.positions)
        form = self.wizard(proposals)
        form.has_budget = True
        form.budget = 0
        with self.assertRaisesRegex(UserError, "Nothing is chosen"):
            form.save().action_accept()
        proposals.action_reject()
        with self.assertRaisesRegex(UserError, "None of these"):
            self.wizard(proposals)
        with self.assertRaises(AccessError):
            self.env['sales.reorder.budget'].with_user(self.storekeeper).create({})


@tagged('post_install', '-at_install')
class TestReorderStudy(ReorderCommon):
    """All proposals of a company, behind the scenes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['sales.stock.position'].sudo().search([('company_id', '=', cls.company.id)]).unlink()
        cls.cron = cls.env.ref('sms_addon.ir_cron_sales_study')
        cls.env['sales.study'].search([('state', '=', 'running')]).action_stop()

    def run_study(self):
        # as the button of a list does, whatever is chosen in it
        action = call_kw(self.proposals.with_user(self.planner), 'action_calculate', [[]], {})
        study = self.env['sales.study'].browse(action['res_id'])
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.env.invalidate_all()
        return study

    def open(self):
        return self.proposals.search([('state', '=', 'draft'), ('company_id', '=', self.company.id)])

    def test_from_positions_to_proposals(self):
        steady, lumpy = self.known("Steady"), self.known("Lumpy", self.lumpy())
        self.known("Unknown", seller=False, lead_count=0)
        study = self.run_study()
        self.assertEqual((study.state, study.reason), ('done', False))
        self.assertEqual(self.open().position_id, steady + lumpy)
        self.assertEqual(study.result['left_out'], {'lead': 1})
        self.assertEqual(study.reorder_proposal_count, 2)
        measures = {measure.name: measure.verdict for measure in study.measure_ids}
        self.assertEqual(
            {verdict for name, verdict in measures.items() if name.startswith("Share of demand served")}, {'better'})
        self.assertEqual(len(measures), 4)

    def test_what_is_no_longer_found_goes(self):
        position, other = self.known("First"), self.known("Second")
        self.run_study()
        first = self.open()
        position.write({'lead_count': 0})
        position.product_id.seller_ids.unlink()
        self.run_study()
        self.assertEqual(self.open().position_id, other)
        states = {proposal.position_id: proposal.state for proposal in first}
        self.assertEqual(states, {position: 'stale', other: 'draft'})

    def test_what_is_right_is_not_proposed_and_what_was_rejected_neither(self):
        accepted, rejected = self.known("Accepted"), self.known("Rejected")
        self.run_study()
        for proposal in self.open().with_user(self.planner):
            if proposal.position_id == accepted:
                proposal.action_accept()
            else:
                proposal.action_reject()
        study = self.run_study()
        self.assertEqual(study.result['left_out'], {'same': 1, 'rejected': 1})
        self.assertFalse(self.open())
        rejected.lead_days = 30
        self.run_study()
        self.assertEqual(self.open().position_id, rejected)

    def test_what_was_set_by_hand_stays(self):
        position = self.known("By Hand")
        self.run_study()
        self.open().with_user(self.planner).write({'proposed_min': 10, 'proposed_max': 20})
        self.run_study()
        self.assertEqual((self.open().proposed_min, self.open().proposed_max), (10, 20))
        self.assertEqual(self.open().position_id, position)

    def test_what_people_do_meanwhile_stays(self):
        edited, rejected, other = self.known("Edited"), self.known("Rejected"), self.known("Other")
        self.run_study()
        opened = {proposal.position_id: proposal.with_user(self.planner) for proposal in self.open()}
        studies = type(self.env['sales.study'])
        fresh = studies._take_fresh_snapshot

        def meanwhile(study):
            opened[edited].write({'proposed_min': 10, 'proposed_max': 20})
            opened[rejected].action_reject()
            self.env.flush_all()
            return fresh(study)

        with patch.object(studies, '_take_fresh_snapshot', meanwhile):
            study = self.run_study()
        self.assertEqual(study.state, 'done')
        self.assertEqual((opened[edited].proposed_min, opened[edited].state), (10, 'draft'))
        self.assertEqual(self.open().position_id, edited + other, "what was rejected is not open again at once")

    def test_nothing_to_say(self):
        study = self.run_study()
        self.assertEqual(study.state, 'abstained')
        self.assertIn("No product has a stock position", study.reason)

    def test_planners_have_the_studies_of_stock_only(self):
        studies = self.env['sales.study'].with_user(self.planner).search([])
        self.assertLessEqual(set(studies.mapped('kind')), {'demand', 'reorder'})
        self.assertTrue(studies)
