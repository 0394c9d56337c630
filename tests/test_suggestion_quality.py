import unittest

import numpy as np

from odoo.addons.sms_addon.tools.evidence import ThinDataError
from odoo.addons.sms_addon.tools.suggestion_quality import judge

DAYS = np.datetime64('2026-01-01') + 10 * np.arange(4)


class TestSuggestionQuality(unittest.TestCase):

    def lines(self, customers, last):
        """Return lines of customers who buy one of 20 products and its neighbour, and in the end ``last(number)``."""
        rows = []
        for number in range(customers):
            for day in DAYS[:3]:
                rows += [(number, number % 20, day), (number, (number + 1) % 20, day)]
            rows += [(number, product, DAYS[3]) for product in last(number)]
        return zip(*rows, strict=True)

    def test_who_buys_the_same_again_is_foretold(self):
        found = judge(*self.lines(60, lambda number: [number % 20]), n=2)
        self.assertEqual(found.baskets, 60)
        self.assertEqual((found.hit_rate['model'], found.hit_rate['own']), (1, 1))
        self.assertAlmostEqual(found.hit_rate['popular'], 0.1, msg="2 of 20 products that are equally popular")

    def test_recall_is_the_share_of_the_basket(self):
        found = judge(*self.lines(60, lambda number: [number % 20, 100 + number]), n=2)
        self.assertEqual((found.recall['own'], found.hit_rate['own']), (0.5, 1))

    def test_what_nobody_bought_before_is_not_foretold(self):
        found = judge(*self.lines(60, lambda number: [100 + number]), n=5)
        self.assertEqual({*found.hit_rate.values(), *found.recall.values()}, {0})

    def test_few_baskets_are_refused(self):
        with self.assertRaises(ThinDataError) as caught:
            judge(*self.lines(49, lambda number: [0]))
        self.assertEqual((caught.exception.code, caught.exception.numbers['baskets']), ('few_baskets', 49))
