from datetime import date, timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, freeze_time, new_test_user, tagged
from odoo.tools import SQL

from .forecast_common import TODAY, ForecastCommon


@tagged('post_install', '-at_install')
class TestForecast(ForecastCommon):
    """What people change of forecasts, and what comes of them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_demand_once()

    @classmethod
    def run_demand_once(cls):
        study = cls.env['sales.study'].create({'kind': 'demand', 'month_count': 4, 'week_count': 6})
        # a class has no scheduled action, and must not write outside of its transaction
        with patch.object(type(cls.env['sales.forecast.draft']), '_keep', lambda *args: None), \
                patch.object(type(study), '_take_fresh_snapshot', lambda *args: None):
            for _step in study._run_demand():
                pass

    def line(self, month=7, level='product_warehouse', **values):
        forecast = self.forecast(level, **values)
        return forecast.line_ids.filtered(lambda line: line.date == date(2026, month, 1))

    # -- by hand

    def test_the_levels_above_follow_a_product(self):
        even = self.products[1]
        line = self.line(product_id=even).with_user(self.planner)
        category, team, company = (
            self.line(level='category', categ_id=even.categ_id), self.line(level='team', team_id=self.teams[0]),
            self.line(level='company'))
        others = self.line(8, 'company') + self.line(level='category', categ_id=self.categories[0])
        before, unmoved = (category + team + company).mapped('final'), others.mapped('final')
        line.write({'override': line.mean + 100, 'override_reason': "A hotel opens"})
        moved = 100 * self.forecast(product_id=even).price
        for now, then in zip((category + team + company).mapped('final'), before, strict=True):
            self.assertAlmostEqual(now - then, moved, 1)
        self.assertEqual(others.mapped('final'), unmoved)
        self.assertAgree()
        self.assertRecordValues(line, [{
            'final': line.mean + 100, 'is_overridden': True, 'override_user_id': self.planner.id,
            'override_reason': "A hotel opens"}])
        forecast = line.forecast_id.sudo()
        self.assertTrue(forecast.has_overrides)
        self.assertEqual(forecast.next_final, line.final)
        self.assertIn("A hotel opens", forecast.message_ids[0].body)
        line.action_remove_override()
        self.assertEqual([round(value, 2) for value in (category + team + company).mapped('final')],
                         [round(value, 2) for value in before])
        self.assertFalse(line.is_overridden)
        self.assertFalse(forecast.has_overrides)

    def test_a_product_of_two_teams_moves_both(self):
        line = self.line(product_id=self.products[0])
        before = [self.line(level='team', team_id=team).final for team in self.teams]
        line.write({'override': line.mean + 60, 'override_reason': "Fair"})
        shares = line.forecast_id.team_shares
        for team, then in zip(self.teams, before, strict=True):
            moved = self.line(level='team', team_id=team).final - then
            self.assertAlmostEqual(moved, 60 * line.forecast_id.price * shares[str(team.id)], 1)
        self.assertAgree()

    def test_who_changes_a_category_moves_its_products(self):
        category = self.line(level='category', categ_id=self.categories[0]).with_user(self.manager)
        products = self.line(product_id=self.products[0]) + self.line(product_id=self.products[2])
        before = products.mapped('final')
        other = self.line(product_id=self.products[1]).final
        category.write({'final': category.final * 1.5, 'override_reason': "New catalogue"})
        for now, then in zip(products.mapped('final'), before, strict=True):
            self.assertAlmostEqual(now, then * 1.5, 1)
        self.assertEqual(set(products.mapped('override_reason')), {"New catalogue"})
        self.assertEqual(category.override_user_id, self.manager)
        self.assertEqual(self.line(product_id=self.products[1]).final, other)
        self.assertAgree()
        category.forecast_id.action_remove_overrides()
        self.assertFalse(any(products.mapped('is_overridden')))
        self.assertEqual((category.override_reason, category.override_user_id.id), (False, False))
        with self.assertRaises(UserError):
            category.forecast_id.action_remove_overrides()

    def test_who_changes_the_company_moves_all_products(self):
        company = self.line(level='company')
        wanted = company.final * 2
        company.write({'final': wanted, 'override_reason': "Twice"})
        self.assertAlmostEqual(company.final, wanted, 0)
        self.assertAgree()
        rest = self.line(level='category', categ_id=self.categories[1])
        with self.assertRaises(UserError):
            company.write({'final': 1, 'override_reason': "Nothing at all"})
        self.assertGreater(rest.final, 0)

    def test_bad_input_is_refused(self):
        line = self.line(product_id=self.products[1]).with_user(self.planner)
        for values, error in (
            ({'override': 5}, ValidationError),
            ({'override': 5, 'override_reason': "  "}, ValidationError),
            ({'override': -1, 'override_reason': "Less"}, ValidationError),
            ({'mean': 5}, UserError),
            ({'actual': 5, 'override_reason': "True"}, UserError),
        ):
            with self.subTest(values), self.assertRaises(error):
                line.write(values)
        with self.assertRaises(UserError):
            self.line(level='team', team_id=self.teams[0]).with_user(self.planner).write({
                'override': 5, 'override_reason': "Less"})
        self.assertFalse(line.is_overridden)
        with freeze_time('2026-08-01 12:00:00'):
            self.env.invalidate_all()
            with self.assertRaises(UserError):
                line.write({'override': 5, 'override_reason': "Too late"})

    def test_a_change_touches_no_other_forecast(self):
        line = self.line(product_id=self.products[1])
        others = self.lines.search([
            ('company_id', '=', self.company.id), ('date', '!=', line.date)]) + self.line(product_id=self.products[0])

        def versions(table, ids):
            self.env.flush_all()
            self.env.cr.execute(SQL(
                "SELECT id, xmin::text, ctid::text FROM %s WHERE id = ANY(%s) ORDER BY id", SQL.identifier(table), ids))
            return self.env.cr.fetchall()

        heads = self.forecasts.search([('period', '=', 'week')]) + self.forecast(product_id=self.products[0])
        before = versions('sales_forecast_line', others.ids), versions('sales_forecast', heads.ids)
        line.write({'override': 9, 'override_reason': "Less"})
        self.assertEqual((versions('sales_forecast_line', others.ids), versions('sales_forecast', heads.ids)), before)

    def test_a_forecast_itself_is_not_written(self):
        forecast = self.forecast(product_id=self.products[1])
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        for user in (self.planner, self.clerk, self.manager):
            for values in ({'accuracy': 1}, {'company_id': elsewhere.id}, {'next_final': 5}, {'active': False}):
                with self.subTest(user=user.login, **values), self.assertRaises(AccessError):
                    forecast.with_user(user).write(values)

    def test_from_products_and_positions(self):
        season, _even, _rare, _new = self.products
        other = self.env['product.product'].create({'name': "Never Sold", 'is_storable': True})
        position, empty = self.position(season), self.position(other)
        month = self.forecast(product_id=season)
        for user in (self.planner, self.salesman):
            for record, stranger in (
                    (season, other), (season.product_tmpl_id, other.product_tmpl_id), (position, empty)):
                own, nothing = record.with_user(user), stranger.with_user(user)
                self.assertEqual((own.has_forecasts, nothing.has_forecasts), (True, False))
                self.assertEqual(own.action_open_forecasts()['res_id'], month.id)
        both = (season + self.products[1]).with_user(self.planner).action_open_forecasts()
        self.assertEqual(self.forecasts.search(both['domain']).product_id, season + self.products[1])
        outsider = new_test_user(self.env, 'outsider', 'base.group_user')
        self.assertFalse(season.with_user(outsider).has_forecasts)
        week = self.forecast(period='week', product_id=season)
        self.assertEqual((month.sibling_id, week.sibling_id), (week, month))
        self.assertEqual(month.action_open_sibling()['res_id'], week.id)

    def test_nothing_will_be_sold(self):
        line = self.line(product_id=self.products[1])
        line.write({'override': 0, 'override_reason': "Not made any more"})
        self.assertEqual((line.final, line.is_overridden), (0, True))
        self.assertAgree()

    def test_a_new_study_keeps_what_was_changed(self):
        line = self.line(product_id=self.products[1])
        line.write({'override': 777, 'override_reason': "Known order"})
        self.run_demand()
        self.assertEqual((line.final, line.override_reason), (777, "Known order"))
        self.assertAgree()

    def test_form_of_a_planner(self):
        forecast = self.forecast(product_id=self.products[1]).with_user(self.planner)
        with Form(forecast) as form:
            with form.coming_line_ids.edit(1) as line:
                line.final = 321
                self.assertTrue(line.is_overridden)
                line.override_reason = "Agreed"
        [changed] = forecast.line_ids.filtered('is_overridden')
        self.assertEqual((changed.final, changed.override, changed.override_reason), (321, 321, "Agreed"))
        with self.assertRaises(AssertionError), Form(forecast) as form:
            with form.coming_line_ids.edit(0) as line:
                line.final = 1

    # -- as time passes

    def test_accuracy(self):
        even = self.products[1]
        forecast = self.forecast(product_id=even)
        july, august = self.line(7, product_id=even), self.line(8, product_id=even)
        july.write({'override': 300, 'override_reason': "Feeling"})
        self.write_sales([(even, self.teams[0], date(2026, 7, day), 10) for day in range(1, 26)])
        with freeze_time('2026-08-03 02:00:00'), self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_sales_forecast').method_direct_trigger()
        self.env.invalidate_all()
        self.assertRecordValues(july, [{
            'has_actual': True, 'actual': 250, 'error': 50, 'absolute_error': 50,
            'covered': float(july.lo <= 250 <= july.hi)}])
        self.assertAlmostEqual(july.model_error, abs(july.mean - 250), 4)
        self.assertFalse(august.has_actual)
        # June: what was ordered until the day the facts were written
        june = self.line(6, product_id=even)
        self.assertTrue(june.has_actual)
        self.assertEqual(forecast.accuracy_count, 2)
        off = june.absolute_error + 50
        self.assertAlmostEqual(forecast.accuracy, max(1 - off / (june.actual + 250), 0), 4)
        self.assertEqual(forecast.next_date, date(2026, 9, 1))
        company = self.line(7, 'company')
        self.assertAlmostEqual(company.actual, 250 * even.list_price, 2)
        [[rate]] = self.lines._read_group([('id', 'in', (june + july).ids)], [], ['error_rate:avg'])
        self.assertAlmostEqual(rate, off / (june.actual + 250), 4)
        # an order that comes in late changes what was told
        self.write_sales([(even, self.teams[0], date(2026, 7, 30), 20)])
        with freeze_time('2026-08-04 02:00:00'):
            self.forecasts._measure(self.company)
        self.assertEqual((july.actual, july.error), (270, 30))
        # and a period that is over is not forecast again
        with freeze_time('2026-08-04 12:00:00'):
            self.run_demand()
        self.assertEqual((july.final, july.actual), (300, 270))

    # -- for others

    def test_chart(self):
        even = self.products[1]
        line = self.line(product_id=even)
        line.write({'override': 400, 'override_reason': "Fair"})
        data = self.forecast(product_id=even).with_user(self.salesman).get_forecast_chart()
        self.assertEqual((data['period'], data['unit'], data['currency_id']), ('month', even.uom_id.name, False))
        points = {point['date']: point for point in data['points']}
        self.assertEqual(list(points), sorted(points))
        self.assertEqual(
            points['2026-05-01']['actual'], sum(self._sold(even, date(2026, 5, 1), date(2026, 6, 1))))
        self.assertFalse(points['2026-05-01']['mean'])
        self.assertEqual(
            {name: points['2026-07-01'][name] for name in ('actual', 'final', 'by_hand', 'reason')},
            {'actual': False, 'final': 400, 'by_hand': True, 'reason': "Fair"})
        for level, values in (('company', {}), ('team', {'team_id': self.teams[0]}),
                              ('category', {'categ_id': self.categories[0]})):
            data = self.forecast(level, **values).get_forecast_chart()
            self.assertEqual(data['currency_id'], self.company.currency_id.id)
            self.assertTrue(all(point['actual'] for point in data['points'] if point['date'] < '2026-06-01'))

    def _sold(self, product, first, end):
        self.env.cr.execute(
            "SELECT product_uom_qty / 1000000 FROM sales_fact WHERE product_id = %s AND date >= %s AND date < %s",
            [product.id, first, end])
        return [float(quantity) for (quantity,) in self.env.cr.fetchall()]

    def position(self, product, **values):
        return self.env['sales.stock.position'].sudo().create({
            'product_id': product.id, 'product_tmpl_id': product.product_tmpl_id.id, 'warehouse_id': self.place.id,
            'company_id': self.company.id, 'daily_demand': 1.5, 'demand_spread': 0.5, **values})

    def test_demand_of_a_day(self):
        season, even, _rare, new = self.products
        self.env.cr.execute("DELETE FROM sales_forecast_line WHERE product_id = %s", [new.id])
        positions = self.position(even) + self.position(new) + self.position(season)
        told = self.forecasts._get_daily_demand(positions)
        mean, spread, source = told[positions[0].id]
        self.assertAlmostEqual(mean, 7, delta=1)
        self.assertLess(0, spread)
        self.assertLess(spread, 7)
        usual = spread
        rare = self.position(self.products[2])
        mean, spread, _source = self.forecasts._get_daily_demand(rare)[rare.id]
        self.assertLess(mean, spread, "it is seldom, and then several")
        self.assertIn(source, ('week', 'month'))
        self.assertEqual(told[positions[1].id], (1.5, 0.5, 'past'), "nothing is forecast")
        for period in ('month', 'week'):
            lines = self.forecast(period=period, product_id=even).line_ids
            for line in lines:
                line.write({'override': line.mean * 2, 'override_reason': "Twice"})
            doubled, wider, said = self.forecasts._get_daily_demand(positions)[positions[0].id]
            self.assertAlmostEqual(doubled, 14, delta=2)
            self.assertGreater(wider, usual, "twice as much is not surer")
            self.assertEqual(said, f'{period}_hand')

    def test_demand_of_many_costs_no_more_queries(self):
        positions = self.position(self.products[0]) + self.position(self.products[1]) + self.position(self.products[2])
        self.env.flush_all()
        self.forecasts._get_daily_demand(positions)

        def count(some):
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            self.forecasts._get_daily_demand(some)
            return self.env.cr.sql_log_count - start

        self.assertEqual(count(positions[0]), count(positions))

    # -- who may what

    def test_salespeople_read(self):
        line = self.line(product_id=self.products[1]).with_user(self.salesman)
        self.assertGreater(line.final, 0)
        self.assertTrue(line.forecast_id.display_name)
        for act in (
            lambda: line.write({'override': 5, 'override_reason': "Mine"}),
            line.action_remove_override,
            line.forecast_id.action_remove_overrides,
            line.unlink,
            line.forecast_id.unlink,
        ):
            with self.assertRaises(AccessError):
                act()
        self.assertFalse(line.is_overridden)

    def test_planners_need_no_rights_of_sales(self):
        for user in (self.clerk, self.planner):
            forecast = self.forecast(product_id=self.products[1]).with_user(user)
            self.env.invalidate_all()
            self.assertTrue(forecast.web_read({'display_name': {}, 'reason': {}, 'study_id': {'fields': {
                'display_name': {}}}, 'line_ids': {'fields': {'final': {}, 'is_open': {}}}}))
            self.assertTrue(forecast.get_forecast_chart()['points'])
            forecast.line_ids[1].write({'override': 5, 'override_reason': "Less"})
            with self.assertRaises(AccessError):
                forecast.unlink()

    def test_other_companies_are_not_seen(self):
        other = self.env['res.company'].create({'name': "Elsewhere"})
        forecast = self.forecast(product_id=self.products[1])
        self.env.cr.execute("UPDATE sales_forecast SET company_id = %s WHERE id = %s", [other.id, forecast.id])
        self.env.cr.execute("UPDATE sales_forecast_line SET company_id = %s WHERE forecast_id = %s", [
            other.id, forecast.id])
        self.env.invalidate_all()
        for user in (self.planner, self.manager):
            mine = self.forecasts.with_user(user)
            self.assertFalse(mine.search([('id', '=', forecast.id)]))
            self.assertFalse(self.lines.with_user(user).search([('forecast_id', '=', forecast.id)]))
            with self.assertRaises(AccessError):
                mine.browse(forecast.id).get_forecast_chart()
            with self.assertRaises(AccessError):
                self.lines.with_user(user).browse(forecast.line_ids[0].id).write({
                    'override': 5, 'override_reason': "Not mine"})

    def test_today_is_that_of_the_company(self):
        self.company.sales_timezone = 'Asia/Shanghai'
        with freeze_time('2026-06-30 20:00:00'):
            self.assertEqual(self.forecasts._get_today(self.company), date(2026, 7, 1))
            self.env.invalidate_all()
            self.assertFalse(self.line(6, product_id=self.products[1]).is_open)
            self.assertTrue(self.line(7, product_id=self.products[1]).is_open)
        self.assertEqual(TODAY + timedelta(1), date(2026, 6, 18))
