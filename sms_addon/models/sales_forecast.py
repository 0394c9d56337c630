from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date
from odoo.tools.misc import formatLang

from ..tools.forecasting import MIN_PERIODS

LEVELS = [
    ('product_warehouse', "Product and Warehouse"),
    ('category', "Product Category"),
    ('team', "Sales Team"),
    ('company', "Company"),
]
PERIODS = [('week', "Week"), ('month', "Month")]


class SalesForecast(models.Model):
    """What will be sold in the next weeks or months: of a product in a warehouse, a category, by a team, in all.

    The rows of products are quantities in the unit of the product, the others untaxed amounts in the currency of the
    company. Of one period they agree: an amount of a category, of a team or of the company is what its products sell
    at their recent net price (a product of several teams counts in the shares that they sold of it lately), and that
    of products too new or too rare to have a forecast of their own. So the categories add up to the company, and so do
    the teams. Who changes the figure of a product by hand moves the levels above by as much; who changes that of a
    category or of the company moves its products, each by the same share. Weeks come to
    their months, by days, until somebody changes one of them by hand: that moves the periods of its kind alone.

    Rows are written by a :class:`SalesStudy` of the kind 'demand', lines by it and by people.
    """
    _name = 'sales.forecast'
    _description = "Demand Forecast"
    _inherit = ['mail.thread', 'sales.selection.order']
    _stage_fields = ('level', 'period', 'status')
    _order = 'level, next_final desc nulls last, id'
    _rec_names_search = ['product_id', 'warehouse_id', 'categ_id', 'team_id']

    key = fields.Char(required=True, readonly=True, help="Finds the forecast again in the next study.")
    active = fields.Boolean(default=True, readonly=True, help="The last study had it.")
    level = fields.Selection(LEVELS, required=True, readonly=True, index=True)
    period = fields.Selection(PERIODS, required=True, readonly=True)
    measure = fields.Selection([
        ('quantity', "Quantity"), ('amount', "Amount"),
    ], compute='_compute_measure', help="Quantities are in the unit of the product, amounts untaxed.")
    product_id = fields.Many2one('product.product', readonly=True, ondelete='cascade', index='btree_not_null')
    warehouse_id = fields.Many2one('stock.warehouse', readonly=True, ondelete='cascade', index='btree_not_null')
    categ_id = fields.Many2one('product.category', string="Product Category", readonly=True, ondelete='cascade')
    team_id = fields.Many2one('crm.team', string="Sales Team", readonly=True, ondelete='cascade')
    company_id = fields.Many2one('res.company', required=True, readonly=True, ondelete='cascade', index=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    uom_id = fields.Many2one('uom.uom', string="Unit", readonly=True)
    unit_name = fields.Char(string="Counted In", compute='_compute_unit_name')
    line_ids = fields.One2many('sales.forecast.line', 'forecast_id', string="Periods")
    coming_line_ids = fields.One2many(
        'sales.forecast.line', 'forecast_id', string="Coming Periods", domain=[('has_actual', '=', False)])
    past_line_ids = fields.One2many(
        'sales.forecast.line', 'forecast_id', string="Past Periods", domain=[('has_actual', '=', True)], readonly=True)

    model = fields.Char(readonly=True, help="What forecast it, by the back-test the best.")
    status = fields.Selection([
        ('ok', "Forecast"), ('naive', "Naive Forecast"), ('sum', "Sum of Products"), ('abstained', "Abstained"),
    ], required=True, readonly=True)
    reason = fields.Char(string="Why", compute='_compute_reason')
    sibling_id = fields.Many2one(
        'sales.forecast', string="By the Other Period", compute='_compute_sibling_id',
        help="The same by week, or by month.")
    known_periods = fields.Integer(
        string="Periods Known", readonly=True, help="Since the first sale, without those that had no stock.")
    backtest_error = fields.Float(
        string="Back-test Error", digits=(16, 2), readonly=True, aggregator=None,
        help="How far it was off on past periods that it had not seen.")
    naive_error = fields.Float(
        digits=(16, 2), readonly=True, aggregator=None,
        help="How far off there the same period of the season before would have been.")
    gain = fields.Float(
        string="Better by", readonly=True, aggregator=None,
        help="By which share it was less off than the same period of the season before. Below 0 only for what is "
             "seldom sold, where that was better by no more than luck explains.")
    price = fields.Float(
        string="Recent Net Price", digits='Product Price', readonly=True, aggregator=None,
        help="What the amounts of the levels above count a unit for.")
    team_shares = fields.Json(readonly=True)
    study_id = fields.Many2one('sales.study', readonly=True, ondelete='set null', index='btree_not_null')

    # -- the period that comes next, and how good those before it were
    next_date = fields.Date(string="Next Period", readonly=True)
    next_final = fields.Float(string="Next Forecast", digits=(16, 2), readonly=True, aggregator=None)
    next_lo = fields.Float(string="Low", digits=(16, 2), readonly=True, aggregator=None)
    next_hi = fields.Float(string="High", digits=(16, 2), readonly=True, aggregator=None)
    has_overrides = fields.Boolean(string="Changed by Hand", readonly=True)
    accuracy = fields.Float(
        readonly=True, aggregator=None,
        help="1 less what the forecasts used were off by, over what was sold, in the periods that are over.")
    accuracy_count = fields.Integer(
        string="Periods Judged", readonly=True, aggregator=None, help="Periods that were forecast and are over.")

    _key_uniq = models.UniqueIndex("(company_id, key)", "There is one forecast of it.")

    @api.depends('level')
    def _compute_measure(self):
        for forecast in self:
            forecast.measure = 'quantity' if forecast.level == 'product_warehouse' else 'amount'

    @api.depends('level', 'uom_id', 'currency_id')
    def _compute_unit_name(self):
        for forecast in self:
            product = forecast.level == 'product_warehouse'
            forecast.unit_name = forecast.uom_id.name if product else forecast.currency_id.name

    @api.depends('level', 'product_id', 'warehouse_id', 'categ_id', 'team_id', 'company_id')
    def _compute_display_name(self):
        for forecast in self:
            forecast.display_name = forecast._get_subject()

    def _get_subject(self):
        if self.level == 'product_warehouse':
            return f"{self.product_id.display_name} – {self.warehouse_id.name}"
        if self.level == 'category':
            return self.categ_id.display_name or self.env._("No Category")
        if self.level == 'team':
            return self.team_id.name or self.env._("No Team")
        return self.company_id.name

    @api.depends('status', 'model', 'backtest_error', 'naive_error', 'known_periods')
    def _compute_reason(self):
        for forecast in self:
            forecast.reason = forecast._get_reason()

    @api.depends('key', 'company_id')
    def _compute_sibling_id(self):
        others = {'month': 'week', 'week': 'month'}
        keys = {forecast: f"{others[forecast.period]}:{forecast.key.partition(':')[2]}" for forecast in self}
        found = {
            (forecast.company_id, forecast.key): forecast for forecast in self.search([
                ('key', 'in', list(keys.values())), ('company_id', 'in', self.company_id.ids)])}
        for forecast in self:
            forecast.sibling_id = found.get((forecast.company_id, keys[forecast]))

    def action_open_sibling(self):
        self.ensure_one()
        return self.sibling_id._get_records_action()

    def _get_reason(self):
        if self.status == 'abstained':
            return self.env._(
                "Known are %(count)s periods; a forecast needs at least %(needed)s.",
                count=self.known_periods, needed=MIN_PERIODS)
        if self.status == 'sum':
            return self.env._("Too new to be forecast itself: what its products will sell.")
        numbers = {
            'model': self.model,
            'error': formatLang(self.env, self.backtest_error, digits=2),
            'naive': formatLang(self.env, self.naive_error, digits=2),
        }
        if self.status == 'naive':
            return self.env._(
                "On past periods nothing was closer than the same period of the season before, which was off by"
                " %(naive)s.", **numbers)
        return self.env._(
            "On past periods %(model)s was off by %(error)s, the same period of the season before by %(naive)s.",
            **numbers)

    def write(self, vals):
        """Take over what people change of periods, and what they write to each other; the rest is of studies."""
        strange = {
            name for name in vals.keys() & self._fields.keys()
            if self._fields[name].readonly and self._fields[name].store}
        if strange and not self.env.su:
            raise AccessError(self.env._(
                "A forecast is not edited. Change what is used of its periods, and say why. (%(fields)s)",
                fields=", ".join(sorted(strange))))
        return super().write(vals)

    @api.model
    def _get_today(self, company):
        return self.env['sales.study'].new({'company_id': company.id})._get_as_of()

    # -- buttons

    def action_update(self):
        """Have a study make the forecasts of the current company anew, and show it."""
        studies = self.env['sales.study']
        studies.check_access('create')
        mine = [('kind', '=', 'demand'), ('company_id', '=', self.env.company.id)]
        study = studies.search([*mine, ('state', '=', 'running')], limit=1)
        if not study:
            last = studies.search(mine, limit=1)
            if last and last.state != 'draft':
                return last.action_run_again()
            study = last or studies.create({'kind': 'demand'})
            study.action_run()
        return study._get_records_action()

    @api.model
    def _get_products_with_forecasts(self, products):
        """Return those of the products that have a forecast the user may see."""
        if not self.has_access('read'):
            return products.browse()
        found = self._read_group([('product_id', 'in', products.ids)], ['product_id'])
        return products.browse(product.id for (product,) in found)

    @api.model
    def _open_for(self, domain):
        """Open the forecasts of a product: the one there is by month, or all of them."""
        found = self.search(domain)
        by_month = found.filtered(lambda forecast: forecast.period == 'month')
        if len(by_month) == 1:
            return by_month._get_records_action()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_forecast_action'),
            'domain': domain,
            'context': {'search_default_month': 1} if by_month else {},
        }

    def action_open_lines(self):
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_forecast_line_action'),
            'domain': [('forecast_id', '=', self.id)],
            'context': {},
        }

    def action_open_exclusions(self):
        """Show what is left out of the past of the product."""
        self.ensure_one()
        domain = [('company_id', '=', self.company_id.id)]
        if self.product_id:
            domain.append(('touched_product_ids', 'in', self.product_id.ids))
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_forecast_exclusion_action'),
            'domain': domain,
            'context': {'default_product_id': self.product_id.id},
        }

    def action_remove_overrides(self):
        """Have what people changed in the coming periods forgotten; of a category or the company, that below too."""
        self.check_access('write')
        for forecast in self:
            lines = forecast._get_bottom_lines().filtered('is_overridden')
            if not lines:
                raise UserError(self.env._(
                    "Nobody has changed the coming periods of %(name)s.", name=forecast.display_name))
            lines._remove_override()
            forecast.message_post(body=self.env._("Changes by hand removed."), subtype_xmlid='mail.mt_note')

    def _get_bottom_lines(self, date=None):
        """Return the lines of products that the coming lines of this forecast are made of."""
        self.ensure_one()
        domain = [
            ('company_id', '=', self.company_id.id), ('period', '=', self.period), ('level', '=', 'product_warehouse'),
            ('forecast_id.active', '=', True),
            ('date', '=', date) if date else ('date', '>=', self.line_ids._get_current_start(self))]
        if self.level == 'product_warehouse':
            domain.append(('forecast_id', '=', self.id))
        elif self.level == 'category':
            domain.append(('categ_id', '=', self.categ_id.id))
        elif self.level == 'team':
            raise UserError(self.env._(
                "What a team sells is the sum of its products. Change products, a category or the company."))
        return self.env['sales.forecast.line'].search(domain)

    def _describe_period(self, date):
        """Return a week or month in words."""
        if self.period == 'month':
            return format_date(self.env, date, date_format='MMMM y')
        return self.env._("week of %(day)s", day=format_date(self.env, date))
