from datetime import timedelta

import numpy as np

from odoo.tests import tagged

from .test_sales_study_customers import TODAY, CustomerStudyCommon


@tagged('post_install', '-at_install')
class TestLifetimeStudy(CustomerStudyCommon):
    """What to expect of customers, by customers who order at their own rates and leave for good."""

    @classmethod
    def make_orders(cls, rng):
        """Return orders as the BG/NBD model has them: a rate and a chance to leave of each customer's own."""
        orders = []
        for customer in cls.kinds:
            rate, leaves = rng.gamma(2, 1 / 40), rng.beta(1, 6)
            value = 200 * rng.lognormal(0, 0.5)
            day = TODAY - timedelta(int(rng.integers(500, 700)))
            while day <= TODAY:
                orders.append((customer, day, 1_000_000, round(float(value * rng.lognormal(0, 0.2)), 2)))
                if rng.random() < leaves:
                    break
                day += timedelta(1 + int(rng.exponential(1 / rate)))
        return orders

    def outlook(self, study):
        return self.env['sales.customer.outlook'].search([('study_id', '=', study.id)])

    def test_what_is_expected(self):
        study = self.run_study('lifetime')
        self.assertEqual((study.state, study.reason), ('done', False))
        rows = self.outlook(study)
        self.assertEqual(len(rows), 240)
        self.assertEqual(set(rows.mapped('horizon_days')), {90})
        self.assertTrue(all(0 <= row.p_alive <= 1 and row.expected_orders >= 0 for row in rows))
        profiles = {profile.id: profile for profile in self.profiles.search([('id', 'in', rows.ids)])}
        recent = [row for row in rows if profiles[row.id].recency < 20 and profiles[row.id].order_day_count > 5]
        silent = [row for row in rows if profiles[row.id].recency > 300 and profiles[row.id].order_day_count > 5]
        self.assertTrue(recent)
        self.assertTrue(silent)
        self.assertGreater(min(row.p_alive for row in recent), max(row.p_alive for row in silent))
        self.assertGreater(np.mean([row.expected_value for row in recent]), 0)
        self.assertEqual(
            profiles[rows[0].id].expected_orders, rows[0].expected_orders, "the profile tells what the study found")

    def test_it_is_judged_on_what_it_had_not_seen(self):
        study = self.run_study('lifetime')
        error = self.measure(study, "mean absolute error")
        self.assertLess(error.value, error.naive_value, "who has left does not go on as before")
        ranking = self.measure(study, "AUC")
        self.assertGreater(ranking.value, 0.6)
        self.assertIn("240 customers", ranking.data)

    def test_a_horizon_twice_as_long_brings_more(self):
        short, long = self.run_study('lifetime'), self.run_study('lifetime', horizon_days=180)
        self.assertTrue(long.is_current)
        self.assertFalse(self.outlook(short), "the later study took its place")
        rows = self.outlook(long)
        self.assertEqual(set(rows.mapped('horizon_days')), {180})

    def test_too_few_came_back(self):
        self.env.cr.execute("DELETE FROM sales_fact WHERE commercial_partner_id = ANY(%s)", [self.members[50:].ids])
        study = self.run_study('lifetime')
        self.assertEqual(study.state, 'abstained')
        self.assertIn("This study needs at least 100", study.reason)
        self.assertFalse(self.outlook(study))

    def test_no_orders_at_all(self):
        self.env.cr.execute("DELETE FROM sales_fact")
        study = self.run_study('lifetime')
        self.assertEqual(study.state, 'abstained')
        self.assertIn("The orders go back 0 days", study.reason)

    def test_amounts_without_a_mean_leave_the_value_open(self):
        rng = np.random.default_rng(3)
        # most customers pay next to nothing, a few a fortune: the mean is that of whoever comes next
        for customer in self.members.ids:
            factor = float(np.exp(rng.normal(0, 12)))
            self.env.cr.execute(
                "UPDATE sales_fact SET price_subtotal = GREATEST(LEAST(price_subtotal * %s, 9e15), 1)"
                " WHERE commercial_partner_id = %s", [factor, customer])
        study = self.run_study('lifetime')
        self.assertEqual(study.state, 'done')
        self.assertFalse(study.result['value_parameters'])
        rows = self.outlook(study)
        self.assertFalse(any(rows.mapped('expected_value')))
        self.assertTrue(any(rows.mapped('expected_orders')))

    def test_other_companies_are_left_alone(self):
        other = self.env['res.company'].create({'name': "Elsewhere"})
        self.env.cr.execute("UPDATE sales_fact SET company_id = %s", [other.id])
        study = self.run_study('lifetime')
        self.assertEqual(study.state, 'abstained')
