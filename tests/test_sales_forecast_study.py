from datetime import date, timedelta
from unittest.mock import patch

import numpy as np

from odoo.exceptions import AccessError
from odoo.tests import freeze_time, tagged

from odoo.addons.sms_addon.models import sales_study_demand
from odoo.addons.sms_addon.tools.forecasting import MIN_PERIODS

from .forecast_common import TODAY, ForecastCommon


@tagged('post_install', '-at_install')
class TestDemandStudy(ForecastCommon):
    """What a study of demand makes of the past."""

    def test_all_levels_have_forecasts_that_agree(self):
        study = self.run_demand(week_count=3)
        season, even, rare, new = self.products
        for period, starts in (
            ('month', [date(2026, 6, 1), date(2026, 7, 1), date(2026, 8, 1), date(2026, 9, 1)]),
            ('week', [date(2026, 6, 15), date(2026, 6, 22), date(2026, 6, 29)]),
        ):
            for values in ({'product_id': season}, {'product_id': even}, {'product_id': rare}):
                forecast = self.forecast(period=period, **values)
                self.assertEqual(forecast.line_ids.mapped('date'), starts)
                self.assertIn(forecast.status, ('ok', 'naive'))
                self.assertTrue(forecast.model)
                self.assertEqual(forecast.study_id, study)
                for line in forecast.line_ids:
                    self.assertLessEqual(0, line.lo)
                    self.assertLessEqual(line.lo, line.mean)
                    self.assertLessEqual(line.mean, line.hi)
                    self.assertEqual(line.final, line.mean)
            self.assertAgree(period)
        month = self.forecast(product_id=new)
        self.assertEqual((month.status, month.line_ids), ('abstained', self.lines))
        self.assertIn(f"a forecast needs at least {MIN_PERIODS}", month.reason)
        self.assertEqual(
            self.forecasts.search([('level', '=', 'team'), ('period', '=', 'month')]).team_id, self.teams)
        self.assertEqual(study.result['forecasts']['month'], {
            'ok': self.forecasts.search_count([
                ('level', '=', 'product_warehouse'), ('period', '=', 'month'), ('status', '=', 'ok')]),
            'naive': self.forecasts.search_count([
                ('level', '=', 'product_warehouse'), ('period', '=', 'month'), ('status', '=', 'naive')]),
            'abstained': 1})

    def test_weeks_come_to_their_months(self):
        self.run_demand(week_count=13)
        for scope in ([('level', '=', 'company')], [('product_id', '=', self.products[0].id)]):
            [july] = self.lines.search([*scope, ('period', '=', 'month'), ('date', '=', '2026-07-01')])
            weeks = self.lines.search([
                *scope, ('period', '=', 'week'), ('date', '>=', '2026-07-06'), ('date', '<=', '2026-07-20')])
            self.assertEqual(len(weeks), 3)
            # those that are all in it; the others are in two months
            self.assertAlmostEqual(sum(weeks.mapped('mean')) / 21, july.mean / 31, delta=0.1 * july.mean / 31)
        self.assertAgree('week')

    def test_the_season_comes_back(self):
        self.run_demand()
        season = self.forecast(product_id=self.products[0])
        march = 30 * (10 + 8 * np.sin(2 * np.pi * 80 / 365))
        july, september = (line.mean for line in season.line_ids if line.date.month in (7, 9))
        self.assertLess(september, july, "it goes down until winter")
        self.assertLess(july, march)
        even = self.forecast(product_id=self.products[1])
        for line in even.line_ids:
            self.assertAlmostEqual(line.mean, 30.5 * 7, delta=25)
        self.assertEqual(even.next_date, date(2026, 7, 1))
        self.assertEqual(even.next_final, even.line_ids[1].final)

    def test_amounts_are_at_the_recent_net_price(self):
        self.run_demand()
        even = self.forecast(product_id=self.products[1])
        self.assertAlmostEqual(even.price, self.products[1].list_price)
        self.assertEqual(even.team_shares, {str(self.teams[0].id): 1})
        season = self.forecast(product_id=self.products[0])
        self.assertAlmostEqual(season.team_shares[str(self.teams[0].id)], 0.5, delta=0.05)

    def test_a_later_study_writes_the_same_records(self):
        self.run_demand()
        before = self.forecasts.search([])
        gone = self.forecast(product_id=self.products[2])
        self.env.cr.execute("DELETE FROM sales_fact WHERE product_id = %s", [self.products[2].id])
        second = self.run_demand()
        self.assertEqual(self.forecasts.search([]), before - gone)
        self.assertFalse(gone.active, "it is put away, not deleted")
        self.assertEqual(before.study_id - second, gone.study_id)

    def test_the_quality_is_told(self):
        study = self.run_demand()
        products = self.measure_of(study, "Error of products by month")
        self.assertTrue(products.has_naive)
        self.assertLess(0, products.value)
        self.assertLess(products.value, products.naive_value)
        company = self.measure_of(study, "Error of the company by month")
        self.assertLess(company.value, products.value, "what many buy is surer than what few do")
        self.assertIn("3 products", products.data)

    def measure_of(self, study, name):
        [measure] = study.measure_ids.filtered(lambda measure: measure.name == name)
        return measure

    def test_nothing_was_sold(self):
        self.env.cr.execute("DELETE FROM sales_fact")
        study = self.study(kind='demand')
        study.action_run()
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.assertEqual(study.state, 'abstained')
        self.assertIn("what was sold of products", study.reason)
        self.assertFalse(self.forecasts.search([]))

    def test_other_companies_do_not_count(self):
        other = self.env['res.company'].create({'name': "Elsewhere"})
        place = self.env['stock.warehouse'].search([('company_id', '=', other.id)], limit=1)
        self.run_demand()
        before = self.forecast('company').line_ids.mapped('mean')
        self.write_sales([
            (self.products[1], self.teams[0], TODAY - timedelta(ago), 500) for ago in range(400)], other, place)
        self.run_demand()
        self.assertEqual(self.forecast('company').line_ids.mapped('mean'), before)
        self.assertFalse(self.forecasts.search([('company_id', '=', other.id)]))

    # -- days without stock

    def receive(self, product, quantity, day):
        """Have what is in stock change on a day."""
        stock, outside = self.place.lot_stock_id, self.env.ref('stock.stock_location_suppliers')
        source, target = (outside, stock) if quantity > 0 else (stock, outside)
        move = self.env['stock.move'].create({
            'product_id': product.id, 'product_uom_qty': abs(quantity), 'location_id': source.id,
            'location_dest_id': target.id})
        move._action_confirm()
        move.quantity, move.picked = abs(quantity), True
        with freeze_time(f'{day} 10:00:00'):
            move._action_done()
        self.env.flush_all()

    def test_months_without_stock_are_not_known(self):
        even = self.products[1]
        # there was some, none from March 1 on, and some since April 20
        self.receive(even, 50, date(2024, 1, 10))
        self.receive(even, -50, date(2026, 3, 1))
        self.receive(even, 30, date(2026, 4, 20))
        self.env.cr.execute(
            "DELETE FROM sales_fact WHERE product_id = %s AND date >= '2026-03-01' AND date < '2026-04-20'", [even.id])
        study = self.study(kind='demand')
        demand = study._read_demand()
        series = self.series_of(demand, even)
        gaps = demand.without_stock
        empty = [(gap, end) for number, gap, end in zip(gaps.series, gaps.start, gaps.end, strict=True)
                 if number == series and gap > (date(2025, 1, 1) - date(1970, 1, 1)).days]
        epoch = date(1970, 1, 1)
        self.assertEqual(
            [(epoch + timedelta(int(start)), epoch + timedelta(int(end))) for start, end in empty],
            [(date(2026, 3, 1), date(2026, 4, 20))])
        self.run_demand()
        forecast = self.forecast(product_id=even)
        for line in forecast.line_ids:
            self.assertAlmostEqual(line.mean, 30.5 * 7, delta=30, msg="as if there had been stock")

    def series_of(self, demand, product):
        [series] = np.flatnonzero(demand.products == product.id)
        return series

    # -- stopping and going on

    def same_snapshot(self):
        """Have a study that is not run by the scheduled action stay in the transaction of the test."""
        return patch.object(type(self.env['sales.study']), '_take_fresh_snapshot', lambda study: None)

    def test_a_study_that_was_stopped_goes_on(self):
        study = self.study(kind='demand', month_count=2, week_count=0)
        made = []
        forecast = sales_study_demand.iter_forecasts

        def count(series, *args, **kwargs):
            made.append(len(series))
            return forecast(series, *args, **kwargs)

        with patch.object(sales_study_demand, 'iter_forecasts', count), self.enter_registry_test_mode(), \
                self.same_snapshot():
            work = study._run_demand()
            phases = [next(work), next(work), next(work)]
            work.close()
            self.assertEqual(made, [4])
            self.assertEqual(phases[-1][1:], (4, 4))
            for _step in study._run_demand():
                pass
        # the products were kept, and only the levels above are made
        self.assertEqual(made[:2], [4, 0])
        self.assertEqual(self.forecast(product_id=self.products[1]).study_id, study)

    def test_nothing_is_written_before_all_is_known(self):
        study = self.study(kind='demand', month_count=2, week_count=2)
        with self.enter_registry_test_mode(), self.same_snapshot():
            work = study._run_demand()
            for phase, _done, _total in work:
                if phase == "Writing forecasts":
                    break
                self.assertFalse(self.forecasts.search_count([]), phase)
            for _step in work:
                pass
        self.assertEqual(set(self.forecasts.search([]).mapped('period')), {'month', 'week'})

    def test_drafts_of_other_data_are_not_used(self):
        drafts = self.env['sales.forecast.draft']
        first, second = drafts._get_digests([np.arange(9.0), np.r_[np.arange(8.0), np.nan]], 'month', 6)
        self.assertNotEqual(first, second)
        self.assertNotEqual([first], drafts._get_digests([np.arange(9.0)], 'month', 7))
        self.assertEqual([first], drafts._get_digests([np.arange(9)], 'month', 6))

    # -- who may what

    def test_planners_run_studies_of_demand_only(self):
        studies = self.env['sales.study'].with_user(self.planner)
        study = studies.create({'kind': 'demand'})
        study.action_run()
        study.action_stop()
        with self.assertRaises(AccessError):
            studies.create({'kind': 'churn'})
        churn = self.study()
        self.assertFalse(studies.search([('id', '=', churn.id)]))
        with self.assertRaises(AccessError):
            studies.with_user(self.clerk).create({'kind': 'demand'})
        self.assertIn(study.with_user(self.manager), self.env['sales.study'].with_user(self.manager).search([]))

    def test_the_button_runs_one_study_at_a_time(self):
        self.env['sales.study'].search([('kind', '=', 'demand')]).unlink()
        forecasts = self.forecasts.with_user(self.planner)
        study = self.env['sales.study'].browse(forecasts.action_update()['res_id'])
        self.assertEqual((study.kind, study.state), ('demand', 'running'))
        self.assertEqual(forecasts.action_update()['res_id'], study.id)
        study.action_stop()
        self.assertEqual(forecasts.action_update()['res_id'], study.id, "what was stopped goes on")
        with self.assertRaises(AccessError):
            self.forecasts.with_user(self.salesman).action_update()
