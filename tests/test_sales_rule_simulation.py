import json
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain
from odoo.tests import new_test_user, tagged

from odoo.addons.sms_addon.tools.rule_sets import SEVERITY, RuleSet, pick
from odoo.addons.sms_addon.wizard import sales_rule_simulation, sales_rule_simulation_run

from .common import WarehouseCommon

CAUGHT = ('warn', 'hold', 'stop')


class SimulationCommon(WarehouseCommon):
    """Orders of some months, and rules on them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['sale.order'].search([]).date_order = '2019-01-01'
        cls.policy = cls.env['sales.approval.policy'].create({'name': "Managers"})
        cls.rule_set = cls.env['sales.rule.set'].create({'name': "Discounts"})
        for number in range(12):
            cls.order(
                [(cls.products[number % 4], number + 1, 100, 5 * (number % 5))], name=f"SIM{number:02}",
                date=f'2026-{1 + number % 6:02}-10 12:00:00', partner_id=cls.customers[number % 3].id,
                user_id=(cls.salesman.id if number % 2 else cls.all_leads.id))

    @classmethod
    def add_rule(cls, name, domain, decision='warn', rule_set=None, **values):
        if decision == 'hold':
            values['approval_policy_id'] = cls.policy.id
        return cls.env['sales.rule'].create({
            'set_id': (rule_set or cls.rule_set).id, 'name': name, 'domain': str(domain), 'decision': decision,
            'sequence': len((rule_set or cls.rule_set).rule_ids), **values})

    @classmethod
    def simulate(cls, user=None, rule_set=None, **values):
        simulation = cls.env['sales.rule.simulation'].with_user(user or cls.manager).create({
            'set_id': (rule_set or cls.rule_set).id, 'date_from': '2026-01-01', 'date_to': '2026-12-31', **values})
        cls.env.flush_all()
        simulation.action_simulate()
        cls.env.invalidate_all()
        return simulation

    def lines(self, simulation, **values):
        domain = [('simulation_id', '=', simulation.id), *((name, '=', value) for name, value in values.items())]
        return self.env['sales.rule.simulation.line'].search(domain)


@tagged('post_install', '-at_install')
class TestSimulation(SimulationCommon):
    """What rules would have decided."""

    def test_same_as_asking_each_document(self):
        for hit_policy in ('all', 'first'):
            with self.subTest(hit_policy):
                rule_set = self.env['sales.rule.set'].create({'name': hit_policy, 'hit_policy': hit_policy})
                for name, domain, decision in (
                        ("Small", [('amount_total', '<', 300)], 'warn'),
                        ("Known", [('partner_id', '=', self.customers[1].id), ('amount_total', '<', 900)], 'allow'),
                        ("Discount", [('order_line.discount', '>=', 15)], 'hold'),
                        ("Large", [('amount_total', '>', 800)], 'stop'),
                        ("All", [], 'note')):
                    self.add_rule(name, domain, decision, rule_set)
                simulation = self.simulate(rule_set=rule_set)
                self.assertEqual(self.as_lines(simulation), self.expect(rule_set))

    def as_lines(self, simulation):
        return {
            (line.res_id, line.rule_name): (line.decision, line.decisive, round(line.amount, 2))
            for line in self.lines(simulation)}

    def expect(self, rule_set):
        orders = self.env['sale.order'].search([('date_order', '>=', '2026-01-01'), ('state', '=', 'sale')])
        loaded = RuleSet.load(json.loads(json.dumps(rule_set._prepare_definition())))
        matches = {}
        for rule in loaded.rules:
            for order in orders.filtered_domain(Domain(eval(rule.domain))):
                matches.setdefault(order, []).append(rule)
        found = {}
        for order, rules in pick(matches, loaded.hit_policy).items():
            strictest = max(rules, key=lambda rule: (SEVERITY.index(rule.decision), -rules.index(rule)))
            for rule in rules:
                amount = round(order.amount_total / order.currency_rate, 2)
                found[order.id, rule.name()] = (rule.decision, rule == strictest, amount)
        return found

    def test_what_the_screen_says(self):
        self.add_rule("Small", [('amount_total', '<', 300)])
        self.add_rule("Tiny", [('amount_total', '<', 300), ('state', '!=', 'cancel')], 'hold')
        self.add_rule("Never", [('amount_total', '<', 0)], 'stop')
        result = self.simulate().get_result()
        orders = self.env['sale.order'].search([('name', '=like', 'SIM%')])
        small = orders.filtered(lambda order: order.amount_total < 300)
        self.assertEqual(result['documents']['count'], 12)
        self.assertAlmostEqual(result['documents']['amount'], sum(orders.mapped('amount_total')), 2)
        side = result['sides']['a']
        [group] = side['decisions']
        self.assertEqual((group['keys'], group['count']), (['hold'], len(small)), "each document once, the strictest")
        self.assertAlmostEqual(group['amount'], sum(small.mapped('amount_total')), 2)
        self.assertEqual(side['together'], [["Small", "Tiny"]])
        self.assertEqual(
            {rule['name']: (rule['holds'], rule['count'], rule['decisive']) for rule in side['rules']},
            {"Small": (len(small), len(small), 0), "Tiny": (len(small),) * 3, "Never": (0, 0, 0)})
        self.assertEqual({person['name'] for person in side['salespeople']}, {"Own Documents", "All Documents"})
        self.assertEqual(sum(group['count'] for group in side['months']), len(small))
        json.dumps(result)

    def test_rule_behind_another(self):
        self.rule_set.hit_policy = 'first'
        self.add_rule("All", [])
        self.add_rule("Discount", [('order_line.discount', '>', 0)], 'stop')
        rules = self.simulate().get_result()['sides']['a']['rules']
        self.assertEqual([(rule['holds'] > 0, rule['count'] > 0) for rule in rules], [(True, True), (True, False)])

    def test_reason_of_each_document(self):
        self.add_rule("Discount", [('name', '=', 'SIM02')], message="{name} of {partner_id.name} gives too much")
        self.rule_set.rule_ids.with_context(lang='en_US').message = "{name} of {partner_id.name} gives too much"
        line = self.lines(self.simulate())
        self.assertEqual(line.message, "SIM02 of Gamma gives too much")
        self.assertEqual(line.document_name, line.order_id.display_name)
        self.assertEqual(line.action_open_document()['res_id'], line.order_id.id)

    def test_version_against_what_is_edited(self):
        rule = self.add_rule("Small", [('amount_total', '<', 500)], 'warn')
        self.rule_set.with_user(self.manager).action_publish()
        version = self.rule_set.published_id
        rule.write({'domain': "[('amount_total', '<', 300)]", 'decision': 'stop'})
        self.add_rule("Large", [('amount_total', '>', 1000)])
        simulation = self.simulate(compare=True, other_version_id=version.id)
        result = simulation.get_result()
        amounts = self.env['sale.order'].search([('name', '=like', 'SIM%')]).mapped('amount_total')
        self.assertEqual({change: group['count'] for change, group in result['changes'].items()}, {
            'new': sum(amount > 1000 for amount in amounts),
            'gone': sum(300 <= amount < 500 for amount in amounts),
            'stricter': sum(amount < 300 for amount in amounts),
        })
        self.assertEqual(
            [result['sides'][side]['label'] for side in 'ab'], ["as being edited", f"version {version.number}"])
        self.assertTrue(all(300 <= line.amount < 500 for line in self.lines(simulation, change='gone')))

    def test_edited_rules_do_not_change_a_result(self):
        rule = self.add_rule("Small", [('amount_total', '<', 300)], message="Small")
        simulation = self.simulate()
        rule.message = "Tiny"
        self.assertEqual(set(self.lines(simulation).mapped('message')), {"Small"})

    def simulate_broken(self, **values):
        """Simulate a rule that fails before one that holds for all."""
        rule_set = self.env['sales.rule.set'].create({'name': "Broken", **values})
        self.add_rule("Broken", [], 'allow', rule_set=rule_set)
        self.add_rule("All", [], 'note', rule_set=rule_set)
        definition = rule_set._prepare_definition()
        definition['rules'][0]['domain'] = "[('no_such_field', '=', 1)]"
        with patch.object(type(rule_set), '_prepare_definition', lambda _self: definition):
            return self.simulate(rule_set=rule_set)

    def test_failing_rule_blocks_or_passes(self):
        for on_error, decision in (('block', 'blocked'), ('pass', 'failed')):
            with self.subTest(on_error):
                simulation = self.simulate_broken(on_error=on_error, hit_policy='first')
                side = simulation.get_result()['sides']['a']
                broken, others = side['rules']
                self.assertIn('no_such_field', broken['error'])
                self.assertEqual((broken['decision'], broken['count'], others['count']), (decision, 12, 12))
                line = self.lines(simulation, rule_name="Broken")[0]
                self.assertEqual(line.decision, decision)
                self.assertIn('no_such_field', line.message)
                self.assertEqual(line.decisive, True)
                caught = sum(person['count'] for person in side['salespeople'])
                self.assertEqual(caught, 12 if on_error == 'block' else 0)

    def test_failing_rule_of_lines_is_one_per_order(self):
        simulation = self.simulate_broken(model='sale.order.line')
        self.assertEqual(len(self.lines(simulation, decision='blocked')), 12)
        self.assertEqual(self.simulate_broken(model='res.partner').get_result()['sides']['a']['rules'][0]['count'], 12)

    def test_nothing_is_blocked_after_the_fact(self):
        simulation = self.simulate_broken(when='schedule')
        self.assertEqual(set(self.lines(simulation, rule_name="Broken").mapped('decision')), {'failed'})

    def test_period_is_of_the_company(self):
        self.company.sales_timezone = 'Asia/Shanghai'
        self.add_rule("All", [])
        self.order([(self.products[0], 1, 10)], date='2026-06-30 15:59:59', name="BEFORE")
        self.order([(self.products[0], 1, 10)], date='2026-06-30 16:00:00', name="AFTER")
        line = self.lines(self.simulate(date_from='2026-07-01'))
        self.assertEqual(line.order_id.name, "AFTER")
        self.assertEqual(line.date, fields.Date.to_date('2026-07-01'))

    def test_state_of_orders(self):
        self.add_rule("All", [('client_order_ref', '=', "state")])
        for state in ('draft', 'sale', 'cancel'):
            self.order([(self.products[0], 1, 10)], state=state, client_order_ref="state", name=state)
        self.assertEqual(self.lines(self.simulate()).order_id.mapped('name'), ["sale"])
        lines = self.lines(self.simulate(include_drafts=True))
        self.assertEqual(set(lines.order_id.mapped('name')), {"sale", "draft"})

    def test_validity_is_left_aside(self):
        self.add_rule("Old", [], date_from='2020-01-01', date_to='2020-12-31')
        self.assertEqual(len(self.lines(self.simulate())), 12)

    def test_other_company(self):
        other = self.env['res.company'].create({'name': "Other"})
        self.add_rule("Theirs", [], company_id=other.id)
        self.add_rule("Ours", [], company_id=self.company.id)
        self.assertEqual(set(self.lines(self.simulate()).mapped('rule_name')), {"Ours"})
        self.rule_set.company_id = other
        self.manager.company_ids += other
        simulation = self.env['sales.rule.simulation'].with_user(self.manager).with_context(
            allowed_company_ids=(self.company + other).ids).create({'set_id': self.rule_set.id})
        simulation.action_simulate()
        self.assertFalse(self.lines(simulation))

    def test_period_must_not_end_before_it_begins(self):
        with self.assertRaises(ValidationError):
            self.simulate(date_from='2026-05-01', date_to='2026-04-01')

    # -- documents of all kinds

    def make_line_rules(self, **values):
        rule_set = self.env['sales.rule.set'].create({'name': "Lines", 'model': 'sale.order.line', **values})
        self.add_rule(
            "Discount", [('discount', '>=', 15)], rule_set=rule_set, message="{discount} on {product_id.name}")
        return rule_set

    def test_order_lines(self):
        order = self.order([(self.products[0], 1, 10, 20)], date='2026-03-01 12:00:00')
        order.order_line = [Command.create({'display_type': 'line_section', 'name': "Section"})]
        lines = self.lines(self.simulate(rule_set=self.make_line_rules(when='event')))
        expected = self.env['sale.order.line'].search([
            ('discount', '>=', 15), ('order_id.date_order', '>=', '2026-01-01'), ('state', '=', 'sale')])
        self.assertEqual(set(lines.mapped('res_id')), set(expected.ids))
        self.assertEqual(lines.order_id, expected.order_id)
        self.assertAlmostEqual(sum(lines.mapped('amount')), sum(expected.mapped('price_subtotal')), 2)
        self.assertNotIn(order.order_line.filtered('display_type').id, lines.mapped('res_id'))

    def test_rules_on_lines_decide_on_orders(self):
        order = self.order(
            [(self.products[2], 1, 10), (self.products[1], 1, 10, 20), (self.products[0], 1, 10, 30)],
            date='2026-03-01 12:00:00')
        order.order_line[2].sequence = 1
        for when in ('save', 'confirm'):
            simulation = self.simulate(rule_set=self.make_line_rules(when=when))
            lines = self.lines(simulation)
            expected = self.env['sale.order'].search([
                ('order_line.discount', '>=', 15), ('date_order', '>=', '2026-01-01'), ('state', '=', 'sale')])
            self.assertEqual(sorted(lines.mapped('res_id')), sorted(expected.ids), "one decision for each order")
            self.assertAlmostEqual(sum(lines.mapped('amount')), sum(expected.mapped('amount_total')), 2)
            line = lines.filtered(lambda each: each.order_id == order)
            self.assertEqual((line.model, line.document_name), ('sale.order', order.display_name))
            self.assertEqual(line.message, "30 on Thing 0 (And on 1 more lines.)")
            self.assertEqual(line.action_open_document()['res_model'], 'sale.order')
            self.assertEqual(simulation.document_count, 13)
            [rule] = simulation.get_result()['sides']['a']['rules']
            self.assertEqual((rule['holds'], rule['count']), (len(expected),) * 2)
            self.assertTrue(simulation.of_orders)

    def test_what_ends_the_rules_of_one_line_does_not_end_those_of_another(self):
        rule_set = self.env['sales.rule.set'].create({'name': "Lines", 'model': 'sale.order.line'})
        self.add_rule("Known", [('product_id', '=', self.products[0].id)], 'allow', rule_set)
        self.add_rule("All", [('order_id.name', '=', "TWO")], 'stop', rule_set)
        self.order([(self.products[0], 1, 10), (self.products[1], 1, 10)], name="TWO", date='2026-03-01 12:00:00')
        lines = self.lines(self.simulate(rule_set=rule_set)).filtered(lambda line: line.order_id.name == "TWO")
        self.assertEqual({line.rule_name: (line.decisive, line.asked_count) for line in lines}, {
            "Known": (False, 1), "All": (True, 1)})

    def test_rules_on_customers_decide_on_orders(self):
        rule_set = self.env['sales.rule.set'].create({'name': "Customers", 'model': 'res.partner'})
        self.add_rule("Alpha", [('name', '=', "Alpha")], 'stop', rule_set, message="Not {name}")
        self.add_rule("Contact", [('name', '=', "Contact")], 'stop', rule_set)
        contact = self.env['res.partner'].create({'name': "Contact", 'parent_id': self.customers[0].id})
        order = self.order([(self.products[0], 1, 10)], date='2026-03-01 12:00:00', partner_id=contact.id)
        expected = self.env['sale.order'].search([
            ('partner_id', 'in', (self.customers[0] + contact).ids), ('date_order', '>=', '2026-01-01')])
        self.assertIn(order, expected)
        simulation = self.simulate(rule_set=rule_set)
        lines = self.lines(simulation)
        self.assertEqual(sorted(lines.mapped('res_id')), sorted(expected.ids))
        self.assertEqual(set(lines.mapped('rule_name')), {"Alpha"}, "the company is asked about, not its contact")
        self.assertEqual(set(lines.mapped('message')), {"Not Alpha"})
        self.assertAlmostEqual(sum(lines.mapped('amount')), sum(expected.mapped('amount_total')), 2)
        self.assertTrue(simulation.get_result()['has_amount'])
        self.assertEqual(simulation.expected_count, simulation.document_count)

    def test_facts_of_lines_and_customers(self):
        for model, name, holds in (('sale.order.line', 'sales_cost_missing', True),
                                   ('res.partner', 'sales_order_count', 0)):
            rule_set = self.env['sales.rule.set'].create({'name': model, 'model': model})
            self.add_rule("Fact", [(name, '!=', holds)], rule_set=rule_set)
            [rule] = self.simulate(rule_set=rule_set).get_result()['sides']['a']['rules']
            self.assertFalse(rule['error'])
            self.assertEqual(rule['count'], 12)

    def test_customers_and_leads(self):
        today = fields.Date.today()
        for model, domain in (('res.partner', [('name', '=', "Alpha")]), ('crm.lead', [('name', '=', "Lead")])):
            rule_set = self.env['sales.rule.set'].create({'name': model, 'model': model, 'when': 'save'})
            self.add_rule("One", domain, rule_set=rule_set)
            self.env['crm.lead'].create({'name': "Lead", 'expected_revenue': 5, 'company_id': self.company.id})
            line = self.lines(self.simulate(rule_set=rule_set, date_from=today, date_to=today))[:1]
            self.assertEqual(line.model, model)
            self.assertEqual(line.amount, 5 if model == 'crm.lead' else 0)
            self.assertEqual(line.partner_id, self.customers[0] if model == 'res.partner' else line.partner_id)

    def test_other_currency(self):
        euro = self.env.ref('base.EUR')
        euro.active = True
        self.env['res.currency.rate'].create(
            {'currency_id': euro.id, 'name': '2020-01-01', 'rate': 0.5, 'company_id': self.company.id})
        pricelist = self.env['product.pricelist'].create({'name': "Euro", 'currency_id': euro.id})
        self.order([(self.products[0], 1, 10)], pricelist_id=pricelist.id, client_order_ref="euro")
        self.add_rule("Euro", [('client_order_ref', '=', "euro")])
        self.assertAlmostEqual(self.lines(self.simulate()).amount, 20, 2)

    # -- rights

    def test_only_what_the_user_may_see(self):
        self.add_rule("All", [])
        self.env['ir.rule'].create({
            'name': "Only Alpha", 'model_id': self.env['ir.model']._get_id('sale.order'),
            'domain_force': [('partner_id', '=', self.customers[0].id)]})
        simulation = self.simulate()
        self.assertEqual(self.lines(simulation).partner_id, self.customers[0])
        self.assertEqual(simulation.document_count, 4)

    def test_condition_does_not_look_where_the_user_may_not(self):
        self.env['ir.rule'].create({
            'name': "No secret customer", 'model_id': self.env['ir.model']._get_id('res.partner'),
            'domain_force': [('name', '!=', "Alpha")]})
        self.add_rule("Alpha", [('partner_id.name', '=', "Alpha")])
        self.add_rule("Beta", [('partner_id.name', '=', "Beta")])
        self.assertEqual(set(self.lines(self.simulate()).mapped('rule_name')), {"Beta"})

    def test_field_of_others_is_an_error(self):
        self.env['ir.model.fields'].flush_model()
        self.add_rule("Reference", [('client_order_ref', '!=', False)])
        with patch.object(self.env['sale.order']._fields['client_order_ref'], 'groups', 'base.group_system'):
            rules = self.simulate().get_result()['sides']['a']['rules']
        self.assertTrue(rules[0]['error'])

    def test_results_are_their_users_own(self):
        self.add_rule("All", [])
        simulation = self.simulate()
        other = new_test_user(self.env, 'boss2', 'sales_team.group_sale_manager')
        with self.assertRaises(AccessError):
            simulation.with_user(other).get_result()
        self.assertFalse(self.env['sales.rule.simulation.line'].with_user(other).search([]))
        with self.assertRaises(AccessError):
            self.simulate(user=self.salesman)

    def test_nothing_else_is_written(self):
        self.add_rule("All", [('order_line.discount', '>', 0)], 'hold')
        self.rule_set.with_user(self.manager).action_publish()
        self.env.flush_all()
        written = []
        cursor = type(self.env.cr)
        execute = cursor.execute

        def spy(cr, query, *args, **kwargs):
            text = query.code if hasattr(query, 'code') else query
            if text.split()[0].upper() in ('INSERT', 'UPDATE', 'DELETE', 'WITH', 'CREATE', 'DROP'):
                written.append(text)
            return execute(cr, query, *args, **kwargs)

        with patch.object(cursor, 'execute', spy):
            simulation = self.simulate()
            self.env.flush_all()
        self.assertTrue(self.lines(simulation))
        for text in written:
            self.assertIn('sales_rule_simulation', text)

    # -- many documents

    def count_queries(self):
        simulation = self.env['sales.rule.simulation'].with_user(self.manager).create({
            'set_id': self.rule_set.id, 'date_from': '2026-01-01', 'date_to': '2026-12-31'})
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        simulation.action_simulate()
        simulation.get_result()
        return self.env.cr.sql_log_count - before, len(self.lines(simulation))

    def test_queries_do_not_grow_with_documents(self):
        self.add_rule("All", [])
        self.add_rule("Discount", [('order_line.discount', '>', 0)], 'hold')
        self.count_queries()  # fills the caches of the registry
        few, few_lines = self.count_queries()
        for _round in range(3):
            for order in self.env['sale.order'].search([('name', '=like', 'SIM%')], limit=12):
                copy = order.copy({'name': "SIM copy"})
                copy.action_confirm()
                copy.date_order = '2026-04-01'
        many, many_lines = self.count_queries()
        self.assertGreater(many_lines, 3 * few_lines)
        self.assertEqual(many, few)

    def test_one_condition_is_asked_once(self):
        for number in range(5):
            self.add_rule(f"Rule {number}", [('amount_total', '<', 300)])
        with patch.object(
                sales_rule_simulation_run.SalesRuleSimulationRun, '_add_hits_of', autospec=True,
                side_effect=sales_rule_simulation_run.SalesRuleSimulationRun._add_hits_of) as asked:
            simulation = self.simulate(compare=True)
        self.assertEqual(asked.call_count, 1)
        self.assertEqual(len(self.lines(simulation, side='a')), len(self.lines(simulation, side='b')))

    def start_in_background(self):
        self.add_rule("All", [])
        self.add_rule("Small", [('amount_total', '<', 300)])
        with patch.object(sales_rule_simulation, 'AT_ONCE', 5):
            simulation = self.simulate()
        self.assertEqual(simulation.state, 'running')
        self.assertFalse(self.lines(simulation))
        return simulation

    def test_many_documents_are_left_to_the_cron(self):
        simulation = self.start_in_background()
        self.assertEqual(simulation.get_result()['state'], 'running')
        with self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_sales_rule_simulation').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((simulation.state, len(self.lines(simulation, rule_name="All"))), ('done', 12))
        self.assertEqual(self.lines(simulation).create_uid, self.manager)
        self.assertEqual(simulation.get_result()['progress'], {'done': 1, 'total': 2})

    def test_stop(self):
        simulation = self.start_in_background()
        with self.enter_registry_test_mode():
            simulation.action_stop()
            self.env.ref('sms_addon.ir_cron_sales_rule_simulation').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(simulation.state, 'stopped')
        self.assertFalse(self.lines(simulation))

    # -- after use

    def test_lines_go_with_their_simulation(self):
        self.add_rule("All", [])
        simulation, other = self.simulate(), self.simulate()
        simulation.unlink()
        self.assertEqual(len(self.lines(other)), 12)
        self.env.cr.execute("DELETE FROM sales_rule_simulation WHERE id = %s", [other.id])
        self.env['sales.rule.simulation.line']._gc_lines()
        self.env.cr.execute("SELECT COUNT(*) FROM sales_rule_simulation_line WHERE simulation_id = %s", [other.id])
        self.assertEqual(self.env.cr.fetchone(), (0,))

    def test_vacuum(self):
        self.add_rule("All", [])
        simulation = self.simulate()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sales_rule_simulation SET write_date = now() - interval '2 days' WHERE id = %s", [simulation.id])
        self.env['sales.rule.simulation']._transient_vacuum()
        self.assertFalse(simulation.exists())
        self.assertFalse(self.env['sales.rule.simulation.line'].search([('simulation_id', '=', simulation.id)]))
        self.assertEqual(
            self.env['sales.rule.simulation.line']._transient_vacuum(), ('sales.rule.simulation.line', False))
