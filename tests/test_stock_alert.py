from datetime import timedelta
from unittest.mock import Mock, patch

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .alerts_common import AlertsCommon

NOW = '2027-05-03 12:00:00'
NEGATIVE = [('qty_on_hand', '<', 0)]


@tagged('post_install', '-at_install')
@freeze_time(NOW)
class TestStockAlert(AlertsCommon):
    """From the first moment a rule holds until it ceases to, and what people do meanwhile."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.position = cls.make_position(qty_on_hand=-2, value=-20, user_id=cls.planner.id)
        cls.rule_set = cls.alert_set((NEGATIVE, {
            'alert_kind': 'negative', 'alert_severity': '3', 'alert_escalate_hours': 24}))
        cls.rule = cls.rule_set.rule_ids

    def set_stock(self, quantity):
        self.position.sudo().qty_on_hand = quantity
        return self.ask(self.position)

    def open_one(self):
        self.ask(self.position)
        return self.alerts_of(self.position, state='open')

    def activities(self, alert):
        return self.env['mail.activity'].search([('res_model', '=', 'sales.stock.alert'), ('res_id', '=', alert.id)])

    # -- by itself

    def test_opens_once(self):
        opened, closed = self.ask(self.position)
        self.assertEqual((len(opened), len(closed)), (1, 0))
        self.assertEqual(self.ask(self.position), (self.alerts, self.alerts))
        self.assertEqual(self.ask(), (self.alerts, self.alerts))
        self.assertRecordValues(self.alerts_of(self.position), [{
            'state': 'open', 'holds': True, 'severity': '3', 'kind': 'negative', 'value_at_risk': 20,
            'user_id': self.planner.id, 'product_id': self.products[0].id, 'warehouse_id': self.stock.id,
            'company_id': self.company.id, 'categ_id': self.products[0].categ_id.id, 'occurrence': 1,
            'opened_at': fields.Datetime.to_datetime(NOW), 'name': "Thing 0: -2 on hand",
            'rule_id': self.rule.id, 'set_id': self.rule_set.id}])

    def test_says_how_things_stand(self):
        alert = self.open_one()
        self.set_stock(-7)
        self.assertEqual(alert.name, "Thing 0: -7 on hand")
        self.assertEqual(alert.figures_text.splitlines()[0], "On Hand: -7")
        self.assertNotIn("Incoming", alert.figures_text)
        self.assertEqual(self.alerts_of(self.position), alert)

    def test_closes_by_itself_and_opens_anew(self):
        alert = self.open_one()
        with freeze_time('2027-05-04 12:00:00'):
            _opened, closed = self.set_stock(5)
        self.assertEqual(closed, alert)
        self.assertRecordValues(alert, [{
            'state': 'closed', 'holds': False, 'close_reason': 'cause', 'duration_days': 1.0,
            'closed_at': fields.Datetime.to_datetime('2027-05-04 12:00:00')}])
        self.assertEqual(alert.name, "Thing 0: -2 on hand", "the last figures for which the rule held")
        self.set_stock(-1)
        again = self.alerts_of(self.position, state='open')
        self.assertNotEqual(again, alert)
        self.assertEqual(again.occurrence, 2)

    def test_a_position_that_is_gone(self):
        alert, ids = self.open_one(), self.position.ids
        self.position.sudo().unlink()
        self.alerts._evaluate(ids)
        self.assertRecordValues(alert, [{'state': 'closed', 'position_id': False, 'holds': False}])
        self.assertIn("-2", alert.name)
        with self.assertRaises(UserError):
            alert.action_open_position()

    def test_other_positions_are_left_alone(self):
        alert = self.open_one()
        other = self.make_position(self.products[1], qty_on_hand=-1)
        self.position.sudo().qty_on_hand = 3
        self.ask(other)
        self.assertEqual(alert.state, 'open')
        self.assertTrue(self.alerts_of(other))

    def test_changes_of_positions_are_asked_about(self):
        self.env['sales.stock.position']._notify_changed(self.position.ids)
        self.assertEqual(len(self.alerts_of(self.position)), 1)
        cron = self.env.ref('sms_addon.ir_cron_stock_alert_evaluation')
        before = self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)])
        self.env['sales.stock.position']._notify_changed(None)
        self.env['sales.stock.position']._notify_changed([])
        self.assertEqual(self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)]), before + 1)

    def test_publishing_asks_about_everything(self):
        cron = self.env.ref('sms_addon.ir_cron_stock_alert_evaluation')
        before = self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)])
        self.rule_set.action_publish()
        self.assertGreater(self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)]), before)

    # -- by people

    def test_handled_stays_closed_until_the_cause_comes_again(self):
        alert = self.open_one()
        alert.with_user(self.planner).action_handled()
        self.assertRecordValues(alert, [{
            'state': 'closed', 'close_reason': 'person', 'closed_by_id': self.planner.id, 'holds': True}])
        self.set_stock(-9)
        self.assertFalse(self.alerts_of(self.position, state='open'))
        self.set_stock(1)
        self.assertRecordValues(alert, [{'holds': False, 'close_reason': 'person'}])
        self.set_stock(-1)
        self.assertEqual(len(self.alerts_of(self.position, state='open')), 1)

    def test_reopen(self):
        alert = self.open_one()
        with self.assertRaises(UserError):
            alert.action_reopen()
        alert.action_handled()
        alert.with_user(self.planner).action_reopen()
        self.assertRecordValues(alert, [{'state': 'open', 'closed_at': False, 'close_reason': False}])
        self.assertTrue(self.activities(alert))

    def test_snooze_and_wake(self):
        alert = self.open_one()
        alert.with_user(self.planner).action_snooze_day()
        self.assertRecordValues(alert, [{
            'state': 'snoozed', 'snoozed_until': fields.Datetime.to_datetime('2027-05-04 12:00:00')}])
        self.assertFalse(self.activities(alert))
        self.ask(self.position)
        self.assertEqual(self.alerts_of(self.position), alert)
        with freeze_time('2027-05-04 11:00:00'):
            self.alerts._wake_due()
            self.assertEqual(alert.state, 'snoozed')
        with freeze_time('2027-05-04 12:00:01'), self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_stock_alert').method_direct_trigger()
        self.env.invalidate_all()
        self.assertRecordValues(alert, [{'state': 'open', 'snoozed_until': False}])
        self.assertEqual(self.activities(alert).user_id, self.planner)
        self.assertEqual(alert.escalate_at, fields.Datetime.to_datetime('2027-05-05 12:00:01'))

    def test_a_snoozed_one_closes_with_its_cause(self):
        alert = self.open_one()
        alert.action_snooze_week()
        self.set_stock(4)
        self.assertRecordValues(alert, [{'state': 'closed', 'snoozed_until': False, 'close_reason': 'cause'}])
        self.assertFalse(self.alerts._wake_due())

    def test_snooze_wizard(self):
        alert = self.open_one()
        action = alert.with_user(self.planner).action_snooze()
        wizard = self.env['sales.stock.alert.snooze'].with_user(self.planner).with_context(action['context'])
        with self.assertRaises(UserError):
            wizard.create({'until': '2027-05-03 11:00:00'}).action_snooze()
        wizard.create({'until': '2027-05-06 08:00:00', 'reason': "Promised for Thursday"}).action_snooze()
        self.assertEqual(alert.snoozed_until, fields.Datetime.to_datetime('2027-05-06 08:00:00'))
        self.assertIn("Promised for Thursday", alert.message_ids.mapped('body')[0])

    def test_assign(self):
        alert = self.open_one()
        alert.with_user(self.chief).action_assign_to_me()
        self.assertEqual(alert.user_id, self.chief)
        self.assertEqual(self.activities(alert).user_id, self.chief)
        alert.with_user(self.chief).user_id = self.planner
        self.assertEqual(self.activities(alert).user_id, self.planner)

    # -- rights

    def test_salespeople_read(self):
        alert = self.open_one()
        seen = alert.with_user(self.salesman)
        self.assertEqual(seen.name, "Thing 0: -2 on hand")
        self.assertFalse(seen.may_handle)
        for act in ('action_handled', 'action_snooze_day', 'action_assign_to_me', 'action_wake'):
            with self.assertRaises(AccessError):
                getattr(seen, act)()
        with self.assertRaises(AccessError):
            seen.write({'user_id': self.salesman.id})

    def test_another_company_and_customers_see_nothing(self):
        elsewhere = self.env['res.company'].create({'name': "Elsewhere", 'sales_timezone': 'UTC'})
        warehouse = self.env['stock.warehouse'].search([('company_id', '=', elsewhere.id)], limit=1)
        self.rule_set.with_company(elsewhere).sudo().mode = 'stop'
        self.chief.company_ids += elsewhere  # with his rights the rules are asked
        position = self.make_position(warehouse=warehouse, qty_on_hand=-1)
        self.ask(position)
        alert = self.alerts_of(position)
        self.assertEqual(alert.company_id, elsewhere)
        for user in (self.planner, self.salesman, self.manager):
            self.assertFalse(self.alerts.with_user(user).search([('id', '=', alert.id)]))
            for act in ('action_handled', 'action_snooze_day', 'action_open_position'):
                with self.assertRaises(AccessError):
                    getattr(alert.with_user(user), act)()
        both = self.alerts.with_user(self.chief).with_context(allowed_company_ids=(self.company + elsewhere).ids)
        self.assertEqual(both.search([('id', '=', alert.id)]), alert)
        with self.assertRaises(AccessError):
            self.alerts.with_user(self.portal).search([])

    def test_a_product_that_is_deleted_takes_its_activities_along(self):
        product = self.env['product.product'].create({'name': "Short-lived", 'is_storable': True})
        position = self.make_position(product, qty_on_hand=-1, user_id=self.planner.id)
        self.ask(position)
        alert = self.alerts_of(position)
        activity = self.activities(alert)
        self.assertTrue(activity)
        product.unlink()
        self.assertFalse(alert.exists())
        self.assertFalse(activity.exists())

    def test_a_salesperson_handles_what_is_his(self):
        alert = self.open_one()
        alert.user_id = self.salesman
        alert.with_user(self.salesman).action_handled()
        self.assertEqual(alert.closed_by_id, self.salesman)

    def test_nobody_writes_what_an_alert_says(self):
        alert = self.open_one().with_user(self.chief)
        for values in ({'severity': '0'}, {'state': 'closed'}, {'figures': {}}, {'value_at_risk': 1}, {'holds': False}):
            with self.assertRaises(AccessError):
                alert.write(values)
        with self.assertRaises(AccessError):
            alert.unlink()
        with self.assertRaises(AccessError):
            self.alerts.with_user(self.chief).create({
                'product_id': self.products[0].id, 'warehouse_id': self.stock.id, 'company_id': self.company.id,
                'rule_id': self.rule.id, 'set_id': self.rule_set.id, 'version_id': self.rule_set.published_id.id})
        nobody = new_test_user(self.env, 'nobody', 'base.group_user')
        with self.assertRaises(AccessError):
            alert.with_user(nobody).read(['name'])

    def test_planners_read_all_that_a_form_shows(self):
        alert = self.open_one().with_user(self.planner)
        views = alert.get_views([(False, 'form'), (False, 'list'), (False, 'kanban')])
        names = {name: {} for name in views['models']['sales.stock.alert']['fields']}
        self.assertTrue(alert.web_read(names | {'rule_id': {'fields': {'display_name': {}}}}))

    # -- telling

    def test_activity_comes_and_is_done(self):
        alert = self.open_one()
        activity = self.activities(alert)
        self.assertRecordValues(activity, [{
            'user_id': self.planner.id, 'summary': "Thing 0: -2 on hand", 'automated': True,
            'date_deadline': fields.Date.to_date('2027-05-03')}])
        self.set_stock(3)
        self.assertFalse(activity.exists().filtered('active'))
        self.assertFalse(alert.to_tell)

    def test_notification_on_the_screen(self):
        with self.assertBus_notifications(self.planner, 1):
            self.ask(self.position)

    def test_many_at_once_make_one_notification(self):
        for product in self.products[1:]:
            self.make_position(product, qty_on_hand=-1, user_id=self.planner.id)
        with self.assertBus_notifications(self.planner, 1):
            self.ask()

    def assertBus_notifications(self, user, count):
        """Count what is said on the screen of a user meanwhile."""
        case, sent, send = self, [], type(self.env['res.users'])._bus_send

        class Watch:
            def __enter__(self):
                def watch(users, kind, message, **more):
                    if kind == 'simple_notification':
                        sent.extend(users)
                    return send(users, kind, message, **more)
                case.patch(type(case.env['res.users']), '_bus_send', watch)

            def __exit__(self, *_error):
                case.assertEqual(sent.count(user), count)

        return Watch()

    def test_a_rule_says_by_what_people_are_told(self):
        self.rule.action_ids.write({
            'alert_activity': False, 'alert_notify': False, 'alert_publish': False, 'alert_digest': False})
        self.rule_set.action_publish()
        start = self.last_event_id()
        with self.assertBus_notifications(self.planner, 0):
            alert = self.open_one()
        self.assertFalse(self.activities(alert))
        self.assertFalse(alert.in_digest)
        self.assertFalse(self.env['sales.event'].search([('id', '>', start), ('type', '=like', 'alert.%')]))

    def test_the_ledger_knows(self):
        alert = self.open_one()
        self.set_stock(4)
        events = self.events(model='sales.stock.alert')
        self.assertEqual(events.mapped('type'), ['alert.opened', 'alert.closed'])
        self.assertEqual(events.mapped('res_id'), [alert.id] * 2)
        self.assertEqual(events[0].payload['kind'], 'negative')
        self.assertEqual(events[1].payload['reason'], 'cause')
        self.assertEqual(events.product_id, self.products[0])

    def test_more_than_fits_follows(self):
        products = self.env['product.product'].create([{'name': f"Many {n}"} for n in range(55)])
        for product in products:
            self.make_position(product, qty_on_hand=-1, user_id=self.planner.id)
        with self.assertBus_notifications(self.planner, 1):
            opened, _closed = self.ask()
            self.assertEqual(len(opened), 56)
            self.assertEqual(len(opened.filtered('to_tell')), 6)
            with self.enter_registry_test_mode():
                self.env.ref('sms_addon.ir_cron_stock_alert').method_direct_trigger()
        self.env.invalidate_all()
        self.assertFalse(opened.filtered('to_tell'))
        self.assertEqual(len(self.env['mail.activity'].search([
            ('res_model', '=', 'sales.stock.alert'), ('res_id', 'in', opened.ids)])), 56)

    def test_server_action_runs_with_the_rights_of_the_publisher(self):
        action = self.env['ir.actions.server'].create({
            'name': "Tell", 'state': 'code', 'model_id': self.env['ir.model']._get_id('sales.stock.alert'),
            'code': "record.message_post(body='Told by ' + env.user.login)"})
        self.rule.action_ids.sudo().server_action_id = action
        self.rule_set.action_publish()
        alert = self.open_one()
        self.assertIn("Told by chief", alert.message_ids.mapped('body')[0])

    @mute_logger('odoo.addons.sms_addon.models.sales_stock_alert_telling')
    def test_an_action_that_fails_is_told_of_on_the_alert(self):
        action = self.env['ir.actions.server'].create({
            'name': "Tell", 'state': 'code', 'model_id': self.env['ir.model']._get_id('sales.stock.alert'),
            'code': "raise UserError('Nobody answers')"})
        self.rule.action_ids.sudo().server_action_id = action
        self.rule_set.action_publish()
        alert = self.open_one()
        self.assertEqual(alert.state, 'open')
        self.assertIn("Nobody answers", alert.message_ids[0].body)

    def test_an_action_on_something_else_is_refused(self):
        action = self.env['ir.actions.server'].create({
            'name': "Tell", 'state': 'code', 'model_id': self.env['ir.model']._get_id('res.partner'), 'code': "pass"})
        with self.assertRaises(UserError):
            self.rule.action_ids.sudo().server_action_id = action

    def test_an_owner_who_left_gets_nothing(self):
        self.planner.active = False
        alert = self.open_one()
        self.assertFalse(self.activities(alert))

    def test_digest(self):
        alert = self.open_one()
        digest = self.env['digest.digest'].create({
            'name': "Morning", 'kpi_sales_stock_alert': True, 'user_ids': [Command.set(self.planner.ids)],
            'company_id': self.company.id})
        self.planner.email = 'planner@example.com'
        with freeze_time('2027-05-04 06:00:00'):
            digest.action_send()
        mail = self.env['mail.mail'].search([('email_to', 'ilike', 'planner@example.com')], limit=1, order='id desc')
        self.assertIn("Thing 0: -2 on hand", mail.body_html)
        self.assertIn("Stock Alerts", mail.body_html)
        alert.action_handled()
        self.assertFalse(digest._get_stock_alerts(self.company, self.planner))
        nobody = new_test_user(self.env, 'nobody', 'base.group_user')
        self.assertFalse(digest._get_stock_alerts(self.company, nobody))

    def test_the_channel_is_for_who_reads_alerts(self):
        nobody = new_test_user(self.env, 'nobody', 'base.group_user')

        def channels(user):
            with patch('odoo.addons.bus.models.ir_websocket.wsrequest', Mock(session=Mock(uid=1))):
                return self.env['ir.websocket'].with_user(user)._build_bus_channel_list(['sales_stock_alerts'])

        self.assertIn((self.company, 'sales_stock_alerts'), channels(self.planner))
        self.assertIn((self.company, 'sales_stock_alerts'), channels(self.salesman))
        self.assertNotIn((self.company, 'sales_stock_alerts'), channels(nobody))
        self.assertNotIn('sales_stock_alerts', channels(nobody))

    def test_screens_are_told_of_what_opens_and_closes(self):
        sent = []
        self.patch(type(self.env['bus.bus']), '_sendone', lambda bus, *message: sent.append(message))
        alert = self.open_one()
        message = ((self.company, 'sales_stock_alerts'), 'sms_addon.stock_alert', {'ids': alert.ids, 'all': False})
        self.assertIn(message, sent)
        sent.clear()
        self.ask(self.position)
        self.assertNotIn(message, sent)
        self.set_stock(2)
        self.assertIn(message, sent)

    # -- escalation

    def escalate(self, hours):
        with freeze_time(fields.Datetime.to_datetime(NOW) + timedelta(hours=hours)):
            return self.alerts._escalate_due()

    def test_escalates_once_to_the_manager_of_the_owner(self):
        boss = new_test_user(self.env, 'their boss', 'stock.group_stock_user')
        lead = self.env['hr.employee'].create({'name': "Lead", 'user_id': boss.id, 'company_id': self.company.id})
        self.env['hr.employee'].create({
            'name': "Planner", 'user_id': self.planner.id, 'parent_id': lead.id, 'company_id': self.company.id})
        alert = self.open_one()
        self.assertFalse(self.escalate(23))
        self.assertEqual(self.escalate(25), 1)
        self.assertRecordValues(alert, [{
            'escalated_to_id': boss.id, 'escalated_at': fields.Datetime.to_datetime('2027-05-04 13:00:00')}])
        self.assertIn(boss, self.activities(alert).user_id)
        self.assertFalse(self.escalate(99))

    def test_escalates_to_an_inventory_administrator_without_a_manager(self):
        alert = self.open_one()
        self.escalate(25)
        self.assertTrue(alert.escalated_to_id.has_group('stock.group_stock_manager'))

    def test_escalates_to_whom_the_rule_names(self):
        self.rule.action_ids.write({'alert_escalate_to': 'user', 'alert_escalate_user_id': self.chief.id})
        self.rule_set.action_publish()
        alert = self.open_one()
        self.escalate(25)
        self.assertEqual(alert.escalated_to_id, self.chief)

    def test_neither_snoozed_nor_closed_ones_are_escalated(self):
        alert = self.open_one()
        alert.action_snooze_week()
        self.assertFalse(self.escalate(25))
        alert.action_handled()
        self.assertFalse(self.escalate(25))

    def test_one_that_is_shown_again_is_escalated_again(self):
        alert = self.open_one()
        self.escalate(25)
        alert.action_snooze_day()
        alert.action_wake()
        self.assertRecordValues(alert, [{
            'escalated_at': False, 'escalated_to_id': False,
            'escalate_at': fields.Datetime.to_datetime('2027-05-04 12:00:00')}])
        self.assertEqual(self.escalate(25), 1)
        alert.action_handled()
        with freeze_time('2027-05-06 12:00:00'):
            alert.action_reopen()
            self.assertFalse(self.alerts._escalate_due(), "whoever opened it again has his time")
        self.assertEqual(self.escalate(73 + 25), 1)

    # -- where it leads

    def test_buttons(self):
        alert = self.open_one()
        self.assertEqual(alert.action_open_position()['res_id'], self.position.id)
        self.assertIn(alert.action_reorder()['res_model'], ('sales.reorder.proposal', 'stock.warehouse.orderpoint'))
        template = self.products[0].product_tmpl_id.with_user(self.planner)
        self.assertEqual(template.stock_alert_count, 1)
        self.assertEqual(self.alerts.search(template.action_open_stock_alerts()['domain']), alert)
        self.assertEqual(self.alerts.search(self.products[0].action_open_stock_alerts()['domain']), alert)
        self.assertEqual(self.position.with_user(self.salesman).alert_count, 1)
        self.assertEqual(self.alerts.search(self.position.action_open_alerts()['domain']), alert)
        self.assertEqual(self.alerts.name_search("Thing 0")[0][0], alert.id)

    def test_reading_many_takes_no_more_queries(self):
        for product in self.products[1:]:
            self.make_position(product, qty_on_hand=-1)
        self.ask()
        alerts = self.alerts.search([('state', '=', 'open')])

        def count(some):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            some.with_user(self.planner).web_read({'name': {}, 'may_handle': {}, 'value_at_risk': {}})
            return self.env.cr.sql_log_count - before

        count(alerts)
        self.assertLessEqual(count(alerts), count(alerts[:1]) + 1)


@tagged('post_install', '-at_install')
class TestStockAlertFromMoves(AlertsCommon):
    """The whole way: goods move, the ledger tells, the position follows, the alert opens and closes."""

    def test_from_a_move_to_the_alert(self):
        goods = self.env['product.product'].create({'name': "Moved", 'is_storable': True, 'standard_price': 3})
        customers = self.env.ref('stock.stock_location_customers')
        self.alert_set((NEGATIVE, {'alert_kind': 'negative'}))
        self.dispatch()

        def move(quantity, source, target):
            moved = self.env['stock.move'].create({
                'product_id': goods.id, 'product_uom_qty': quantity, 'location_id': source.id,
                'location_dest_id': target.id})
            moved._action_confirm()
            moved.quantity = quantity
            moved.picked = True
            moved._action_done()
            self.dispatch()

        # an alert that cannot be told keeps no position back
        cron = self.env.ref('sms_addon.ir_cron_stock_alert_evaluation')
        triggers = self.env['ir.cron.trigger']
        before = triggers.search_count([('cron_id', '=', cron.id)])
        with patch.object(type(self.alerts), '_tell_screens', side_effect=ValueError("no screens")), \
                mute_logger('odoo.addons.sms_addon.models.sales_stock_position_rules'):
            move(1, self.stock.lot_stock_id, customers)
        self.assertEqual(self.env['sales.stock.position'].search([('product_id', '=', goods.id)]).qty_on_hand, -1)
        self.assertFalse(self.alerts.search([('product_id', '=', goods.id)]))
        self.assertEqual(triggers.search_count([('cron_id', '=', cron.id)]), before + 1)
        move(3, self.stock.lot_stock_id, customers)
        alert = self.alerts.search([('product_id', '=', goods.id)])
        self.assertRecordValues(alert, [{'state': 'open', 'kind': 'negative', 'name': "Moved: -4 on hand"}])
        move(6, self.env.ref('stock.stock_location_suppliers'), self.stock.lot_stock_id)
        self.env.invalidate_all()
        self.assertEqual(alert.state, 'closed')
