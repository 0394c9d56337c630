from odoo import Command, fields
from odoo.tests import new_test_user

from .common import LedgerCommon


class AlertsCommon(LedgerCommon):
    """Positions written by hand, a planner who publishes rules on them, and no other rules in force."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alerts = cls.env['sales.stock.alert']
        cls.own_set = cls.env.ref('sms_addon.sales_rule_set_stock_alerts')
        cls.own_set.mode = 'off'
        cls.stock = cls.env['stock.warehouse'].search([('company_id', '=', cls.company.id)], limit=1)
        cls.planner = new_test_user(cls.env, 'planner', 'stock.group_stock_user', name="Planner")
        cls.chief = new_test_user(cls.env, 'chief', 'stock.group_stock_manager', name="Chief Planner")
        cls.alerts._evaluate(moments=('event', 'schedule'))  # close what an upgraded database had

    @classmethod
    def make_position(cls, product=None, **values):
        product = product or cls.products[0]
        warehouse = values.pop('warehouse', cls.stock)
        return cls.env['sales.stock.position'].sudo().create({
            'product_id': product.id, 'product_tmpl_id': product.product_tmpl_id.id, 'categ_id': product.categ_id.id,
            'warehouse_id': warehouse.id, 'company_id': warehouse.company_id.id, 'uom_id': product.uom_id.id,
            'refreshed_at': fields.Datetime.now(), 'status': 'ok', **values})

    @classmethod
    def alert_set(cls, *rules, mode='stop', user=None, publish=True, when='event', **values):
        """Return a published set: (condition, what it says about alerts[, further values of the rule])."""
        rule_set = cls.env['sales.rule.set'].with_user(user or cls.chief).create({
            'name': "Alerts", 'model': 'sales.stock.position', 'when': when, 'mode': mode, **values,
            'rule_ids': [Command.create(cls._prepare_rule(number, *rule)) for number, rule in enumerate(rules)]})
        if publish:
            rule_set.action_publish()
        return rule_set

    @classmethod
    def _prepare_rule(cls, number, domain, terms=None, **values):
        return {
            'name': f"Rule {number}", 'domain': str(domain), 'decision': 'note', 'sequence': number,
            'message': "{product_id}: {qty_on_hand} on hand",
            'action_ids': [Command.create({'kind': 'alert', **terms})] if terms is not None else [], **values}

    def ask(self, positions=None, **parameters):
        """Have the rules asked about these positions, all by default, as after a change."""
        result = self.alerts._evaluate(positions.ids if positions else None, **parameters)
        self.env.invalidate_all()
        return result

    def alerts_of(self, position, **values):
        return self.alerts.search([
            ('position_id', '=', position.id), *((name, '=', value) for name, value in values.items())])
