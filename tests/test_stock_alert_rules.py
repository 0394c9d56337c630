from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .alerts_common import AlertsCommon

NOW = '2027-05-03 12:00:00'
NEGATIVE = [('qty_on_hand', '<', 0)]


@tagged('post_install', '-at_install')
class TestStockAlertRules(AlertsCommon):
    """The rule engine on positions: sets, versions, modes, rights, and one query for all of them."""

    def test_a_planner_without_sales_writes_and_publishes_rules(self):
        rule_set = self.alert_set((NEGATIVE, {'alert_kind': 'negative'}))
        self.assertEqual(rule_set.published_id.user_id, self.chief)
        with self.assertRaises(AccessError):
            self.alert_set((NEGATIVE, {}), user=self.planner)

    def test_a_planner_sees_rules_on_stock_alone(self):
        other = self.env['sales.rule.set'].create({'name': "Orders", 'model': 'sale.order'})
        with self.assertRaises(AccessError):
            other.with_user(self.planner).read(['name'])
        self.assertTrue(self.own_set.with_user(self.planner).read(['name', 'edited', 'decision_count']))
        self.assertTrue(other.with_user(self.salesman).read(['name']))
        with self.assertRaises(AccessError):
            other.with_user(self.chief).write({'name': "Mine"})

    def test_what_decides_is_what_was_published(self):
        position = self.make_position(qty_on_hand=5)
        rule_set = self.alert_set(([('qty_on_hand', '>', 3)], {}))
        rule_set.rule_ids.domain = "[('qty_on_hand', '>', 100)]"
        self.ask(position)
        self.assertEqual(len(self.alerts_of(position)), 1)
        rule_set.action_publish()
        self.ask(position)
        self.assertEqual(self.alerts_of(position).mapped('state'), ['closed'])

    def test_shadow_only_writes_down(self):
        position = self.make_position(qty_on_hand=-1)
        rule_set = self.alert_set((NEGATIVE, {}), mode='shadow')
        self.ask(position)
        self.ask(position)
        self.assertFalse(self.alerts_of(position))
        decision = self.env['sales.rule.decision'].search([('set_id', '=', rule_set.id)])
        self.assertRecordValues(decision, [{
            'effect': 'logged', 'current': True, 'res_id': position.id, 'company_id': self.company.id,
            'when': 'event'}])
        self.assertEqual(decision.inputs['On Hand'], -1)
        rule_set.mode = 'warn'
        self.ask(position)
        self.assertEqual(len(self.alerts_of(position)), 1)
        decisions = self.env['sales.rule.decision'].search([('set_id', '=', rule_set.id)], order='id')
        self.assertEqual(decisions.mapped('effect'), ['logged', 'acted'])
        self.assertEqual(decisions.mapped('current'), [False, True])
        self.assertEqual(rule_set.decision_count, 2)

    def test_off_closes_what_was_open(self):
        position = self.make_position(qty_on_hand=-1)
        rule_set = self.alert_set((NEGATIVE, {}))
        self.ask(position)
        rule_set.mode = 'off'
        self.ask(moments=('event', 'schedule'))
        self.assertRecordValues(self.alerts_of(position), [
            {'state': 'closed', 'holds': False, 'close_reason': 'rule'}])

    def test_a_rule_that_only_writes_down_now_closes_its_alerts(self):
        position = self.make_position(qty_on_hand=-1)
        rule_set = self.alert_set((NEGATIVE, {}))
        self.ask(position)
        rule_set.mode = 'shadow'
        self.ask(position)
        self.assertRecordValues(self.alerts_of(position), [{'state': 'closed', 'close_reason': 'rule'}])

    def test_let_through_makes_an_exception(self):
        plain, excepted = self.make_position(qty_on_hand=-1), self.make_position(self.products[1], qty_on_hand=-1)
        self.alert_set(
            ([('product_id', '=', excepted.product_id.id)], None, ), (NEGATIVE, {}),
            publish=False).rule_ids[0].decision = 'allow'
        self.env['sales.rule.set'].search([('name', '=', "Alerts")]).with_user(self.chief).action_publish()
        self.ask()
        self.assertTrue(self.alerts_of(plain))
        self.assertFalse(self.alerts_of(excepted))

    def test_the_first_rule_that_holds_takes_it(self):
        position = self.make_position(qty_on_hand=-10)
        rule_set = self.alert_set(
            ([('qty_on_hand', '<', -5)], {'alert_severity': '3'}), (NEGATIVE, {'alert_severity': '1'}),
            hit_policy='first')
        self.ask(position)
        self.assertEqual(self.alerts_of(position).mapped('severity'), ['3'])
        position.sudo().qty_on_hand = -1
        self.ask(position)
        self.assertEqual(self.alerts_of(position, state='open').rule_id, rule_set.rule_ids[1])
        self.assertEqual(self.alerts_of(position, state='closed').rule_id, rule_set.rule_ids[0])

    def test_a_rule_that_fails_keeps_its_alerts_and_no_other_back(self):
        position = self.make_position(qty_on_hand=-1)
        rule_set = self.alert_set((NEGATIVE, {}), ([('qty_on_hand', '<', 100)], {}))
        self.ask(position)
        position.sudo().qty_on_hand = 500
        engine = type(self.env['sales.rule.engine'])
        select = engine._select_matches

        def fail(engine, documents, rules, conditions, scope):
            if rule_set.rule_ids[0].id in [rule.id for rule in rules]:
                raise ValueError("gone")
            return select(engine, documents, rules, conditions, scope)

        self.patch(engine, '_select_matches', fail)
        models = 'odoo.addons.sms_addon.models'
        with mute_logger(f'{models}.sales_rule_engine_sets', f'{models}.sales_rule_occasion'):
            self.ask()
        by_rule = {alert.rule_id: alert.state for alert in self.alerts_of(position)}
        self.assertEqual(by_rule, {rule_set.rule_ids[0]: 'open', rule_set.rule_ids[1]: 'closed'})
        self.assertIn("could not be asked", rule_set.message_ids[0].body)

    def test_a_publisher_who_left_changes_nothing(self):
        position = self.make_position(qty_on_hand=-1)
        leaving = new_test_user(self.env, 'leaving', 'stock.group_stock_manager')
        self.alert_set((NEGATIVE, {}), user=leaving)
        self.ask(position)
        leaving.active = False
        self.env.registry.clear_cache()
        position.sudo().qty_on_hand = 1
        self.ask(position)
        self.assertEqual(self.alerts_of(position).state, 'open')

    def test_rules_look_with_the_rights_of_their_publisher(self):
        position = self.make_position(qty_on_hand=-1)
        self.alert_set((NEGATIVE, {}))
        self.env['ir.rule'].create({
            'name': "Hidden", 'model_id': self.env['ir.model']._get_id('sales.stock.position'),
            'domain_force': f"[('id', '!=', {position.id})]"})
        self.ask(position)
        self.assertFalse(self.alerts_of(position))

    def test_rules_of_the_night_wait_for_it(self):
        position = self.make_position(qty_on_hand=-1)
        self.alert_set((NEGATIVE, {}), when='schedule')
        self.ask(position)
        self.assertFalse(self.alerts_of(position))
        with self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_stock_alert_evaluation').method_direct_trigger()
        self.assertTrue(self.alerts_of(position))
        asked = {model for model, _company in self.env['sales.rule.engine']._find_fresh()}
        self.assertNotIn('sales.stock.position', asked, "nor are they asked one by one")

    @freeze_time('2027-05-03 23:30:00')
    def test_days_are_those_of_the_company(self):
        position = self.make_position(stockout_date='2027-05-11')
        self.alert_set(([('stockout_date', '<=', 'today +7d')], {}))
        self.ask(position)
        self.assertFalse(self.alerts_of(position))
        self.company.sales_timezone = 'Asia/Shanghai'  # where it is the 4th already
        self.ask(position)
        self.assertTrue(self.alerts_of(position))

    def test_each_company_has_its_mode_and_sees_its_own(self):
        other = self.env['res.company'].create({'name': "Other", 'sales_timezone': 'UTC'})
        warehouse = self.env['stock.warehouse'].search([('company_id', '=', other.id)], limit=1)
        self.chief.company_ids += other
        here, there = self.make_position(qty_on_hand=-1), self.make_position(qty_on_hand=-1, warehouse=warehouse)
        rule_set = self.alert_set((NEGATIVE, {}))
        self.ask(here + there)
        self.assertTrue(self.alerts_of(here))
        self.assertFalse(self.alerts_of(there))
        rule_set.with_company(other).mode = 'stop'
        self.ask(here + there)
        alert = self.alerts_of(there)
        self.assertEqual(alert.company_id, other)
        with self.assertRaises(AccessError):
            alert.with_user(self.planner).read(['name'])
        self.assertTrue(alert.with_user(self.chief).with_context(allowed_company_ids=other.ids).name)

    def test_lead_slip_is_the_same_in_sql_and_python(self):
        positions = self.env['sales.stock.position']
        for product, (recent, usual, spread, count) in zip(
                self.products, [(20, 10, 2, 8), (10.9, 10, 0, 6), (11.1, 10, 0, 6), (50, 1, 1, 0)], strict=True):
            positions += self.make_position(
                product, lead_recent=recent, lead_days=usual, lead_spread=spread, lead_count=count)
        for operator in ('>', '<=', '>=', '<'):
            domain = [('id', 'in', positions.ids), ('lead_slip', operator, 2)]
            self.assertEqual(positions.search(domain), positions.filtered_domain(domain).sorted(), operator)
        self.assertEqual(positions.search([('id', 'in', positions.ids), ('lead_slip', '>', 2)]).product_id,
                         self.products[0] + self.products[2])

    def test_only_alerts_come_of_rules_on_positions(self):
        rule_set = self.alert_set((NEGATIVE, {}), publish=False)
        rule = rule_set.rule_ids
        for values in (
            {'kind': 'notify', 'whom': 'responsible'},
            {'kind': 'alert'},  # a second one
        ):
            with self.assertRaises(ValidationError):
                self.env['sales.rule.action'].create({'rule_id': rule.id, **values})
        with self.assertRaises(ValidationError):
            rule.action_ids.write({'alert_escalate_hours': 3, 'alert_escalate_to': 'user'})
        with self.assertRaises(ValidationError):
            rule.write({
                'decision': 'hold', 'approval_policy_id': self.env['sales.approval.policy'].create({'name': "P"}).id})
        with self.assertRaises(ValidationError):
            self.alert_set((NEGATIVE, {}), when='save')
        with self.assertRaises(ValidationError):
            self.env['sales.rule.set'].create({
                'name': "Orders", 'model': 'sale.order', 'rule_ids': [Command.create(
                    {'name': "Order", 'decision': 'note', 'action_ids': [Command.create({'kind': 'alert'})]})]})

    def test_discarding_brings_the_alert_back_as_published(self):
        rule_set = self.alert_set((NEGATIVE, {'alert_severity': '3', 'alert_user_id': self.planner.id}))
        rule_set.rule_ids.action_ids.write({'alert_severity': '0', 'alert_user_id': False})
        self.assertTrue(rule_set.edited)
        rule_set.action_discard()
        self.assertFalse(rule_set.edited)
        self.assertRecordValues(rule_set.rule_ids.action_ids, [
            {'kind': 'alert', 'alert_severity': '3', 'alert_user_id': self.planner.id}])

    def test_simulation_says_what_holds_as_things_stand(self):
        self.make_position(qty_on_hand=-1, value=-10)
        self.make_position(self.products[1], qty_on_hand=5, value=50)
        rule_set = self.alert_set((NEGATIVE, {}))
        simulation = self.env['sales.rule.simulation'].create({'set_id': rule_set.id})
        simulation.action_simulate()
        rule = simulation.get_result()['sides']['a']['rules'][0]
        self.assertEqual((rule['error'] or '', rule['hits'] if 'hits' in rule else rule['count']), ('', 1))

    def test_queries_do_not_grow_with_positions(self):
        products = self.env['product.product'].create([
            {'name': f"Many {n}", 'is_storable': True} for n in range(60)])
        positions = self.env['sales.stock.position'].union(*(
            self.make_position(product, qty_on_hand=5) for product in products))
        self.alert_set(*(
            ([('qty_on_hand', '<', -number)], {'alert_activity': False, 'alert_notify': False})
            for number in range(20)))
        self.ask(positions)  # have the rules read

        def count(some):
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            self.alerts._evaluate(some.ids)
            return self.env.cr.sql_log_count - before

        count(positions)
        self.assertEqual(count(positions), count(positions[:2]))


