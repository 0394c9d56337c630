from odoo import Command
from odoo.tests import HttpCase, tagged

from .alerts_common import AlertsCommon


@tagged('post_install', '-at_install')
class TestStockAlertTours(HttpCase, AlertsCommon):
    """The alerts as a planner uses them who has nothing to do with sales."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('en_US')
        (cls.planner + cls.chief + cls.salesman).lang = 'en_US'
        cls.rule_set = cls.alert_set(
            ([('qty_on_hand', '<', 0)], {
                'alert_kind': 'negative', 'alert_severity': '3', 'alert_user_id': cls.planner.id}),
            ([('status', '=', 'dead')], {'alert_kind': 'dead', 'alert_severity': '0'},
             ), name="Tour Alerts")
        cls.rule_set.rule_ids[1].message = "Nobody wants {product_id}, worth {value}"
        cls.rule_set.action_publish()
        cls.negative = cls.make_position(qty_on_hand=-4, value=-16)
        cls.dead = cls.make_position(cls.products[1], status='dead', qty_on_hand=9, value=45)
        cls.alerts._evaluate((cls.negative + cls.dead).ids)

    def test_alerts(self):
        self.start_tour('/odoo/stock-alerts', 'sms_addon_stock_alerts', login='planner')
        self.assertEqual(self.alerts_of(self.negative).mapped('state'), ['closed'])
        self.assertEqual(self.alerts_of(self.negative).closed_by_id, self.planner)
        self.assertEqual(self.alerts_of(self.dead).mapped('state'), ['snoozed'])

    def test_a_salesperson_looks(self):
        self.start_tour('/odoo/stock-alerts', 'sms_addon_stock_alerts_sales', login='own')

    def test_rules(self):
        self.start_tour('/odoo/stock-alert-rules', 'sms_addon_stock_alert_rules', login='chief')
        rule = self.env['sales.rule'].search([('name', '=', "Much of it")])
        self.assertEqual(rule.action_ids.alert_severity, '2')
        self.assertEqual(rule.set_id.published_id.user_id, self.chief)

    def test_live(self):
        """An alert that opens while the list is looked at comes by itself."""
        other = self.make_position(self.products[2], qty_on_hand=5)
        self.env['ir.actions.server'].create({
            'name': "Lose goods", 'state': 'code', 'model_id': self.env['ir.model']._get_id('sales.stock.alert'),
            'group_ids': [Command.set(self.env.ref('base.group_user').ids)],
            'binding_model_id': self.env['ir.model']._get_id('sales.stock.alert'),
            'code': f"position = env['sales.stock.position'].sudo().browse({other.id})\n"
                    "position.write({'qty_on_hand': -3})\nposition._notify_changed(position.ids)"})
        self.start_tour('/odoo/stock-alerts', 'sms_addon_stock_alerts_live', login='planner')
        self.assertEqual(self.alerts_of(other).mapped('state'), ['open'])
