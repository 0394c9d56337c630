from odoo import Command
from odoo.tests import new_test_user

from .common import WarehouseCommon


class RulesCommon(WarehouseCommon):
    """A manager who publishes rules, a salesperson who meets them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.author = new_test_user(
            cls.env, 'author', 'sales_team.group_sale_manager,base.group_partner_manager', name="Author of Rules")
        cls.policy = cls.env['sales.approval.policy'].create({'name': "Managers"})

    @classmethod
    def rule_set(cls, *rules, mode='stop', publish=True, **values):
        """Return a published set of rules: (condition, decision[, message or further values])."""
        rule_set = cls.env['sales.rule.set'].with_user(cls.author).create({
            'name': "Policy", 'model': 'sale.order', 'when': 'confirm', 'mode': mode, **values,
            'rule_ids': [Command.create(cls._prepare_rule(number, *rule)) for number, rule in enumerate(rules)],
        })
        if publish:
            rule_set.action_publish()
        return rule_set

    @classmethod
    def _prepare_rule(cls, number, domain, decision, message=False, **values):
        values = message if isinstance(message, dict) else {'message': message}
        return {
            'name': f"Rule {number}", 'domain': str(domain), 'decision': decision, 'sequence': number,
            'approval_policy_id': cls.policy.id if decision == 'hold' else False, **values,
        }

    @classmethod
    def quotation(cls, *lines, user=None, **values):
        """Return a quotation of the salesperson over (product, quantity, price[, discount])."""
        return cls.order(
            list(lines) or [(cls.products[0], 1, 100)], state='draft',
            **{'user_id': (user or cls.salesman).id, **values}).with_user(user or cls.salesman)

    def decisions(self, record, **values):
        domain = [('model', '=', record._name), ('res_id', '=', record.id)]
        return self.env['sales.rule.decision'].search(
            domain + [(name, '=', value) for name, value in values.items()], order='id')
