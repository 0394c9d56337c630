from unittest.mock import patch

import numpy as np

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import freeze_time, tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.sms_addon.models import sales_study_run
from odoo.addons.sms_addon.tools.evidence import ThinDataError

from .common import WarehouseCommon

STUDY = 'odoo.addons.sms_addon.models.sales_study.SalesStudy'


class StudyCommon(WarehouseCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cron = cls.env.ref('sms_addon.ir_cron_sales_study')
        cls.studies = cls.env['sales.study']
        cls.studies.search([('state', '=', 'running')]).action_stop()

    def study(self, user=None, **values):
        return self.studies.with_user(user or self.manager).create({'kind': 'churn', **values})

    def work(self, run):
        """Have the scheduled action work with ``run`` as what a study does."""
        with patch.object(type(self.studies), '_run_churn', run, create=True), self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.env.invalidate_all()

    def outcome(self, value=0.8, naive=0.7, **values):
        return {
            'measures': [
                {'measure': "AUC", 'value': value, 'naive': naive, 'naive_label': "Recency", 'better': 'higher',
                 'data': "the last fifth"},
                {'measure': "Error", 'value': 0.2, 'better': 'lower'},
            ],
            'result': {'rules': 3}, 'rows': 12, 'data': "12 customers", **values,
        }


@tagged('post_install', '-at_install')
class TestStudyData(StudyCommon):
    """Arrays into and out of the database."""

    def test_rows_are_read_as_arrays(self):
        query = SQL(
            "SELECT * FROM (VALUES (%s, 1.5, '2026-03-01'::date, TRUE), (NULL, NULL, NULL, NULL),"
            " (-7, -0.25, '1999-12-31', FALSE)) v (a, b, c, d)", 2 ** 40)
        read = self.studies._read_matrix(query, {'a': 'int', 'b': 'float', 'c': 'date', 'd': 'bool'})
        self.assertEqual(read['a'].tolist(), [2 ** 40, 0, -7])
        np.testing.assert_array_equal(read['b'], [1.5, np.nan, -0.25])
        np.testing.assert_array_equal(read['c'], np.array(['2026-03-01', 'NaT', '1999-12-31'], 'datetime64[D]'))
        self.assertEqual(read['d'].tolist(), [True, False, False])

    def test_no_rows_are_empty_arrays(self):
        read = self.studies._read_matrix(SQL("SELECT 1 AS a WHERE FALSE"), {'a': 'int'})
        self.assertEqual((read['a'].tolist(), read['a'].dtype), ([], np.int64))

    def test_percent_signs_and_quotes_are_no_parameters(self):
        query = SQL("SELECT 1 AS a WHERE '5%%' = %s AND %s LIKE '%%''%%'", "5%", "it's")
        self.assertEqual(self.studies._read_matrix(query, {'a': 'int'})['a'].tolist(), [1])

    def test_many_rows_in_chunks(self):
        with patch('odoo.addons.sms_addon.models.sales_study_data.CHUNK', 1000):
            values = np.arange(5000)
            table = self.studies._write_matrix('study_test', {
                'a': values, 'b': values / 7, 'c': np.datetime64('1998-01-01') + values, 'd': values % 3 == 0})
            read = self.studies._read_matrix(
                SQL("SELECT * FROM %s ORDER BY a", table), {'a': 'int', 'b': 'float', 'c': 'date', 'd': 'bool'})
        np.testing.assert_array_equal(read['a'], values)
        np.testing.assert_array_equal(read['b'], values / 7)
        np.testing.assert_array_equal(read['c'], np.datetime64('1998-01-01') + values)
        np.testing.assert_array_equal(read['d'], values % 3 == 0)

    def test_nothing_is_written_as_null(self):
        table = self.studies._write_matrix('study_test', {
            'a': np.array([np.nan, 2.0]), 'b': np.array(['NaT', '2026-01-01'], 'datetime64[D]')})
        rows = self.env.execute_query(SQL("SELECT * FROM %s", table))
        self.assertCountEqual(rows, [(None, None), (2.0, fields.Date.to_date('2026-01-01'))])

    def test_a_table_is_replaced(self):
        for length in (3, 1, 0):
            table = self.studies._write_matrix('study_test', {'a': np.zeros(length)})
            self.assertEqual(self.env.execute_query(SQL("SELECT COUNT(*) FROM %s", table)), [(length,)])

    def test_read_sees_what_was_not_written_yet(self):
        self.customers[0].color = 7
        query = SQL("SELECT color FROM res_partner WHERE id = %s", self.customers[0].id)
        self.assertEqual(self.studies._read_matrix(query, {'color': 'int'})['color'].tolist(), [7])
