from odoo.exceptions import UserError
from odoo.tests import tagged

from .rules_common import RulesCommon

SETS = (
    'margin', 'discount', 'credit', 'minimum', 'quantity', 'duplicate', 'promise', 'customer_data', 'documents')


@tagged('post_install', '-at_install')
class TestReadyPolicies(RulesCommon):
    """What is delivered: not in force, fit to be published, and not easily passed."""

    def get_set(self, name):
        return self.env.ref(f'sms_addon.sales_rule_set_{name}').with_user(self.author)

    def test_all_are_off_and_can_be_published(self):
        for name in SETS:
            with self.subTest(name):
                rule_set = self.get_set(name)
                self.assertIn(rule_set.mode, (False, 'off'))
                self.assertFalse(rule_set.published_id)
                rule_set.action_publish()

    def test_their_texts_are_exported(self):
        rules = self.env['sales.rule'].concat(*(self.get_set(name).rule_ids for name in SETS))
        self.assertTrue(all(rules.get_external_id().values()))
        data = self.env['ir.model.data'].search([('model', '=', 'sales.rule'), ('res_id', 'in', rules.ids)])
        self.assertEqual(set(data.mapped('module')), {'sms_addon'})
        self.assertTrue(all(data.mapped('noupdate')))

    def test_discount_ceiling(self):
        rule_set = self.get_set('discount')
        rule_set.action_publish()
        rule_set.mode = 'stop'
        self.products[0].list_price = 100
        self.quotation(user_id=False).action_confirm()
        for given, decision in ((15, 'hold'), (60, 'stop')):
            for give in (self.give_discount, self.give_price, self.give_of_order, self.give_amount):
                for user in (self.salesman, self.env['res.users'], self.portal):
                    with self.subTest(give.__name__, given=given, user=user.name):
                        order = self.quotation(user=self.all_leads, user_id=user.id)
                        give(order.sudo(), given)
                        with self.assertRaisesRegex(UserError, '% below the pricelist'), self.env.cr.savepoint():
                            order.action_confirm()
                        order.invalidate_recordset()
                        self.assertEqual(order.state, 'draft')
                        found = self.decisions(order, current=True).mapped('decision')
                        self.assertIn(decision, found)

    def give_discount(self, order, percent):
        order.order_line.discount = percent

    def give_price(self, order, percent):
        order.order_line.price_unit = 100 - percent

    def give_of_order(self, order, percent):
        self.give(order, discount_type='so_discount', discount_percentage=percent / 100)

    def give_amount(self, order, percent):
        self.give(order, discount_type='amount', discount_amount=percent)

    def give(self, order, **values):
        self.env['sale.order.discount'].create({'sale_order_id': order.id, **values}).action_apply_discount()
