from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL
from odoo.tools.misc import formatLang

from .sales_forecast import LEVELS, PERIODS

#: what people may write
BY_HAND = {'override', 'override_reason', 'final'}


class SalesForecastLine(models.Model):
    """One week or month of a forecast: what was expected of it, who changed that and why, and what came of it.

    ``final`` is what others use: the figure by hand if there is one, else the forecast; above the level of products
    that with what was changed by hand there (``adjustment``). It stays as it was when its period is over.
    """
    _name = 'sales.forecast.line'
    _description = "Period of a Demand Forecast"
    _inherit = ['sales.selection.order']
    _stage_fields = ('level', 'period')
    _log_access = False
    _order = 'date, id'
    _rec_name = 'forecast_id'

    forecast_id = fields.Many2one(
        'sales.forecast', string="Forecast of", required=True, readonly=True, ondelete='cascade', index=True)
    date = fields.Date(string="From", required=True, readonly=True, help="The first day of the week or month.")
    level = fields.Selection(LEVELS, readonly=True)
    period = fields.Selection(PERIODS, readonly=True)
    product_id = fields.Many2one('product.product', readonly=True, ondelete='cascade', index='btree_not_null')
    warehouse_id = fields.Many2one('stock.warehouse', readonly=True, ondelete='cascade', index='btree_not_null')
    categ_id = fields.Many2one('product.category', string="Product Category", readonly=True, ondelete='cascade')
    team_id = fields.Many2one('crm.team', string="Sales Team", readonly=True, ondelete='cascade')
    company_id = fields.Many2one('res.company', readonly=True, ondelete='cascade')
    mean = fields.Float(string="Forecast", digits=(16, 2), readonly=True)
    lo = fields.Float(
        string="Low", digits=(16, 2), readonly=True, aggregator=None, help="4 of 5 values are between low and high.")
    hi = fields.Float(
        string="High", digits=(16, 2), readonly=True, aggregator=None, help="4 of 5 values are between low and high.")
    adjustment = fields.Float(
        digits=(16, 2), readonly=True, help="By how much products that were changed by hand move it.")
    is_overridden = fields.Boolean(string="Changed by Hand", readonly=True)
    override = fields.Float(string="By Hand", digits=(16, 2), aggregator=None)
    override_reason = fields.Char(string="Reason")
    override_user_id = fields.Many2one('res.users', string="Changed by", readonly=True)
    override_date = fields.Datetime(string="Changed on", readonly=True)
    final = fields.Float(
        string="Used", digits=(16, 2), help="The forecast, or the figure by hand. Type another one to change it.")
    is_open = fields.Boolean(compute='_compute_is_open', help="The week or month is not over.")
    has_actual = fields.Boolean(string="Over", readonly=True)
    actual = fields.Float(digits=(16, 2), readonly=True, help="What was ordered.")
    error = fields.Float(digits=(16, 2), readonly=True, help="What was used, less what was ordered.")
    absolute_error = fields.Float(digits=(16, 2), readonly=True)
    model_error = fields.Float(
        string="Absolute Error of the Forecast", digits=(16, 2), readonly=True, help="Without the changes by hand.")
    covered = fields.Float(
        string="Within Low and High", readonly=True, aggregator='avg', help="Share of periods; 4 of 5 as it should be.")
    error_rate = fields.Float(
        string="Error %", readonly=True, aggregator='avg', help="Absolute error over what was ordered.")

    _date_uniq = models.UniqueIndex("(forecast_id, date)", "A forecast has a period once.")
    _scope_idx = models.Index("(company_id, period, level, date)")
    _reason_given = models.Constraint(
        "CHECK(NOT is_overridden OR override_reason <> '' AND override_reason IS NOT NULL AND override IS NOT NULL)",
        "Say why you change the forecast.")
    _override_positive = models.Constraint("CHECK(override >= 0)", "What will be sold is not below zero.")

    @api.depends('forecast_id', 'date')
    def _compute_display_name(self):
        for line in self:
            line.display_name = f"{line.forecast_id.display_name}, {line.forecast_id._describe_period(line.date)}"

    @api.depends('date', 'period', 'company_id')
    def _compute_is_open(self):
        for forecast, lines in self.grouped('forecast_id').items():
            start = self._get_current_start(forecast)
            for line in lines:
                line.is_open = bool(line.date) and line.date >= start

    @api.onchange('final')
    def _onchange_final(self):
        usual = self._get_usual()
        self.is_overridden = abs((self.final or 0) - usual) >= 0.005
        if self.is_overridden:
            self.override = self.final

    def _get_usual(self):
        """Return what is used of a line that nobody has changed itself."""
        return self.mean + self.adjustment

    def _get_current_start(self, forecast):
        """Return the first day of the period of today."""
        today = self.env['sales.forecast']._get_today(forecast.company_id)
        if forecast.period == 'month':
            return today.replace(day=1)
        return today - timedelta(days=today.weekday())

    def _get_end(self):
        return self.date + (relativedelta(months=1) if self.period == 'month' else timedelta(days=7))

    def _prepare_point(self):
        """Return what a chart shows of what was expected."""
        return {
            'mean': self.mean, 'lo': self.lo, 'hi': self.hi, 'final': self.final,
            'by_hand': self.is_overridden or abs(self.adjustment) >= 0.005,
            'reason': self.override_reason,
        }

    def _read_group_select(self, aggregate_spec, query):
        name, _colon, function = aggregate_spec.partition(':')
        if name == 'error_rate' and function:
            # a mean of shares would count a small product as much as a large one
            return SQL(
                "(SUM(%s) / NULLIF(SUM(%s), 0))::float8",
                SQL.identifier(self._table, 'absolute_error'), SQL.identifier(self._table, 'actual'))
        return super()._read_group_select(aggregate_spec, query)

    # -- by hand

    def write(self, vals):
        """Take over figures by hand; all the rest is of studies and of the scheduled action."""
        by_hand = BY_HAND & vals.keys()
        if self.env.su and not by_hand:
            return super().write(vals)
        strange = vals.keys() - BY_HAND
        if strange:
            raise UserError(self.env._(
                "A forecast is not edited. Change what is used of it, and say why. (%(fields)s)",
                fields=", ".join(sorted(strange))))
        self.check_access('write')
        figure = vals.get('override', vals.get('final'))
        if figure is None:
            reason = self._read_reason(vals['override_reason'])
            self.filtered('is_overridden')._write_override({'override_reason': reason})
            return True
        for line in self:
            line._set_override(figure, self._read_reason(vals.get('override_reason', line.override_reason)))
        return True

    def _read_reason(self, text):
        """Return a reason as it was given.

        :raise ValidationError: there is none
        """
        reason = (text or "").strip()
        if not reason:
            raise ValidationError(self.env._("Say why you change the forecast."))
        return reason

    def _set_override(self, figure, reason):
        """Use a figure by hand for a period that is not over."""
        self.ensure_one()
        if figure < 0:
            raise ValidationError(self.env._("What will be sold is not below zero."))
        if not self.is_open:
            raise UserError(self.env._("%(period)s is over.", period=self.display_name))
        before = self.final
        if self.level == 'product_warehouse':
            self._write_override({'override': figure, 'override_reason': reason})
        else:
            self._spread(figure, reason)
        self._tell_of_override(before, figure, reason)

    def _tell_of_override(self, before, figure, reason):
        forecast = self.forecast_id
        forecast.message_post(subtype_xmlid='mail.mt_note', body=self.env._(
            "%(period)s: %(before)s changed to %(after)s. %(reason)s",
            period=forecast._describe_period(self.date).capitalize(),
            before=formatLang(self.env, before, digits=2), after=formatLang(self.env, figure, digits=2), reason=reason))

    def _spread(self, figure, reason):
        """Move the products below by the same share, so that they come to an amount together."""
        products = self.forecast_id._get_bottom_lines(self.date)
        amounts = {line: line.final * line.forecast_id.price for line in products}
        movable = sum(amounts.values())
        rest = self.final - movable
        if movable <= 0 or figure < rest - 0.005:
            raise UserError(self.env._(
                "%(amount)s of %(name)s cannot be changed here: it is of products without a forecast of their own.",
                amount=formatLang(self.env, rest, digits=2), name=self.display_name))
        products._write_override({'override_reason': reason}, factor=max(figure - rest, 0) / movable)
        self._note_author(reason)

    def _note_author(self, reason):
        self.env.cr.execute(SQL(
            "UPDATE sales_forecast_line SET override_reason = %s, override_user_id = %s, override_date = %s"
            " WHERE id = %s", reason, self.env.uid, fields.Datetime.now(), self.id))
        self.invalidate_recordset(flush=False)

    def _write_override(self, values, factor=None):
        """Write figures by hand of products, and what follows from them above.

        :param values: ``override_reason``, and ``override`` unless there is a factor
        :param factor: the figure of each line is what was used of it so far, times this
        """
        if not self:
            return
        self.check_access('write')
        self.flush_model()
        figure = values.get('override')
        sign = SQL("%s", figure) if figure is not None else SQL("final * %s", factor if factor is not None else 1)
        self.env.cr.execute(SQL(
            """
            UPDATE sales_forecast_line
               SET override = %(figure)s, final = %(figure)s, is_overridden = TRUE, override_reason = %(reason)s,
                   override_user_id = %(user)s, override_date = %(now)s
             WHERE id = ANY(%(ids)s)
            """, figure=sign, reason=values['override_reason'], user=self.env.uid,
            now=fields.Datetime.now(), ids=self.ids))
        self._follow_overrides()

    def action_remove_override(self):
        """Use the forecast again."""
        self.check_access('write')
        lines = self.filtered('is_overridden')
        if lines.filtered(lambda line: not line.is_open):
            raise UserError(self.env._("A period that is over stays as it was."))
        lines._remove_override()
        for line in lines:
            line.forecast_id.message_post(subtype_xmlid='mail.mt_note', body=self.env._(
                "%(period)s: the forecast is used again.",
                period=line.forecast_id._describe_period(line.date).capitalize()))

    def _remove_override(self):
        self.flush_model()
        self.env.cr.execute(SQL(
            """
            UPDATE sales_forecast_line
               SET override = NULL, final = mean, is_overridden = FALSE, override_reason = NULL,
                   override_user_id = NULL, override_date = NULL
             WHERE id = ANY(%s)
            """, self.ids))
        self._follow_overrides()

    def _follow_overrides(self):
        """Have the levels above and the figures of the lists follow what was changed by hand."""
        self.env['sales.forecast'].flush_model()
        for company, lines in self.grouped('company_id').items():
            self.env['sales.forecast']._refresh_sums(company, lines=lines)
        self.env['sales.forecast.line'].invalidate_model(flush=False)
        self.env['sales.forecast'].invalidate_model(flush=False)
