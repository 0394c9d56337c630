import math
import unittest

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import tagged

from odoo.addons.sms_addon.tools import figures

VALUE = st.floats(-1e9, 1e9)
FIGURES = st.fixed_dictionaries({
    name: VALUE | st.none() if name == 'margin' else VALUE for name in figures.DIRECTIONS})


@tagged('post_install', '-at_install')
class TestFigures(unittest.TestCase):
    """When a figure got worse."""

    @given(FIGURES)
    def test_nothing_is_worse_than_itself(self, value):
        self.assertEqual(figures.worse(value, dict(value)), [])

    @given(FIGURES, FIGURES)
    def test_what_got_worse_one_way_got_better_the_other(self, before, now):
        self.assertFalse(set(figures.worse(before, now)) & set(figures.worse(now, before)))

    @given(FIGURES, FIGURES, FIGURES)
    def test_small_steps_do_not_lead_far(self, first, second, third):
        if not figures.worse(first, second) and not figures.worse(second, third):
            self.assertEqual(figures.worse(first, third), [])

    @given(FIGURES, FIGURES)
    def test_each_figure_is_looked_at_by_itself(self, before, now):
        self.assertEqual(
            figures.worse(before, now),
            [name for name in figures.DIRECTIONS if figures.worse({name: before[name]}, {name: now[name]})])

    @given(FIGURES, FIGURES, st.sets(st.sampled_from(sorted(figures.DIRECTIONS))))
    def test_what_one_side_does_not_know_is_not_compared(self, before, now, missing):
        part = {name: value for name, value in before.items() if name not in missing}
        self.assertFalse(missing & set(figures.worse(part, now)))
        self.assertFalse(missing & set(figures.worse(now, part)))

    @given(FIGURES, st.floats(min_value=0.01, max_value=1e6))
    def test_directions(self, before, step):
        known = {**before, 'margin': before['margin'] or 0.0}
        up = {name: value + step for name, value in known.items()}
        self.assertEqual(figures.worse(known, up), ['total', 'discount', 'credit', 'payment_days'])
        self.assertEqual(figures.worse(up, known), ['margin'])

    def test_an_unknown_margin(self):
        self.assertEqual(figures.worse({'margin': -50}, {'margin': None}), ['margin'])
        self.assertEqual(figures.worse({'margin': None}, {'margin': -50}), [])
        self.assertEqual(figures.worse({'margin': None}, {'margin': None}), [])

    def test_no_tolerance(self):
        self.assertEqual(figures.worse({'total': 100}, {'total': math.nextafter(100, 101)}), ['total'])
        self.assertEqual(figures.worse({}, {}), [])

    @given(FIGURES, st.integers(1, 9), st.integers(1, 9))
    def test_another_customer_is_another_order(self, value, first, second):
        found = figures.worse({**value, 'customer': first}, {**value, 'customer': second})
        self.assertEqual(found, [] if first == second else ['customer'])
        self.assertEqual(figures.worse(value, {**value, 'customer': second}), [])
