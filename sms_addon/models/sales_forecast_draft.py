import hashlib
import json
from datetime import timedelta

import numpy as np

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.forecasting import Forecast

#: days that they are kept: a study that was stopped is run again by then, or made from other data
KEPT = 2


class SalesForecastDraft(models.Model):
    """Forecasts that a study has made so far, apart from its transaction, so that one that was stopped goes on.

    A draft is found again by what it was made from: the same series ahead the same way has the same forecast, whoever
    asks, so that none is ever wrong, only unused.
    """
    _name = 'sales.forecast.draft'
    _description = "Draft of a Forecast"
    _log_access = False

    digest = fields.Char(required=True, readonly=True)
    company_id = fields.Many2one('res.company', required=True, readonly=True, ondelete='cascade', index=True)
    figures = fields.Json(required=True, readonly=True)
    made_at = fields.Datetime(required=True, readonly=True)

    _digest_uniq = models.UniqueIndex("(company_id, digest)", "The forecast was made already.")

    @api.model
    def _get_digests(self, series, *settings):
        """Return what each series with these settings is found by."""
        # another version of the addon may forecast in another way
        version = self.env['ir.module.module'].sudo().search([('name', '=', 'sms_addon')]).latest_version
        head = repr((version, *settings)).encode()
        return [
            hashlib.sha256(head + np.ascontiguousarray(values, dtype='<f8').tobytes()).hexdigest() for values in series]

    @api.model
    def _find(self, company, digests):
        """Return digest -> forecast of what was made before."""
        rows = self.env.execute_query(SQL(
            "SELECT digest, figures FROM sales_forecast_draft WHERE company_id = %s AND digest = ANY(%s::text[])",
            company.id, digests))
        return {digest: _read(figures) for digest, figures in rows}

    @api.model
    def _keep(self, company, digests, forecasts):
        """Write forecasts at once, whatever becomes of the transaction of the study."""
        with self.env.registry.cursor() as cr:
            cr.execute(SQL(
                """
                INSERT INTO sales_forecast_draft (company_id, digest, figures, made_at)
                SELECT %s, digest, figures::jsonb, now() AT TIME ZONE 'UTC'
                  FROM unnest(%s::text[], %s::text[]) AS made (digest, figures)
                ON CONFLICT DO NOTHING
                """, company.id, digests, [_write(forecast) for forecast in forecasts]))

    @api.autovacuum
    def _gc_drafts(self):
        self.env.cr.execute(SQL(
            "DELETE FROM sales_forecast_draft WHERE made_at < %s", fields.Datetime.now() - timedelta(days=KEPT)))


def _write(forecast):
    figures = {name: _write_number(getattr(forecast, name)) for name in Forecast.__dataclass_fields__}
    return json.dumps(figures)


def _write_number(value):
    """Return a number, or numbers, as JSON has them: without NaN."""
    if isinstance(value, np.ndarray):
        return [None if np.isnan(number) else float(number) for number in value]
    return value if isinstance(value, str) else None if np.isnan(value) else float(value)


def _read(figures):
    return Forecast(**{
        name: np.array([np.nan if number is None else number for number in value]) if isinstance(value, list)
        else np.nan if value is None else value
        for name, value in figures.items()})
