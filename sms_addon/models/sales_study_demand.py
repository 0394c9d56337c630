import os

import numpy as np

from odoo import fields, models
from odoo.tools import LazyTranslate, format_date

from ..tools.demand_levels import Nodes, agree, build_levels
from ..tools.demand_series import Periods, build_table
from ..tools.forecasting import CHUNK, iter_forecasts
from ..tools.weeks_of_months import Rows, follow_months
from .sales_study_demand_data import RECENT

_lt = LazyTranslate(__name__)

#: percent of the values that are between low and high
LEVEL = 80
#: kind of period -> after how many a season comes back, and how many of the past are looked at
SEASONS = {'month': 12, 'week': 52}
MOST_PERIODS = {'month': 60, 'week': 156}
#: series that are worth the start of more processes
WORTH_PROCESSES = 500

THIN = {
    'no_demand': _lt("No order of the period has a product. This study looks at what was sold of products."),
}


class SalesStudy(models.Model):
    """What will be sold: of each product in each warehouse, and from that of categories, teams and the company."""
    _name = 'sales.study'
    _inherit = ['sales.study']

    kind = fields.Selection(selection_add=[('demand', "Demand Forecasts")], ondelete={'demand': 'cascade'})
    month_count = fields.Integer(string="Months Ahead", default=6)
    week_count = fields.Integer(string="Weeks Ahead", default=13)
    exclude_marked = fields.Boolean(
        string="Leave Out What Is Marked", default=True,
        help="Promotions and one-off orders that somebody has confirmed do not count.")

    _periods_ahead = models.Constraint(
        "CHECK(month_count BETWEEN 0 AND 24 AND week_count BETWEEN 0 AND 53"
        " AND (kind <> 'demand' OR month_count + week_count > 0))",
        "Forecasts go 24 months or 53 weeks ahead at most.")

    def _thin_sentences(self):
        return {**super()._thin_sentences(), **THIN}

    def _run_demand(self):
        yield self.env._("Reading orders and stock"), 0, 1
        demand = self._read_demand()
        kinds = {'month': self.month_count, 'week': self.week_count}
        recent = self._get_recent_series(demand)
        total = len(recent) * sum(count > 0 for count in kinds.values())
        done, measures, counts, written, months = 0, [], {}, [], None
        for kind, count in kinds.items():
            if count:
                heads, lines, found, months = yield from self._forecast_period(
                    kind, count, demand, recent, (done, total), months)
                done += len(recent)
                measures += found
                counts[kind] = self._count_statuses(heads)
                written.append((kind, heads, lines))
        yield self.env._("Writing forecasts"), total, total
        # nothing is locked for those who work on forecasts until all is known
        self._take_fresh_snapshot()
        for kind, heads, lines in written:
            self.env['sales.forecast'].sudo()._replace(self, kind, heads, lines)
        proposed = self._propose_exclusions()
        return {
            'measures': measures,
            'result': {'forecasts': counts, 'proposed': proposed},
            'rows': len(demand.rows['day']),
            'data': self.env._(
                "%(rows)s days with orders of %(series)s products in their warehouses from %(first)s to %(last)s;"
                " %(recent)s of them sold within a year",
                rows=len(demand.rows['day']), series=len(demand), recent=len(recent),
                first=format_date(self.env, np.datetime64(int(demand.rows['day'].min()), 'D').item()),
                last=format_date(self.env, self._get_as_of())),
        }

    def _get_recent_series(self, demand):
        """Return which series sold something lately; others are not forecast."""
        lately = demand.rows['day'] > self._get_day() - RECENT
        sold = np.bincount(
            demand.rows['series'][lately], demand.rows['quantity'][lately], minlength=len(demand))
        return np.flatnonzero(sold > 0)

    def _get_past(self, kind, demand):
        """Return the whole weeks or months of the past."""
        first = max(int(demand.rows['day'].min()), self._get_first_day())
        periods = Periods.between(kind, first, self._get_day())
        skipped = max(len(periods) - MOST_PERIODS[kind], 0)
        # a period of which the first days are not looked at tells too little
        if periods.edges[0] < self._get_first_day():
            skipped = max(skipped, 1)
        return Periods(periods.edges[min(skipped, len(periods)):])

    def _count_statuses(self, heads):
        statuses = [head['status'] for head in heads if head['level'] == 'product_warehouse']
        return {status: statuses.count(status) for status in ('ok', 'naive', 'abstained')}

    # -- one kind of period

    def _forecast_period(self, kind, count, demand, recent, progress, months=None):
        """Forecast all levels by week or month, telling how far it is; return heads, lines, measures and rows.

        :param progress: what is done, of how much
        :param months: the rows of months, which weeks have to come to
        """
        done, total = progress
        past, ahead = self._get_past(kind, demand), Periods.ahead(kind, self._get_day(), count)
        rows = demand.rows
        table = build_table(
            rows['series'], rows['day'], rows['quantity'], len(demand), past, demand.without_stock, demand.left_out)
        phase = (self.env._("Forecasting products by month") if kind == 'month'
                 else self.env._("Forecasting products by week"))
        found = yield from self._forecast_series(table.values[recent], kind, count, (phase, done, total))
        nodes = Nodes(table.values[recent], found, count)
        series = recent[nodes.told]
        products = Nodes(
            table.values[series], [forecast for forecast in found if forecast.status != 'abstained'], count)
        places = np.where(past.covers(rows['day']), past.of(rows['day']), -1)
        amounts = rows['amount'] * np.where(places >= 0, table.factors[rows['series'], places], 1)
        levels = build_levels(rows, amounts, places, len(past), series, self._get_day() - RECENT)
        above = {}
        for level, values in levels.values.items():
            made = yield from self._forecast_series(values, kind, count, (phase, done + len(recent), total))
            above[level] = Nodes(values, made, count)

        def make_rows(amounts):
            return Rows(ahead, series, levels.categories, len(levels.category_ids), amounts)

        agreed = agree(
            levels, products, above, SEASONS[kind],
            follow=months and (lambda below: follow_months(make_rows(below), months)))
        heads, lines = self._lay_out_forecasts(kind, ahead, demand, recent, nodes, levels, above, agreed)
        return heads, lines, self._get_demand_measures(kind, levels, products, above), make_rows(agreed.below)

    def _forecast_series(self, values, kind, count, progress):
        """Return the forecast of each series: those made before as they were, and the others anew.

        Each piece is kept at once, apart from the transaction of the study.
        """
        phase, done, total = progress
        drafts = self.env['sales.forecast.draft'].sudo()
        digests = drafts._get_digests(values, kind, count, SEASONS[kind], LEVEL)
        found = drafts._find(self.company_id, digests)
        missing = [place for place, digest in enumerate(digests) if digest not in found]
        yield phase, done + len(values) - len(missing) if missing else done, total
        made = iter_forecasts(
            [values[place] for place in missing], count, SEASONS[kind], LEVEL, jobs=self._get_jobs(len(missing)))
        for start, forecasts in zip(range(0, len(missing), CHUNK), made, strict=True):
            piece = [digests[place] for place in missing[start:start + CHUNK]]
            drafts._keep(self.company_id, piece, forecasts)
            found.update(zip(piece, forecasts, strict=True))
            yield phase, min(done + len(values) - len(missing) + start + len(piece), total), total
        return [found[digest] for digest in digests]

    def _get_jobs(self, count):
        """Return how many processes make that many forecasts."""
        if count < WORTH_PROCESSES:
            return 1
        wanted = self.env['ir.config_parameter'].sudo().get_param('sms_addon.forecast_jobs')
        return int(wanted) if wanted and wanted.isdigit() and int(wanted) else min(os.cpu_count() or 1, 2)

    # -- buttons

    def action_open_forecasts(self):
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_forecast_action'),
            'domain': [('company_id', '=', self.company_id.id)],
        }

    def action_open_proposed_exclusions(self):
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_forecast_exclusion_action'),
            'domain': [('company_id', '=', self.company_id.id)],
            'context': {'search_default_proposed': 1},
        }