@tagged('post_install', '-at_install')
@freeze_time(NOW)
class TestStockAlertsThatComeWithTheAddon(AlertsCommon):
    """Each of the eight rules opens on what it is about, and on nothing else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own_set.mode = 'stop'

    def kinds(self, **values):
        position = self.make_position(**values)
        self.ask(position)
        found = self.alerts_of(position).mapped('kind')
        names = self.alerts_of(position).mapped('name')
        position.sudo().unlink()
        return sorted(found), names

    def test_they_are_in_force(self):
        self.assertTrue(self.own_set.published_id)

    def test_they_are_in_force_where_their_publisher_works(self):
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        publisher = self.env['sales.rule.set']._find_publisher()
        publisher.company_ids -= elsewhere
        fresh = self.own_set.copy()
        self.env['ir.model.data'].search([
            ('module', '=', 'sms_addon'), ('name', '=', 'sales_rule_set_stock_alerts')]).res_id = fresh.id
        self.env.flush_all()
        self.env.registry.clear_cache()
        self.env['sales.rule.set']._publish_stock_alerts()
        self.assertTrue(fresh.published_id)
        self.assertEqual(fresh.with_company(self.company).mode, 'stop')
        self.assertIn(fresh.with_company(elsewhere).mode, ('off', False))
        self.assertEqual(len(self.own_set.rule_ids), 8)
        self.assertTrue(self.own_set.published_id.user_id.active)
        self.env['sales.rule.set']._publish_stock_alerts()
        self.assertEqual(self.own_set.published_id.number, 1)

    def test_healthy_stock_is_left_alone(self):
        self.assertEqual(self.kinds(
            qty_on_hand=50, daily_demand=1, stockout_date='2027-07-01', demand_recent=7, demand_surprise=1,
            lead_count=9, lead_days=5, lead_recent=6, lead_spread=1)[0], [])

    def test_new_goods_are_no_overstock_yet(self):
        self.assertEqual(self.kinds(
            qty_on_hand=50, status='over', qty_overstock=50, overstock_value=500, demand_days=20)[0], [])

    def test_each_kind(self):
        for kind, values in {
            'negative': {'qty_on_hand': -3},
            'stockout': {'qty_on_hand': 3, 'daily_demand': 1, 'stockout_date': '2027-05-10'},
            'uncovered': {'qty_uncovered': 4, 'revenue_at_risk': 80, 'customers_at_risk': 1},
            'overstock': {'qty_on_hand': 100, 'status': 'over', 'qty_overstock': 60, 'overstock_value': 600,
            'demand_days': 60},
            'dead': {'qty_on_hand': 100, 'status': 'dead', 'value': 400},
            'expiry': {'qty_on_hand': 10, 'qty_expiring': 2},
            'surge': {'demand_surprise': 3.5, 'demand_recent': 30, 'daily_demand': 1},
            'lead_time': {'lead_count': 5, 'lead_days': 5, 'lead_recent': 12, 'lead_spread': 2},
        }.items():
            found, names = self.kinds(**values)
            self.assertEqual(found, [kind])
            self.assertIn("Thing 0", names[0])
            self.assertNotIn('{', names[0])

    def test_value_at_risk(self):
        expected = {
            'uncovered': ({'qty_uncovered': 1, 'revenue_at_risk': 80}, 80),
            'overstock': ({'status': 'over', 'overstock_value': 600, 'demand_days': 90}, 600),
            'dead': ({'status': 'dead', 'value': 400}, 400),
            'negative': ({'qty_on_hand': -2, 'value': -30}, 30),
            'expiry': ({'qty_on_hand': 10, 'qty_expiring': 2, 'value': 55}, 11),
            'surge': ({'demand_surprise': 9, 'demand_recent': 5, 'revenue_12': 3650, 'lead_days': 3}, 30),
            'stockout': ({'daily_demand': 1, 'stockout_date': '2027-05-03', 'revenue_12': 3650}, 70),
        }
        for kind, (values, value) in expected.items():
            position = self.make_position(**values)
            self.ask(position)
            alert = self.alerts_of(position)
            self.assertEqual((alert.kind, alert.value_at_risk), (kind, value))
            position.sudo().unlink()
