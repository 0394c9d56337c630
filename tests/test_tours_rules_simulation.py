from odoo.tests import HttpCase, tagged

from .test_sales_rule_simulation import SimulationCommon


@tagged('post_install', '-at_install')
class TestRuleSimulationTours(HttpCase, SimulationCommon):
    """Simulation and decision table as a sales manager uses them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('en_US')
        cls.env['res.users'].search([]).lang = 'en_US'
        cls.env['sale.order'].search([]).date_order = '2019-01-01'
        cls.rule_set.name = "Tour Policy"
        for name, amount, customer in (('TOUR1', 10, 0), ('TOUR2', 100, 1), ('TOUR3', 1000, 2)):
            order = cls.order(
                [(cls.products[0], 1, amount)], name=name, partner_id=cls.customers[customer].id,
                user_id=cls.salesman.id)
            order.date_order = cls.env.cr.now()
        small = cls.add_rule("Small", [('amount_total', '<', 5)], message="{name} is too small")
        cls.add_rule("Large", [('amount_total', '>', 500)], 'stop')
        cls.add_rule("Silent", [('amount_total', '<', 0)])
        cls.add_rule("Twin", ['|', ('amount_total', '>', 500), ('amount_total', '>', 600)], 'note')
        cls.rule_set.with_user(cls.manager).action_publish()
        small.domain = "[('amount_total', '<', 50)]"

    def test_simulation(self):
        self.start_tour('/odoo/sales-rules', 'sms_addon_rule_simulation', login='boss')
        self.assertFalse(self.env['sales.rule.decision'].search([('set_id', '=', self.rule_set.id)]))

    def test_table(self):
        self.start_tour('/odoo/sales-rules', 'sms_addon_rule_table', login='boss')
        rules = self.rule_set.rule_ids.sorted()
        self.assertEqual(rules.mapped('name'), ["Small", "Large", "Silent", "Twin", "Pasted"])
        self.assertEqual(rules[0].domain, "[('amount_total', '>=', 10), ('amount_total', '<=', 20)]")
        self.assertEqual(rules[4].domain, "[('amount_total', '>', 5), ('amount_total', '<', 7)]")
        self.assertIn("'|'", rules[3].domain)
