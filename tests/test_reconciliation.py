import unittest

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.sms_addon.tools.reconciliation import METHODS, membership, reconcile


@st.composite
def hierarchies(draw):
    """Draw the figures of a company, its categories and teams, and the products in them."""
    size = draw(st.integers(1, 8))
    number = st.floats(0, 1000)
    labels = [['company'] * size] + [
        draw(st.lists(st.sampled_from([None, 'a', 'b', 'c']), min_size=size, max_size=size)) for _way in range(2)]
    names, members = membership(labels)
    rows = [draw(st.lists(number, min_size=3, max_size=3)) for _row in range(len(names) + size)]
    variances = draw(st.lists(st.floats(0.01, 100), min_size=len(rows), max_size=len(rows)))
    return np.array(rows[:len(names)]), np.array(rows[len(names):]), members, variances


class TestReconciliation(unittest.TestCase):

    @settings(deadline=None)
    @given(hierarchies(), st.sampled_from(METHODS), st.booleans())
    def test_groups_are_the_sums_of_their_members(self, given_figures, method, nonnegative):
        groups, bottom, members, variances = given_figures
        split = variances[:len(groups)], variances[len(groups):]
        found, below = reconcile(groups, bottom, members, method, *split, nonnegative=nonnegative)
        np.testing.assert_allclose(found, members.toarray() @ below, atol=1e-6)
        self.assertEqual((found.shape, below.shape), (groups.shape, bottom.shape))
        if nonnegative:
            self.assertGreaterEqual(below.min(), 0)
        again, _below = reconcile(found, below, members, method, *split)
        np.testing.assert_allclose(again, found, atol=1e-5, err_msg="what agrees stays as it is")

    @settings(deadline=None)
    @given(hierarchies())
    def test_a_sparse_matrix_is_as_a_dense_one(self, given_figures):
        groups, bottom, members, _variances = given_figures
        for method in METHODS:
            for one, other in zip(reconcile(groups, bottom, members, method),
                                  reconcile(groups, bottom, members.toarray(), method), strict=True):
                np.testing.assert_allclose(one, other, atol=1e-6)

    @settings(deadline=None)
    @given(hierarchies())
    def test_proportional_keeps_the_first_group(self, given_figures):
        groups, bottom, members, _variances = given_figures
        found, below = reconcile(groups, bottom, members, 'proportional')
        np.testing.assert_allclose(found[0], groups[0], atol=1e-6)
        self.assertGreaterEqual(below.min(), 0)

    def test_bottom_up_keeps_the_bottom(self):
        names, members = membership([['all'] * 3, ['a', 'b', 'a']])
        self.assertEqual(names, [(0, 'all'), (1, 'a'), (1, 'b')])
        found, below = reconcile(None, [[1, 2], [3, 4], [5, 6]], members)
        self.assertEqual(found.tolist(), [[9, 12], [6, 8], [3, 4]])
        self.assertEqual(below.tolist(), [[1, 2], [3, 4], [5, 6]])

    def test_who_is_less_sure_moves_more(self):
        """100 by the group, 60 by its members: by hand, 40 are shared by the variances 2, 1 and 1."""
        found, below = reconcile([[100]], [[20], [40]], np.ones((1, 2)), 'variance', [2], [1, 1])
        np.testing.assert_allclose(found, [[80]])
        np.testing.assert_allclose(below, [[30], [50]])
        sure, _below = reconcile([[100]], [[20], [40]], np.ones((1, 2)), 'variance', [1e-9], [1, 1])
        np.testing.assert_allclose(sure, [[100]])

    def test_it_is_better_than_either_level_alone(self):
        """Errors of known variance: the mean squared error of the whole falls."""
        rng = np.random.default_rng(1)
        truth = rng.uniform(50, 100, (4, 2000))
        members = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1]])
        groups = members @ truth + rng.normal(0, 10, (3, 2000))
        bottom = truth + rng.normal(0, 8, (4, 2000))
        found, below = reconcile(groups, bottom, members, 'variance', [100] * 3, [64] * 4)
        self.assertLess(np.mean((found - members @ truth) ** 2), np.mean((groups - members @ truth) ** 2))
        self.assertLess(np.mean((below - truth) ** 2), np.mean((bottom - truth) ** 2))

    def test_what_does_not_fit_is_refused(self):
        members = np.ones((1, 2))
        for arguments, message in (
            (([[1]], [[1], [1]], members, 'guess'), "method is guess"),
            (([[1]], [[1]], members), "members are of 2 bottom series, and bottom has 1 rows"),
            (([[1, 2]], [[1], [1]], members, 'variance'), r"groups is \(1, 2\), not \(1, 1\)"),
            (([[1]], [[1], [np.nan]], members), "bottom has numbers that are not finite"),
            (([[np.inf]], [[1], [1]], members, 'variance'), "groups has numbers that are not finite"),
            (([[1]], [[1], [1]], members, 'variance', [0]), "group_variance is not 1 numbers above 0"),
            (([[1]], [[1], [1]], members, 'variance', [1], [1]), "bottom_variance is not 2 numbers above 0"),
            (([[1]], [[1], [1]], np.array([[1, 0]]), 'proportional'), "not in the first group"),
            (([[1]], [[1], [-1]], members, 'proportional'), "below 0 has no share"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                reconcile(*arguments)
