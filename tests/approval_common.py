from odoo import Command, fields
from odoo.tests import new_test_user

from .common import WarehouseCommon


class ApprovalCommon(WarehouseCommon):
    """A rule that holds orders, the people around it, and decisions as the rules write them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first, cls.second, cls.third = (
            new_test_user(
                cls.env, f'approver{n}', 'base.group_user', name=f"Approver {n}", email=f'approver{n}@example.com')
            for n in (1, 2, 3))
        cls.salesman.email = 'salesman@example.com'
        cls.policy = cls.make_policy("Discounts", cls.first)
        cls.rules = cls.env['sales.rule.set'].create({
            'name': "Discounts", 'model': 'sale.order', 'when': 'confirm',
            'rule_ids': [
                Command.create({'name': f"Rule {n}", 'decision': 'hold', 'approval_policy_id': cls.policy.id})
                for n in (1, 2)
            ],
        }).rule_ids

    @classmethod
    def make_policy(cls, name, *levels, **values):
        """Return a policy that asks these users, level by level."""
        return cls.env['sales.approval.policy'].create({
            'name': name,
            'level_ids': [
                Command.create({'sequence': n, 'approver': 'users', 'user_ids': users.ids})
                for n, users in enumerate(levels)
            ],
            **values,
        })

    @classmethod
    def held_order(cls, price=100, discount=0, **values):
        return cls.order([(cls.products[0], 1, price, discount)], state='draft', user_id=cls.salesman.id, **values)

    @staticmethod
    def double(order):
        """Make the order twice as large, at the same price."""
        order.order_line.write({'product_uom_qty': 2, 'price_unit': order.order_line.price_unit})

    @classmethod
    def decide(cls, order, rules=None, message="The discount is above 20 %.", **values):
        """Return decisions of the log, as the door writes them."""
        return cls.env['sales.rule.decision'].sudo().create([
            {
                'set_id': rule.set_id.id, 'rule_id': rule.id, 'rule_name': rule.name, 'model': 'sale.order',
                'res_id': order.id, 'order_id': order.id, 'partner_id': order.partner_id.id,
                'company_id': order.company_id.id, 'decision': 'hold', 'effect': 'held', 'mode': 'stop',
                'message': message, 'date': fields.Datetime.now(), **values,
            }
            for rule in rules or cls.rules[0]
        ])

    @classmethod
    def request(cls, order, rules=None, user=None, accepted=False, **values):
        """Hold an order as a salesperson who confirms it does."""
        holds = cls.env['sales.order.hold'].with_user(user or cls.salesman)
        return holds._request(cls.decide(order, rules, **values), accepted=accepted).sudo().with_user(cls.env.user)

    def approve(self, hold, user, **context):
        self.env.flush_all()
        self.env.invalidate_all()
        hold.with_user(user).with_context(**context).action_approve()

    def refuse(self, hold, user, reason="Too much"):
        self.wizard(hold, user, 'refuse', reason).action_decide()

    def wizard(self, holds, user, vote, reason=False, **context):
        return self.env['sales.order.hold.decide'].with_user(user).with_context(**context).create({
            'hold_ids': [Command.set(holds.ids)], 'vote': vote, 'reason': reason})

    def activities(self, hold):
        return self.env['mail.activity'].search([('res_model', '=', hold._name), ('res_id', '=', hold.id)])

    def said(self, record):
        """Return what the chatter of a record says, oldest first."""
        self.env.flush_all()
        return '\n'.join(str(message.body) for message in record.sudo().message_ids.sorted('id'))

    def released(self, order):
        return self.env['sales.order.hold']._get_released(order)
