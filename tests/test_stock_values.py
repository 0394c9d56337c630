from odoo.exceptions import AccessError
from odoo.tests import freeze_time, new_test_user, tagged

from .alerts_common import AlertsCommon
from .stock_common import StockCommon

POSITION_VALUES = ('value', 'revenue_at_risk', 'overstock_value', 'revenue_12', 'margin_12', 'abc_margin')
ALERT_VALUES = ('value_at_risk', 'figures')


@tagged('post_install', '-at_install')
class TestStockValues(StockCommon):
    """What stock is worth and brings is for planners and sales managers; quantities are for salespeople, too."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.planner = new_test_user(cls.env, 'planner', 'stock.group_stock_user')

    def setUp(self):
        super().setUp()
        self.receive(self.goods[0], 10)
        self.follow()

    def assertFields(self, records, names, user, seen):
        records = records.with_user(user)
        shown = records.fields_get()
        for name in names:
            with self.subTest(f"{user.login}: {name}"):
                self.env.invalidate_all()
                self.assertEqual(name in shown, seen)
                if seen:
                    records.read([name])
                    records.search([(name, '!=', False)], limit=1)
                    continue
                for ask in (
                    lambda name=name: records.read([name]), lambda name=name: records[name],
                    lambda name=name: records.search([(name, '!=', False)]),
                    lambda name=name: records._read_group([], [], [f'{name}:max']),
                    lambda name=name: records.search([], order=name, limit=1),
                ):
                    with self.assertRaises(AccessError):
                        ask()

    def test_values_of_positions(self):
        position = self.position(self.goods[0])
        for user in (self.planner, self.manager):
            self.assertFields(position, POSITION_VALUES, user, True)
        for user in (self.salesman, self.all_leads):
            self.assertFields(position, POSITION_VALUES, user, False)
            position.with_user(user).read()
        self.assertFields(self.env['sales.stock.movement'].search([], limit=1), ('value',), self.salesman, False)

    def test_views_leave_values_out(self):
        for model, restricted in (
            ('sales.stock.position', POSITION_VALUES), ('sales.stock.alert', ALERT_VALUES),
            ('sales.stock.movement', ('value',)),
        ):
            for kind in ('list', 'kanban', 'form', 'pivot', 'graph', 'search'):
                if kind == 'form' and model == 'sales.stock.movement':
                    continue
                for user, seen in ((self.salesman, False), (self.planner, True), (self.manager, True)):
                    with self.subTest(f"{model} {kind} {user.login}"):
                        view = self.env[model].with_user(user).get_view(view_type=kind)
                        found = [name for name in restricted if f'name="{name}"' in view['arch']
                                 or f'sum_field="{name}"' in view['arch']]
                        if seen:
                            continue
                        self.assertEqual(found, [])

    def test_a_board_of_a_salesperson_has_a_progress_bar_without_values(self):
        for model, name in (('sales.stock.position', 'value'), ('sales.stock.alert', 'value_at_risk')):
            for user, count in ((self.salesman, 0), (self.planner, 1), (self.manager, 1)):
                arch = self.env[model].with_user(user).get_view(view_type='kanban')['arch']
                self.assertEqual(arch.count('<progressbar'), 1)
                self.assertEqual(arch.count(f'sum_field="{name}"'), count)

    def test_goods_of_others_are_there_and_worth_nothing(self):
        owner = self.env['res.partner'].create({'name': "Consignor"})
        self.put(self.goods[0], 5, owner_id=owner)
        self.put(self.goods[0], 2, owner_id=self.company.partner_id)
        self.follow()
        self.assertRecordValues(self.position(self.goods[0]), [{'qty_on_hand': 17, 'value': 120}])
        self.assertEqualsHost()


@tagged('post_install', '-at_install')
@freeze_time('2027-05-03 12:00:00')
class TestStockAlertValues(AlertsCommon):
    """Salespeople read alerts, but for the amounts in them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alert_set(
            ([('status', '=', 'dead')], {'alert_kind': 'dead'}, ), publish=False).rule_ids.message = (
                "{product_id}: {qty_on_hand} worth {value}")
        cls.env['sales.rule.set'].search([('name', '=', "Alerts")]).with_user(cls.chief).action_publish()
        cls.position = cls.make_position(qty_on_hand=3, value=123, status='dead', user_id=cls.salesman.id)
        cls.alerts._evaluate(cls.position.ids)
        cls.alert = cls.alerts.search([('position_id', '=', cls.position.id)])

    def test_amounts_are_hidden_from_salespeople(self):
        self.assertEqual(self.alert.value_at_risk, 123)
        for user in (self.salesman, self.all_leads):
            alert = self.alert.with_user(user)
            self.assertEqual(alert.name, "Thing 0: 3 worth …")
            self.assertNotIn("123", alert.figures_text)
            self.assertNotIn('value_at_risk', alert.details)
            self.assertEqual(alert._describe_value(), "")
            self.assertEqual(self.alerts.with_user(user).search([('position_id', '=', self.position.id)]), alert)
            alert.read()
            for name in ALERT_VALUES:
                with self.assertRaises(AccessError):
                    alert.read([name])
                with self.assertRaises(AccessError):
                    alert.search([(name, '!=', False)])
        for user in (self.planner, self.manager):
            alert = self.alert.with_user(user)
            self.assertIn("123", alert.name)
            self.assertIn("123", alert.figures_text)
            self.assertEqual(alert.details['value_at_risk'], 123)
            self.assertIn("123", alert._describe_value())

    def test_activities_and_names_have_no_amounts(self):
        activity = self.env['mail.activity'].search([
            ('res_model', '=', 'sales.stock.alert'), ('res_id', '=', self.alert.id)])
        self.assertEqual(activity.user_id, self.salesman)
        self.assertEqual(activity.summary, "Thing 0: 3 worth …")
        self.assertEqual(self.alert.display_name, "Thing 0: 3 worth …")

    def test_a_notification_says_what_its_reader_may_see(self):
        sent = []
        self.patch(type(self.env['res.users']), '_bus_send', lambda user, kind, message, **more: sent.append(
            (user, message['message'])) if kind == 'simple_notification' else None)
        self.alert._notify_owners()
        self.alert.user_id = self.planner
        [mine, planners] = sent
        self.assertEqual(mine, (self.salesman, "Thing 0: 3 worth …"))
        self.assertEqual(planners[0], self.planner)
        self.assertIn("123", planners[1])

    def test_the_ledger_and_the_log_of_decisions(self):
        event = self.env['sales.event'].search([('model', '=', 'sales.stock.alert'), ('res_id', '=', self.alert.id)])
        decision = self.env['sales.rule.decision'].search([
            ('model', '=', 'sales.stock.position'), ('res_id', '=', self.position.id)])
        self.assertTrue(event)
        self.assertTrue(decision)
        both = new_test_user(self.env, 'both', 'stock.group_stock_user,sales_team.group_sale_salesman')
        for record, users in ((event, (self.manager, both)), (decision, (self.manager, both, self.planner))):
            for user in users:
                self.assertEqual(record.with_user(user).search([('id', '=', record.id)]), record)
            for user in (self.salesman, self.all_leads):
                self.assertFalse(record.with_user(user).search([('id', '=', record.id)]))

    def test_the_digest_of_a_salesperson_has_no_amounts(self):
        digest = self.env['digest.digest'].create({
            'name': "Morning", 'kpi_sales_stock_alert': True, 'user_ids': self.salesman.ids,
            'company_id': self.company.id})
        self.salesman.email = 'own@example.com'
        digest.action_send()
        mail = self.env['mail.mail'].search([('email_to', 'ilike', 'own@example.com')], limit=1, order='id desc')
        self.assertIn("Thing 0: 3 worth", mail.body_html)
        self.assertNotIn("123", mail.body_html.split("Open Stock Alerts")[1])
