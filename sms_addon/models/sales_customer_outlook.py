from odoo import api, fields, models
from odoo.tools import SQL

from .sales_customer_figures import COMPANY_BITS


class SalesCustomerOutlook(models.Model):
    """What studies expect of a customer, a row per customer and company under the id of the profile.

    The rows are laid down by studies, all customers of a company at once; a customer that a later study says nothing
    of has nothing left of an earlier one.
    """
    _name = 'sales.customer.outlook'
    _description = "Customer Outlook"
    _inherit = ['sales.star']
    _auto = False
    _log_access = False
    _order = 'expected_value desc, id'
    _rec_name = 'commercial_partner_id'

    commercial_partner_id = fields.Many2one('res.partner', string="Customer", readonly=True)
    company_id = fields.Many2one('res.company', readonly=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    study_id = fields.Many2one('sales.study', string="Lifetime Study", readonly=True)
    churn_study_id = fields.Many2one('sales.study', readonly=True)
    as_of = fields.Date(readonly=True)
    horizon_days = fields.Integer(readonly=True, aggregator=None)
    p_alive = fields.Float(string="Still a Customer", readonly=True, aggregator='avg')
    expected_orders = fields.Float(readonly=True)
    expected_value = fields.Monetary(readonly=True)
    churn_probability = fields.Float(readonly=True, aggregator='avg')

    _star_indexes = {'pkey': (True, '(id)'), 'company': (False, '(company_id)')}

    #: columns that a kind of study fills -> the one that names the study
    _columns_of = {
        'study_id': ('p_alive', 'expected_orders', 'expected_value', 'horizon_days'),
        'churn_study_id': ('churn_probability',),
    }

    def _columns(self):
        return [
            'id', 'commercial_partner_id', 'company_id', 'study_id', 'churn_study_id', 'as_of', 'horizon_days',
            'p_alive', 'expected_orders', 'expected_value', 'churn_probability',
        ]

    def _column_type(self, name):
        if name == 'id':
            return SQL('int8')
        if name == 'expected_value':
            return SQL('numeric')
        return super()._column_type(name)

    def _star_empty(self):
        """The tables of the warehouse are none the worse for it."""

    def _star_changed(self):
        """The next studies fill it."""

    @api.model
    def _write_columns(self, keys, values, study):
        """Lay down what a study found, and forget what an earlier study of its kind had.

        :param keys: int64 array of customers, customer * 2^20 + company
        :param values: column -> array, a value per key; NaN where there is nothing to say
        :param study: the study, of one company
        """
        by = next(by for by, columns in self._columns_of.items() if values.keys() <= set(columns))
        columns = SQL(", ").join(map(SQL.identifier, values))
        fresh = self.env['sales.study']._write_matrix('sales_customer_outlook_fresh', {'id': keys, **values})
        cr, table = self.env.cr, SQL.identifier(self._table)
        cr.execute(SQL(
            "UPDATE %s t SET %s, %s = NULL WHERE company_id = %s AND %s IS NOT NULL"
            " AND NOT EXISTS (SELECT FROM %s f WHERE f.id = t.id)",
            table, SQL(", ").join(SQL("%s = NULL", SQL.identifier(name)) for name in self._columns_of[by]),
            SQL.identifier(by), study.company_id.id, SQL.identifier(by), fresh))
        cr.execute(SQL(
            """
            INSERT INTO %(table)s (id, commercial_partner_id, company_id, %(by)s, as_of, %(columns)s)
            SELECT id, id >> %(bits)s, %(company)s, %(study)s, %(as_of)s, %(columns)s FROM %(fresh)s
                ON CONFLICT (id) DO UPDATE SET %(by)s = EXCLUDED.%(by)s, as_of = EXCLUDED.as_of, %(updated)s
            """,
            table=table, by=SQL.identifier(by), columns=columns, bits=COMPANY_BITS, company=study.company_id.id,
            study=study.id, as_of=study._get_as_of(), fresh=fresh, updated=SQL(", ").join(
                SQL("%s = EXCLUDED.%s", SQL.identifier(name), SQL.identifier(name)) for name in values)))
        cr.execute(SQL(
            "DELETE FROM %s WHERE company_id = %s AND study_id IS NULL AND churn_study_id IS NULL",
            table, study.company_id.id))
        self.invalidate_model(flush=False)
