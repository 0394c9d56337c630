from odoo import api, models
from odoo.tools import SQL


class SalesForecast(models.Model):
    """How forecasts get into their tables: by SQL, all of a company and a kind of period at once."""
    _name = 'sales.forecast'
    _inherit = ['sales.forecast']

    @api.model
    def _replace(self, study, period, heads, lines):
        """Write the forecasts that a study made, over those of the study before.

        What people changed by hand stays, and so do periods that are over. A forecast that this study does not have is
        put away, with all that it said.

        :param period: 'week' or 'month'
        :param heads: list of dictionaries with all of :meth:`_head_columns`
        :param lines: name -> array: ``head`` (its place in the list), ``date``, ``mean``, ``lo``, ``hi``
        """
        self.env['sales.forecast'].flush_model()
        self.env['sales.forecast.line'].flush_model()
        ids = self._write_heads(study, period, heads)
        self._write_lines(study, period, ids, lines)
        self._refresh_sums(study.company_id, lines['date'].min().item() if len(lines['date']) else None)
        self.env['sales.forecast'].invalidate_model(flush=False)
        self.env['sales.forecast.line'].invalidate_model(flush=False)

    @api.model
    def _head_columns(self):
        """Return name -> type of what a study tells of a forecast."""
        return {
            'key': 'varchar', 'level': 'varchar', 'product_id': 'int', 'warehouse_id': 'int', 'categ_id': 'int',
            'team_id': 'int', 'uom_id': 'int', 'model': 'varchar', 'status': 'varchar', 'known_periods': 'int',
            'backtest_error': 'float8', 'naive_error': 'float8', 'gain': 'float8', 'price': 'float8',
            'team_shares': 'jsonb',
        }

    def _write_heads(self, study, period, heads):
        """Write the forecasts, and return their ids in the order of the list."""
        columns = self._head_columns()
        given = SQL(", ").join(
            SQL("%s::%s[]", [head[name] for head in heads], SQL(kind)) for name, kind in columns.items())
        names = SQL(", ").join(map(SQL.identifier, columns))
        fresh = SQL(", ").join(
            SQL("%s = EXCLUDED.%s", SQL.identifier(name), SQL.identifier(name)) for name in (*columns, 'study_id'))
        self.env.cr.execute(SQL(
            "UPDATE sales_forecast SET active = FALSE WHERE company_id = %s AND period = %s",
            study.company_id.id, period))
        rows = self.env.execute_query(SQL(
            """
            INSERT INTO sales_forecast (%(names)s, company_id, period, study_id, active, create_uid, create_date,
                                        write_uid, write_date)
            SELECT %(names)s, %(company)s, %(period)s, %(study)s, TRUE, %(user)s, now() AT TIME ZONE 'UTC', %(user)s,
                   now() AT TIME ZONE 'UTC'
              FROM unnest(%(given)s) AS given (%(names)s)
            ON CONFLICT (company_id, key) DO UPDATE SET %(fresh)s, active = TRUE, write_date = EXCLUDED.write_date
            RETURNING key, id
            """, names=names, company=study.company_id.id, period=period, study=study.id, user=self.env.uid,
            given=given, fresh=fresh))
        ids = dict(rows)
        return [ids[head['key']] for head in heads]

    def _write_lines(self, study, period, ids, lines):
        import numpy as np  # noqa: PLC0415  only studies pay for it
        ids = np.array(ids, np.int64)
        fresh = study._write_matrix('sales_forecast_fresh', {
            'forecast_id': ids[lines['head']], **{name: lines[name] for name in ('date', 'mean', 'lo', 'hi')}})
        first = lines['date'].min().item() if len(lines['date']) else self._get_today(study.company_id)
        self.env.cr.execute(SQL(
            """
            DELETE FROM sales_forecast_line l USING sales_forecast f
             WHERE f.id = l.forecast_id AND f.company_id = %(company)s AND f.period = %(period)s AND l.date >= %(first)s
               AND NOT EXISTS (SELECT 1 FROM %(fresh)s n WHERE n.forecast_id = l.forecast_id AND n.date = l.date)
               AND (NOT l.is_overridden OR NOT f.active) AND NOT l.has_actual
            """, company=study.company_id.id, period=period, first=first, fresh=fresh))
        self.env.cr.execute(SQL(
            """
            INSERT INTO sales_forecast_line (forecast_id, date, mean, lo, hi, final, adjustment, is_overridden,
                                             has_actual, level, period, product_id, warehouse_id, categ_id, team_id,
                                             company_id)
            SELECT f.id, n.date, n.mean, n.lo, n.hi, n.mean, 0, FALSE, FALSE, f.level, f.period, f.product_id,
                   f.warehouse_id, f.categ_id, f.team_id, f.company_id
              FROM %(fresh)s n JOIN sales_forecast f ON f.id = n.forecast_id
            ON CONFLICT (forecast_id, date) DO UPDATE
               SET mean = EXCLUDED.mean, lo = EXCLUDED.lo, hi = EXCLUDED.hi, categ_id = EXCLUDED.categ_id,
                   final = CASE WHEN sales_forecast_line.is_overridden THEN sales_forecast_line.override
                                ELSE EXCLUDED.mean END
             WHERE NOT sales_forecast_line.has_actual
            """, fresh=fresh))

    @api.model
    def _refresh_sums(self, company, since=None, lines=None):
        """Have what follows from the lines of a company follow: the levels above, and the figures of the lists.

        :param since: lines before this day do not change
        :param lines: the lines of products that changed; all may have if not given
        """
        def scope(alias):
            if lines is None:
                return SQL("%s.date >= %s", alias, since or self._get_today(company))
            return SQL(
                "(%(alias)s.period, %(alias)s.date) IN (SELECT period, date FROM sales_forecast_line"
                " WHERE id = ANY(%(ids)s))", alias=alias, ids=lines.ids)

        moved = self.env.execute_query(SQL(
            """
            WITH moved AS (
                SELECT l.date, f.period, f.categ_id, f.team_shares, (l.override - l.mean) * f.price AS amount
                  FROM sales_forecast_line l JOIN sales_forecast f ON f.id = l.forecast_id
                 WHERE l.company_id = %(company)s AND l.level = 'product_warehouse' AND l.is_overridden AND f.active
                   AND %(below)s
            ), sums AS (
                SELECT 'company' AS level, 0 AS part, period, date, SUM(amount) AS amount
                  FROM moved GROUP BY period, date
                 UNION ALL
                SELECT 'category', COALESCE(categ_id, 0), period, date, SUM(amount)
                  FROM moved GROUP BY categ_id, period, date
                 UNION ALL
                SELECT 'team', team.key::int, period, date, SUM(amount * team.value::float8)
                  FROM moved CROSS JOIN jsonb_each_text(team_shares) team GROUP BY team.key, period, date
            ), fresh AS (
                SELECT own.id, COALESCE(s.amount, 0) AS adjustment, s.amount IS NOT NULL AS is_moved
                  FROM sales_forecast_line own
                  LEFT JOIN sums s
                         ON s.level = own.level AND s.period = own.period AND s.date = own.date
                        AND s.part = CASE own.level WHEN 'category' THEN COALESCE(own.categ_id, 0)
                                                    WHEN 'team' THEN COALESCE(own.team_id, 0) ELSE 0 END
                 WHERE own.company_id = %(company)s AND own.level <> 'product_warehouse' AND NOT own.has_actual
                   AND %(above)s
            )
            UPDATE sales_forecast_line l
               SET adjustment = f.adjustment, final = l.mean + f.adjustment,
                   override_reason = CASE WHEN f.is_moved THEN l.override_reason END,
                   override_user_id = CASE WHEN f.is_moved THEN l.override_user_id END,
                   override_date = CASE WHEN f.is_moved THEN l.override_date END
              FROM fresh f
             WHERE f.id = l.id AND (
                   (l.adjustment, l.final) IS DISTINCT FROM (f.adjustment, l.mean + f.adjustment)
                   OR NOT f.is_moved AND l.override_reason IS NOT NULL)
            RETURNING l.forecast_id
            """, company=company.id, below=scope(SQL("l")), above=scope(SQL("own"))))
        self._refresh_next(company, lines and {*lines.forecast_id.ids, *(forecast for (forecast,) in moved)})

    @api.model
    def _refresh_next(self, company, forecast_ids=None):
        """Have the lists show the next period: the first that has not begun.

        :param forecast_ids: the forecasts whose lines changed; all may have if not given
        """
        def among(column):
            return SQL("%s = ANY(%s)", column, list(forecast_ids)) if forecast_ids is not None else SQL("TRUE")

        self.env.cr.execute(SQL(
            """
            WITH coming AS (
                SELECT DISTINCT ON (forecast_id) forecast_id, date, final, lo, hi
                  FROM sales_forecast_line WHERE company_id = %(company)s AND date > %(today)s AND %(lines)s
                 ORDER BY forecast_id, date
            ), changed AS (
                SELECT DISTINCT forecast_id FROM sales_forecast_line
                 WHERE company_id = %(company)s AND (is_overridden OR ABS(adjustment) >= 0.005) AND NOT has_actual
                   AND %(lines)s
            ), shown AS (
                SELECT f.id, c.date, c.final, c.lo, c.hi, h.forecast_id IS NOT NULL AS by_hand
                  FROM sales_forecast f
                  LEFT JOIN coming c ON c.forecast_id = f.id
                  LEFT JOIN changed h ON h.forecast_id = f.id
                 WHERE f.company_id = %(company)s AND %(heads)s
            )
            UPDATE sales_forecast f
               SET next_date = s.date, next_final = s.final, next_lo = s.lo, next_hi = s.hi, has_overrides = s.by_hand
              FROM shown s
             WHERE s.id = f.id
               AND (f.next_date, f.next_final, f.next_lo, f.next_hi, f.has_overrides)
                   IS DISTINCT FROM (s.date, s.final, s.lo, s.hi, s.by_hand)
            """, company=company.id, today=self._get_today(company), lines=among(SQL("forecast_id")),
            heads=among(SQL("f.id"))))
