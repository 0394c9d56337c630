from datetime import date, timedelta

import psycopg2.errors

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .forecast_common import TODAY, ForecastCommon


@tagged('post_install', '-at_install')
class TestForecastExclusion(ForecastCommon):
    """Promotions and one-off orders that do not count."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.even = cls.products[1]
        cls.exclusions = cls.env['sales.forecast.exclusion']
        cls.big = cls.order([(cls.even, 5000, 11)], date='2026-05-12 10:00:00')
        cls.refresh()

    def sold(self, product=None, **values):
        """Return month -> demand of a product as a study sees it."""
        study = self.study(kind='demand', **values)
        demand = study._read_demand()
        rows, found = demand.rows, {}
        product = product or self.even
        for series, day, quantity in zip(rows['series'], rows['day'], rows['quantity'], strict=True):
            if demand.products[series] == product.id:
                month = (date(1970, 1, 1) + timedelta(int(day))).replace(day=1)
                found[month] = found.get(month, 0) + quantity
        return found

    def exclude(self, user=None, **values):
        return self.exclusions.with_user(user or self.planner).create({'reason': "Once", **values})

    def test_an_order_that_comes_once(self):
        may, april = date(2026, 5, 1), date(2026, 4, 1)
        before = self.sold()
        mark = self.exclude(order_id=self.big.id)
        self.assertEqual((mark.state, mark.user_id, mark.quantity), ('confirmed', self.planner, 5000))
        self.assertEqual(mark.touched_product_ids, self.even)
        self.assertIn(mark, self.exclusions.search([('touched_product_ids', 'in', self.even.ids)]))
        self.assertNotIn(mark, self.exclusions.search([('touched_product_ids', 'in', self.products[0].ids)]))
        after = self.sold()
        self.assertEqual((after[may], after[april]), (before[may] - 5000, before[april]))
        self.assertEqual(self.sold(exclude_marked=False), before, "only on request")
        mark.action_reject()
        self.assertEqual(self.sold(), before)

    def test_one_line_of_an_order(self):
        order = self.order([(self.even, 10, 11), (self.products[0], 700, 10)], date='2026-05-13 10:00:00')
        self.refresh()
        before, other = self.sold(), self.sold(self.products[0])
        self.exclude(order_line_id=order.order_line[1].id)
        self.assertEqual(self.sold(), before)
        after = self.sold(self.products[0])
        self.assertEqual(after[date(2026, 5, 1)], other[date(2026, 5, 1)] - 700)

    def test_days_of_a_promotion_are_like_the_others(self):
        may = date(2026, 5, 1)
        before = self.sold()
        mark = self.exclude(
            kind='promotion', product_id=self.even.id, date_from='2026-05-10', date_to='2026-05-16')
        after = self.sold()
        self.assertLess(after[may], before[may] - 5000)
        self.assertAlmostEqual(mark.quantity, before[may] - after[may])
        # days of other months, and other products, are as they were
        self.assertEqual(
            {month: value for month, value in after.items() if month != may},
            {month: value for month, value in before.items() if month != may})
        self.run_demand()
        chart = self.forecast(product_id=self.even).get_forecast_chart()
        points = {point['date']: point for point in chart['points']}
        self.assertAlmostEqual(points['2026-05-01']['excluded'], before[may] - after[may])
        self.assertFalse(points['2026-04-01']['excluded'])
        for line in self.forecast(product_id=self.even).line_ids:
            self.assertLess(line.mean, 300, "5000 pieces do not come again")

    def test_a_promotion_elsewhere_does_not_matter(self):
        other = self.env['stock.warehouse'].create({'name': "Other", 'code': 'OTH'})
        before = self.sold()
        self.exclude(
            kind='promotion', product_id=self.even.id, date_from='2026-05-10', date_to='2026-05-16',
            warehouse_id=other.id)
        self.assertEqual(self.sold(), before)

    # -- proposals

    def test_lines_far_above_the_usual_are_proposed(self):
        study = self.run_demand()
        [mark] = self.exclusions.search([('state', '=', 'proposed'), ('order_id', '=', self.big.id)])
        self.assertEqual((mark.order_line_id, study.result['proposed']), (self.big.order_line, 1))
        self.assertIn("5000 ordered at once", mark.reason)
        self.assertGreater(mark.score, 8)
        self.assertFalse(mark.user_id)
        # nobody has confirmed it: it counts
        self.assertGreater(self.sold()[date(2026, 5, 1)], 5000)
        mark.with_user(self.planner).action_reject()
        self.run_demand()
        self.assertEqual(
            self.exclusions.search([('order_id', '=', self.big.id)]).mapped('state'), ['rejected'],
            "what was decided on is not proposed again")

    def test_an_order_that_was_marked_is_not_proposed(self):
        self.exclude(order_id=self.big.id)
        self.run_demand()
        self.assertEqual(len(self.exclusions.search([('order_id', '=', self.big.id)])), 1)

    # -- input and rights

    def test_from_the_order(self):
        action = self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_forecast_exclusion_action_order')
        self.assertEqual(action['res_model'], 'sales.forecast.exclusion')
        model = self.exclusions.with_user(self.manager).with_context(
            default_order_id=self.big.id, default_kind='one_off')
        with Form(model) as form:
            form.reason = "Hotel"
        mark = form.record
        self.assertEqual((mark.order_id, mark.state, mark.company_id), (self.big, 'confirmed', self.company))

    def test_bad_input(self):
        other = self.order([(self.even, 1, 11)])
        for values in (
            {'product_id': self.even.id},
            {'product_id': self.even.id, 'date_from': '2026-05-02', 'date_to': '2026-05-01'},
        ):
            with self.subTest(values), mute_logger('odoo.sql_db'), \
                    self.assertRaises(psycopg2.errors.CheckViolation), self.env.cr.savepoint():
                self.exclude(**values)
        with self.assertRaises(ValidationError):
            self.exclude(order_id=other.id, order_line_id=self.big.order_line.id)
        self.exclude(order_id=self.big.id)
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.UniqueViolation), self.env.cr.savepoint():
            self.exclude(order_id=self.big.id)
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        with self.assertRaises(UserError):
            self.exclude(self.env.user, order_id=other.id, company_id=elsewhere.id)

    def test_salespeople_propose(self):
        self.big.user_id = self.salesman
        mark = self.exclude(self.salesman, order_id=self.big.id)
        self.assertEqual((mark.state, mark.user_id), ('proposed', self.env['res.users']))
        mark.reason = "A hotel that opens"
        for act in (
            mark.action_confirm, mark.action_reject, mark.unlink,
            lambda: self.exclude(self.salesman, order_line_id=self.big.order_line.id, state='confirmed'),
        ):
            with self.assertRaises(AccessError):
                act()
        mark.with_user(self.planner).action_confirm()
        self.assertEqual((mark.state, mark.user_id), ('confirmed', self.planner))
        with self.assertRaises(AccessError):
            mark.reason = "Another one"

    def test_other_companies_are_not_seen(self):
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        order = self.env['sale.order'].create({
            'partner_id': self.customers[0].id, 'company_id': elsewhere.id,
            'warehouse_id': self.env['stock.warehouse'].search([('company_id', '=', elsewhere.id)], limit=1).id,
            'order_line': [Command.create({'product_id': self.products[2].id})]})
        mark = self.exclusions.create({'order_id': order.id, 'reason': "Once"})
        self.assertEqual(mark.company_id, elsewhere)
        self.assertFalse(self.exclusions.with_user(self.planner).search([('id', '=', mark.id)]))
        with self.assertRaises(AccessError):
            mark.with_user(self.manager).action_reject()
        self.assertGreater(TODAY, date(2026, 1, 1))
