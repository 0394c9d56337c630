from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.sms_addon.tools.rule_sets import SEVERITY, LoopGuard, Rule, RuleLoop, RuleSet, pick, soften

# how long a machine takes is no property
RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
RULES = st.lists(
    st.builds(
        Rule, id=st.integers(1, 30), names=st.just({'en_US': "R"}), domain=st.just('[]'),
        decision=st.sampled_from(SEVERITY), messages=st.just({})),
    unique_by=lambda rule: rule.id, max_size=12)


def definition(**values):
    rule = {
        'id': 1, 'name': {'en_US': "Margin", 'zh_CN': "毛利"}, 'domain': '[]', 'decision': 'warn', 'message': {},
        'date_from': False, 'date_to': False, 'company_id': False, 'policy_id': False, 'actions': [], **values}
    return {
        'model': 'sale.order', 'when': 'confirm', 'hit_policy': 'all', 'on_error': 'block', 'company_id': False,
        'event_types': "delivery, invoice.paid", 'rules': [rule]}


@tagged('post_install', '-at_install')
class TestRuleSets(BaseCase):

    def test_load(self):
        rule_set = RuleSet.load(definition(date_from='2026-03-01', date_to='2026-03-31', company_id=2))
        [rule] = rule_set.rules
        self.assertEqual(rule.message('zh_CN'), "毛利")
        self.assertEqual(rule.message('fr_FR'), "Margin")
        self.assertEqual(rule_set.valid_rules(date(2026, 3, 31), 2), [rule])
        self.assertEqual(rule_set.valid_rules(date(2026, 4, 1), 2), [])
        self.assertEqual(rule_set.valid_rules(date(2026, 3, 1), 1), [])

    def test_events(self):
        rule_set = RuleSet.load(definition())
        self.assertTrue(rule_set.wants(['delivery.shipped']))
        self.assertTrue(rule_set.wants(['order.sent', 'invoice.paid']))
        self.assertFalse(rule_set.wants(['invoice.paid_later', 'deliveryman.done']))
        self.assertTrue(RuleSet.load({**definition(), 'event_types': False}).wants(['anything']))

    @RELAXED
    @given(st.dictionaries(st.integers(1, 5), RULES), st.sampled_from(['all', 'first']))
    def test_pick(self, matches, hit_policy):
        picked = pick(matches, hit_policy)
        for key, rules in matches.items():
            taken = picked.get(key, [])
            self.assertEqual(taken, rules[:len(taken)], "an order is kept, and nothing skipped")
            self.assertEqual(bool(taken), bool(rules))
            self.assertFalse(any(rule.decision == 'allow' for rule in taken[:-1]))
            if hit_policy == 'first':
                self.assertLessEqual(len(taken), 1)
            elif taken and len(taken) < len(rules):
                self.assertEqual(taken[-1].decision, 'allow')

    @RELAXED
    @given(st.sampled_from(SEVERITY))
    def test_soften(self, decision):
        self.assertEqual(soften(decision, 'stop'), decision)
        self.assertEqual(soften(decision, 'shadow'), 'logged')
        softened = soften(decision, 'warn')
        self.assertLessEqual(SEVERITY.index(softened), SEVERITY.index('warn'))

    @RELAXED
    @given(RULES, st.lists(st.sets(st.integers(1, 30)), max_size=6))
    def test_guard_fires_what_is_new(self, rules, looks):
        guard, before, fired = LoopGuard(), set(), []
        for wanted in looks:
            now = [rule for rule in rules if rule.id in wanted]
            try:
                fresh = guard.look('document', now)
            except RuleLoop as loop:
                self.assertTrue(loop.chain)
                return
            self.assertEqual({rule.id for rule in fresh}, {rule.id for rule in now} - before)
            before = {rule.id for rule in now}
            fired += fresh

    def test_guard_names_the_circle(self):
        first, second = (Rule(n, {'en_US': name}, '[]', 'note', {}) for n, name in ((1, "A"), (2, "B")))
        guard = LoopGuard()
        guard.look('x', [first])
        guard.look('y', [first])
        guard.look('x', [second])
        with self.assertRaisesRegex(RuleLoop, "A → B → A"):
            guard.look('x', [first])
