import importlib
from datetime import date, timedelta

import numpy as np

from odoo.tests import freeze_time, new_test_user
from odoo.tools import SQL

from .test_sales_study import StudyCommon

TODAY = date(2026, 6, 17)  # a Wednesday


class ForecastCommon(StudyCommon):
    """Three years of facts of four products in one warehouse, sold by two teams, written as the warehouse would.

    Product 0 has a season, 1 is sold evenly, 2 now and then, 3 for two months only. 0 and 2 are of the first category.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # while time stands still, these imports never end
        for module in ('statsforecast.models', 'scipy.sparse'):
            importlib.import_module(module)
        cls.startClassPatcher(freeze_time(f'{TODAY} 12:00:00'))
        cls.planner = new_test_user(cls.env, 'planner', 'stock.group_stock_manager', name="Planner")
        cls.clerk = new_test_user(cls.env, 'clerk', 'stock.group_stock_user', name="Clerk")
        cls.place = cls.env['stock.warehouse'].search([('company_id', '=', cls.company.id)], limit=1)
        cls.teams = cls.env['crm.team'].create([{'name': "Shops"}, {'name': "Hotels"}])
        cls.products.is_storable = True
        cls.next_fact = 900_000_000
        cls.write_sales(cls.make_sales(np.random.default_rng(7)))
        cls.forecasts = cls.env['sales.forecast']
        cls.lines = cls.env['sales.forecast.line']

    @classmethod
    def make_sales(cls, rng):
        """Return (product, team, day, quantity) of each sale."""
        season, even, rare, new = cls.products
        sales = []
        for ago in range(3 * 365):
            day = TODAY - timedelta(ago)
            wave = 10 + 8 * np.sin(2 * np.pi * day.timetuple().tm_yday / 365)
            sales.append((season, cls.teams[ago % 2], day, int(max(rng.poisson(wave), 1))))
            sales.append((even, cls.teams[0], day, int(rng.poisson(6)) + 1))
            if rng.random() < 0.02:
                sales.append((rare, cls.teams[1], day, int(rng.integers(1, 5))))
            if ago < 60:
                sales.append((new, cls.teams[1], day, 2))
        return sales

    @classmethod
    def write_sales(cls, sales, company=None, warehouse=None):
        """Write facts of sales at the list price, and return their ids."""
        products, teams, days, quantities = zip(*sales, strict=True)
        first = cls.next_fact
        cls.next_fact = first + len(sales)
        amounts = [product.list_price * quantity for product, quantity in zip(products, quantities, strict=True)]
        cls.env.cr.execute(SQL(
            """
            INSERT INTO sales_fact (id, order_id, date, company_id, commercial_partner_id, product_id, categ_id,
                                    warehouse_id, team_id, state, product_uom_qty, price_subtotal, margin)
            SELECT %(first)s + n - 1, %(first)s + n - 1, day, %(company)s, %(customer)s, product, categ, %(warehouse)s,
                   team, 'sale', ROUND(quantity * 1000000), ROUND(amount * 1000000), 0
              FROM unnest(%(products)s, %(categories)s, %(teams)s, %(days)s::date[], %(quantities)s::numeric[],
                          %(amounts)s::numeric[]) WITH ORDINALITY u (product, categ, team, day, quantity, amount, n)
            """, first=first, company=(company or cls.company).id, customer=cls.customers[0].id,
            warehouse=(warehouse or cls.place).id, products=[product.id for product in products],
            categories=[product.categ_id.id for product in products], teams=[team.id for team in teams],
            days=list(days), quantities=list(quantities), amounts=amounts))
        return list(range(first, first + len(sales)))

    def run_demand(self, **values):
        """Have the scheduled action make forecasts, and return the study."""
        study = self.study(kind='demand', **{'month_count': 4, 'week_count': 0, **values})
        study.action_run()
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((study.state, study.reason), ('done', False))
        return study

    def forecast(self, level='product_warehouse', period='month', **values):
        [forecast] = self.forecasts.search([
            ('company_id', '=', self.company.id), ('level', '=', level), ('period', '=', period),
            *((name, '=', record.id) for name, record in values.items())])
        return forecast

    def assertAgree(self, period='month', date=None):
        """Assert that products, at their prices, and the levels above come to the same."""
        lines = self.lines.search([
            ('company_id', '=', self.company.id), ('period', '=', period), ('forecast_id.active', '=', True),
            *([('date', '=', date)] if date else [])])
        self.assertTrue(lines)
        for day, same in lines.grouped('date').items():
            sums = {level: sum(rows.mapped('final')) for level, rows in same.grouped('level').items()}
            self.assertAlmostEqual(sums['category'], sums['company'], 1, day)
            self.assertAlmostEqual(sums['team'], sums['company'], 1, day)
            products = same.filtered(lambda line: line.level == 'product_warehouse')
            told = sum(line.final * line.forecast_id.price for line in products)
            self.assertLessEqual(told, sums['company'] + 0.1)
