import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from .sales_rule_facts import OPERATORS

_logger = logging.getLogger(__name__)

#: a spread below this many days tells nothing: one late truck would be an alert
LEAD_SPREAD_MIN = 0.5
#: until rules are asked about all positions where asking about some failed
RETRY = timedelta(minutes=1)


class SalesStockPosition(models.Model):
    """Positions as documents on which rules decide: all that changed are asked about together."""
    _name = 'sales.stock.position'
    _inherit = ['sales.stock.position', 'sales.rule.mixin']

    _rule_moments = ('event', 'schedule')
    _rule_set_based = True
    _rule_partner_field = None
    _rule_amount_field = 'value'
    #: a position is as of its last refresh: a simulation says what the rules would decide as things stand
    _rule_date_field = 'refreshed_at'

    lead_slip = fields.Float(
        string="Lead Time Slip", digits=(16, 2), compute='_compute_lead_slip', search='_search_lead_slip',
        help="How far the recent lead time is above the usual one, in its standard deviations, which count half a day"
             " at least.")

    @api.depends('lead_recent', 'lead_days', 'lead_spread', 'lead_count')
    def _compute_lead_slip(self):
        for position in self:
            position.lead_slip = position.lead_count and (
                position.lead_recent - position.lead_days) / max(position.lead_spread, LEAD_SPREAD_MIN)

    def _search_lead_slip(self, operator, value):
        if operator not in OPERATORS or operator in ('in', 'not in'):
            return NotImplemented

        def to_sql(records, alias, _query):
            return SQL("%s %s %s", records._get_figure_sql(alias, 'lead_slip'), OPERATORS[operator], float(value or 0))

        compare = self._fields['lead_slip'].filter_function(self, 'lead_slip', operator, value)
        return Domain.custom(to_sql=to_sql, predicate=compare)

    @api.model
    def _get_figure_sql(self, alias, name):
        """Return the SQL of a figure of a position, stored or not."""
        if name != 'lead_slip':
            return SQL.identifier(alias, name)
        lead = {name: SQL("COALESCE(%s, 0)::float8", SQL.identifier(alias, name))
                for name in ('lead_recent', 'lead_days', 'lead_spread')}
        return SQL(
            "CASE WHEN %(count)s > 0 THEN (%(recent)s - %(usual)s) / GREATEST(%(spread)s, %(least)s) ELSE 0 END",
            count=SQL.identifier(alias, 'lead_count'), recent=lead['lead_recent'], usual=lead['lead_days'],
            spread=lead['lead_spread'], least=LEAD_SPREAD_MIN)

    def _rule_context(self):
        self.ensure_one()
        return {
            'model': self._name, 'res_id': self.id, 'order_id': False, 'partner_id': False,
            'company_id': self.company_id.id, 'salesman_id': self.user_id.id,
        }

    @api.model
    def _notify_changed(self, ids):
        """Ask the rules about what changed. After a rebuild they are asked about everything in a transaction of their
        own: that of the rebuild is minutes old when it ends."""
        result = super()._notify_changed(ids)
        alerts = self.env['sales.stock.alert'].sudo()  # alerts open and close by themselves, whoever moved the goods
        if ids is None:
            alerts._wake_evaluation()
        elif ids:
            self._ask_rules(alerts, ids)
        return result

    @api.model
    def _ask_rules(self, alerts, ids):
        """Ask the rules about positions; an alert that cannot be told must not keep positions from following."""
        try:
            with self.env.cr.savepoint():
                alerts._evaluate(ids)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception:
            _logger.exception("Stock alerts of %s positions failed; they are asked for again with all others", len(ids))
            alerts._wake_evaluation(at=fields.Datetime.now() + RETRY)

    # -- buttons

    alert_count = fields.Integer(string="Alerts", compute='_compute_alert_count')

    def _compute_alert_count(self):
        counts = dict(self.env['sales.stock.alert']._read_group(
            [('position_id', 'in', self.ids), ('state', '!=', 'closed')], ['position_id'], ['__count']))
        for position in self:
            position.alert_count = counts.get(position._origin, 0)

    def action_open_alerts(self):
        """Open the alerts of the position, those that are still open first."""
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_stock_alert_action'),
            'domain': [('position_id', '=', self.id)],
            'context': {'search_default_todo': 1},
        }
