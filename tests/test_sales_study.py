from datetime import timedelta
from unittest.mock import patch

import numpy as np
import psycopg2.errors

from odoo import SUPERUSER_ID, fields
from odoo.exceptions import AccessError, ConcurrencyError, UserError, ValidationError
from odoo.sql_db import db_connect
from odoo.tests import freeze_time, tagged, users
from odoo.tools import SQL, LazyTranslate, mute_logger

from odoo.addons.sms_addon.models.sales_study_run import ATTEMPTS
from odoo.addons.sms_addon.tools.evidence import ThinDataError

from .common import WarehouseCommon

_lt = LazyTranslate('sms_addon')
LOGGER = 'odoo.addons.sms_addon.models.sales_study_run'


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

    def run_study(self, run=None, **values):
        study = self.study(**values)
        study.action_run()
        self.work(run or self.runs(self.outcome()))
        return study

    def runs(self, outcome, steps=2, before=lambda study, step: None):
        """Return what a kind of study does, in steps before which something happens."""
        def run(study):
            for step in range(steps):
                before(study, step)
                yield "Counting", step, steps
            return outcome
        return run

    def raises(self, error):
        def fail(study, step):
            study._write_matrix('study_test', {'a': np.zeros(2)})
            study.company_id.name = "Half done"
            raise error
        return self.runs(None, before=fail)

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


@tagged('post_install', '-at_install')
class TestStudy(StudyCommon):
    """What becomes of a study."""

    def test_result_is_shown_beside_the_naive_rule(self):
        study = self.study(horizon_days=30, date_to='2026-03-31')
        study.action_run()
        self.assertEqual((study.state, study.measure_ids), ('running', self.env['sales.study.measure']))
        self.work(self.runs(self.outcome()))
        self.assertRecordValues(study, [{
            'state': 'done', 'is_current': True, 'data_rows': 12, 'data_description': "12 customers", 'reason': False,
            'result': {'rules': 3},
        }])
        self.assertRecordValues(study.measure_ids, [
            {'name': "AUC", 'value': 0.8, 'naive_value': 0.7, 'has_naive': True, 'verdict': 'better'},
            {'name': "Error", 'value': 0.2, 'naive_value': 0, 'has_naive': False, 'verdict': False},
        ])
        self.assertEqual(study.parameters['horizon_days'], 30)
        self.assertEqual(study.parameters['date_to'], '2026-03-31')
        self.assertLessEqual(study.started_at, study.finished_at)

    def test_lower_is_better_where_it_is_an_error(self):
        for value, naive, better, verdict in (
                (0.8, 0.7, 'higher', 'better'), (0.6, 0.7, 'higher', 'worse'), (0.6, 0.7, 'lower', 'better'),
                (0.8, 0.7, 'lower', 'worse'), (0.7, 0.70000001, 'lower', 'same')):
            with self.subTest(value=value, better=better):
                measures = [{'measure': "M", 'value': value, 'naive': naive, 'naive_label': "N", 'better': better}]
                study = self.run_study(self.runs(self.outcome(measures=measures)))
                self.assertEqual(study.measure_ids.verdict, verdict)

    def test_fingerprint_is_that_of_the_data(self):
        def reading(value):
            def read(study, step):
                study._read_matrix(SQL("SELECT %s AS a", value), {'a': 'int'})
            return self.runs(self.outcome(), before=read)
        first, again, other = (self.run_study(reading(value)).data_digest for value in (1, 1, 2))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_thin_data_is_told_in_a_sentence(self):
        sentences = {'few': _lt("%(there)s customers are too few, %(needed)s are needed.")}
        with patch.object(type(self.studies), '_thin_sentences', lambda self: sentences):
            study = self.run_study(self.raises(ThinDataError('few', there=3, needed=50)))
        self.assertEqual((study.state, study.reason), ('abstained', "3 customers are too few, 50 are needed."))
        self.assertFalse(study.is_current)
        self.assertNotEqual(study.company_id.name, "Half done")

    def test_thin_data_without_a_sentence_tells_its_figures(self):
        study = self.run_study(self.raises(ThinDataError('few', there=3)))
        self.assertEqual(study.state, 'abstained')
        self.assertIn("few", study.reason)
        self.assertIn("3", study.reason)

    @mute_logger(LOGGER)
    def test_a_failure_leaves_nothing_behind(self):
        study = self.run_study(self.raises(ZeroDivisionError("by zero")))
        self.assertEqual((study.state, study.measure_ids.ids), ('failed', []))
        self.assertIn("by zero", study.reason)
        self.assertNotEqual(study.company_id.name, "Half done")

    @mute_logger(LOGGER)
    def test_a_result_that_cannot_be_written_fails(self):
        study = self.run_study(self.runs(self.outcome(measures=[{'measure': "M", 'value': 1}])))
        self.assertEqual((study.state, study.measure_ids.ids, study.is_current), ('failed', [], False))

    def test_one_that_fails_does_not_keep_others(self):
        failing, study = self.study(name="Failing"), self.study()
        (failing + study).action_run()

        def fail(study, step):
            if study.name == "Failing":
                raise UserError("Not today")
        with mute_logger(LOGGER):
            self.work(self.runs(self.outcome(), before=fail))
        self.assertEqual((failing.state, failing.reason, study.state), ('failed', "Not today", 'done'))

    def test_the_last_result_is_in_use(self):
        first = self.run_study()
        second = self.run_study()
        other = self.run_study(company_id=self.env['res.company'].create({'name': "Other"}).id, user=self.env.user)
        self.run_study(self.raises(ThinDataError('few')))
        self.assertEqual([study.sudo().is_current for study in (first, second, other)], [False, True, True])

    def test_a_study_that_others_disturb_is_begun_again(self):
        for error in (psycopg2.errors.SerializationFailure(), ConcurrencyError("The warehouse was rebuilt meanwhile")):
            study = self.run_study(self.raises(error))
            self.assertEqual(study.state, 'running')
            self.assertNotEqual(study.company_id.name, "Half done")
            self.work(self.runs(self.outcome()))
            self.assertEqual(study.state, 'done')

    def test_a_warehouse_that_was_swapped_meanwhile_is_not_taken_for_empty(self):
        def read(study):
            study._read_matrix(SQL("SELECT 1 AS a"), {'a': 'int'})
            yield "Counting", 0, 1
            return self.outcome()
        study = self.study()
        study.action_run()
        swapped = ConcurrencyError("Swapped")
        with patch.object(type(self.env['sales.fact']), '_check_tables_visible', side_effect=swapped):
            self.work(read)
        self.assertEqual(study.state, 'running')
        self.work(read)
        self.assertEqual(study.state, 'done')

    # -- stopping and crashing

    def test_stop_while_it_waits(self):
        study = self.study()
        study.action_run()
        study.action_stop()
        self.work(self.runs(self.outcome()))
        self.assertEqual(study.state, 'draft')
        study.action_run()
        self.work(self.runs(self.outcome()))
        self.assertEqual((study.state, study.reason), ('done', False))

    def test_stop_while_it_works(self):
        steps = []

        def stop(study, step):
            steps.append(step)
            study.company_id.name = "Half done"
            study.progress_id.sudo().request_stop()
        study = self.run_study(self.runs(self.outcome(), steps=5, before=stop))
        self.assertEqual((study.state, steps), ('draft', [0]))
        self.assertNotEqual(study.company_id.name, "Half done")

    def test_stop_does_not_wait_for_who_works_on_it(self):
        with db_connect(self.env.cr.dbname).cursor() as cr:
            env = self.env(cr=cr, su=True, user=SUPERUSER_ID)
            study = env['sales.study'].create({'kind': 'churn'})
            study._start()
            cr.commit()
            try:
                with db_connect(self.env.cr.dbname).cursor() as worker:
                    self.assertTrue(study.with_env(study.env(cr=worker))._take())
                    cr.execute("SET LOCAL lock_timeout = '2s'")
                    study.action_stop()
                    cr.commit()
                    self.assertFalse(study._take(), "somebody works on it")
                    worker.rollback()
                study.invalidate_recordset()
                self.assertEqual((study.state, study.progress_id.stop_requested), ('running', True))
            finally:
                cr.rollback()
                study.progress_id.unlink()
                study.state = 'draft'
                study.unlink()
                cr.commit()

    def test_progress_is_seen_while_it_works(self):
        study = self.study()
        study.action_run()
        seen = []
        self.work(self.runs(self.outcome(), steps=4, before=lambda study, step: (
            study.env.invalidate_all(), seen.append((study.progress, study.phase)))))
        self.assertEqual(seen, [(0, False), (0, "Counting"), (25, "Counting"), (50, "Counting")])
        self.assertEqual((study.progress, study.phase), (0, False))

    def test_a_killed_worker_is_followed_by_another(self):
        study = self.study()
        study.action_run()
        # what is left of a worker that was killed: a study that runs, with nobody who has its row
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            study.with_env(self.env(cr=cr, su=True))._begin()
        self.env.invalidate_all()
        self.assertEqual((study.state, study.attempts), ('running', 1))
        self.work(self.runs(self.outcome()))
        self.assertEqual((study.state, study.attempts), ('done', 0))

    def test_one_that_kills_workers_is_given_up(self):
        study = self.study()
        study.action_run()
        study.sudo().attempts = ATTEMPTS
        self.work(self.raises(AssertionError("begun once more")))
        self.assertEqual(study.state, 'failed')
        self.assertIn(str(ATTEMPTS), study.reason)

    # -- again, on time, compared

    def test_run_again_is_a_new_study(self):
        first = self.run_study(horizon_days=30)
        second = self.studies.browse(first.action_run_again()['res_id'])
        self.assertRecordValues(second, [{'previous_id': first.id, 'state': 'running', 'horizon_days': 30}])
        self.work(self.runs(self.outcome(value=0.75)))
        self.assertRecordValues(first.measure_ids, [{'value': 0.8}, {'value': 0.2}])
        self.assertRecordValues(second.measure_ids, [
            {'value': 0.75, 'other_value': 0.8, 'change': 'worse'},
            {'value': 0.2, 'other_value': 0.2, 'change': 'same'},
        ])

    def test_two_runs_beside_each_other(self):
        first, second, third = (self.run_study(self.runs(self.outcome(value=value))) for value in (0.6, 0.7, 0.8))
        action = (first + third).action_compare()
        measures = self.env['sales.study.measure'].with_context(action['context']).search(action['domain'])
        self.assertRecordValues(measures.filtered(lambda measure: measure.name == "AUC"), [
            {'study_id': third.id, 'value': 0.8, 'other_value': 0.6, 'has_other': True, 'change': 'better'}])
        for wrong in (first, first + second + third, first + self.study(kind='needs')):
            with self.assertRaises(UserError):
                wrong.action_compare()

    def test_quality_over_time_is_that_of_the_kind(self):
        first, second = self.run_study(), self.run_study()
        self.env['sales.study.measure'].create({
            'study_id': self.study(kind='needs').id, 'name': "AUC", 'direction': 'higher'})
        measures = self.env['sales.study.measure'].search(first.action_open_quality()['domain'])
        self.assertEqual(measures, (second + first).measure_ids)

    @freeze_time('2027-03-01 08:00:00')
    def test_schedule(self):
        study = self.study(interval_type='weeks', interval_number=2)
        self.assertEqual(study.next_run, fields.Datetime.to_datetime('2027-03-15 08:00:00'))
        with freeze_time('2027-03-15 09:00:00'):
            self.work(self.runs(self.outcome()))
            self.assertEqual(study.state, 'done')
            self.assertEqual(study.next_run, fields.Datetime.to_datetime('2027-03-29 09:00:00'))
        with freeze_time('2027-03-20 09:00:00'):
            self.work(self.runs(self.outcome()))
            self.assertFalse(self.next_of(study), "it is not time yet")
        with freeze_time('2027-03-29 09:10:00'):
            self.work(self.raises(ThinDataError('few')))
            again = self.next_of(study)
            self.assertEqual((again.state, again.interval_type, study.interval_type), ('abstained', 'weeks', 'never'))
            self.assertEqual(again.next_run - fields.Datetime.now(), timedelta(days=14))
        self.assertFalse(study.next_run)

    @freeze_time('2027-03-01 08:00:00')
    def test_who_stops_a_run_does_not_end_the_schedule(self):
        study = self.study(interval_type='weeks')
        study.action_run()
        study.action_stop()
        self.assertEqual((study.state, str(study.next_run)), ('draft', '2027-03-08 08:00:00'))
        with freeze_time('2027-03-08 09:00:00'):
            self.work(self.runs(self.outcome()))
        self.assertEqual(study.state, 'done')

    def next_of(self, study):
        return self.studies.search([('previous_id', '=', study.id)])

    def test_day_of_the_run_is_that_of_the_company(self):
        study = self.study()
        with freeze_time('2027-03-01 20:00:00'):
            self.company.sales_timezone = 'Asia/Shanghai'
            self.assertEqual(study._get_as_of(), fields.Date.to_date('2027-03-02'))
            self.company.sales_timezone = 'America/New_York'
            self.assertEqual(study._get_as_of(), fields.Date.to_date('2027-03-01'))

    def test_a_study_of_each_kind_is_there(self):
        company = self.env['res.company'].create({'name': "New"})
        self.studies._ensure_defaults(company)
        studies = self.studies.search([('company_id', '=', company.id)])
        self.assertCountEqual(studies.mapped('kind'), self.studies._fields['kind'].get_values(self.env))
        self.assertFalse(studies.user_id)
        studies[0].action_run()
        self.assertEqual(studies[0].user_id, self.env.user)
        studies[0].action_stop()

    # -- who may what

    def test_a_run_stays_as_it_was(self):
        study = self.run_study()
        for values in ({'horizon_days': 7}, {'kind': 'needs'}, {'date_from': '2026-01-01'}):
            with self.assertRaises(UserError):
                study.write(values)
        with self.assertRaises(UserError):
            study.action_run()
        study.name = "Better name"

    def test_bad_input(self):
        with self.assertRaises(ValidationError):
            self.study(date_from='2026-02-01', date_to='2026-01-01')
        for values in ({'horizon_days': 0}, {'segment_count': -1}, {'min_support': 1.5}):
            with self.subTest(values), mute_logger('odoo.sql_db'), \
                    self.assertRaises(psycopg2.errors.CheckViolation), self.env.cr.savepoint():
                self.study(**values)

    def test_a_running_study_is_not_deleted(self):
        study = self.study()
        study.action_run()
        with self.assertRaises(UserError):
            study.unlink()
        study.action_stop()
        study.unlink()

    @users('own', 'everyone')
    def test_salespeople_read(self):
        study = self.run_study().with_user(self.env.user)
        self.assertEqual(study.measure_ids.mapped('value'), [0.8, 0.2])
        for act in (study.action_stop, study.action_run_again, study.unlink, lambda: self.study(user=self.env.user)):
            with self.assertRaises(AccessError):
                act()
        self.assertEqual(study.state, 'done')

    def test_studies_of_other_companies_are_not_seen(self):
        other = self.env['res.company'].create({'name': "Other"})
        study = self.run_study(company_id=other.id, user=self.env.user)
        mine = self.studies.with_user(self.manager)
        self.assertFalse(mine.search([('id', '=', study.id)]))
        self.assertFalse(self.env['sales.study.measure'].with_user(self.manager).search([('study_id', '=', study.id)]))
        with self.assertRaises(AccessError):
            mine.browse(study.id).action_stop()
        with self.assertRaises(AccessError):
            self.study(company_id=other.id)


@tagged('post_install', '-at_install')
class TestOutlook(StudyCommon):
    """What studies expect of customers, side by side."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outlook = cls.env['sales.customer.outlook']

    def keys(self, *customers):
        return np.array([customer.id * 2 ** 20 + self.company.id for customer in customers])

    def expect(self, study, customers, values):
        self.outlook._write_columns(self.keys(*customers), values, study)
        self.env.invalidate_all()
        return self.outlook.search([('company_id', '=', self.company.id)], order='id')

    def test_two_kinds_share_a_row(self):
        alpha, beta, gamma = self.customers
        lifetime, churn = self.study(kind='lifetime'), self.study()
        self.expect(lifetime, (alpha, beta), {
            'p_alive': np.array([0.9, 0.2]), 'expected_orders': np.array([2.5, np.nan]),
            'expected_value': np.array([250.0, 0]), 'horizon_days': np.array([90, 90])})
        rows = self.expect(churn, (beta, gamma), {'churn_probability': np.array([0.7, 0.1])})
        self.assertRecordValues(rows, [
            {'commercial_partner_id': alpha.id, 'p_alive': 0.9, 'expected_orders': 2.5, 'expected_value': 250,
             'churn_study_id': False, 'study_id': lifetime.id},
            {'commercial_partner_id': beta.id, 'p_alive': 0.2, 'expected_orders': 0, 'expected_value': 0,
             'churn_study_id': churn.id, 'study_id': lifetime.id},
            {'commercial_partner_id': gamma.id, 'p_alive': 0, 'expected_orders': 0, 'expected_value': 0,
             'churn_study_id': churn.id, 'study_id': False},
        ])
        self.assertEqual(self.env.execute_query(SQL(
            "SELECT expected_orders FROM sales_customer_outlook WHERE commercial_partner_id = %s", beta.id)), [(None,)])

    def test_a_later_study_replaces_an_earlier_one(self):
        alpha, beta, gamma = self.customers
        first, second = self.study(), self.study()
        self.expect(first, (alpha, beta), {'churn_probability': np.array([0.7, 0.1])})
        rows = self.expect(second, (beta, gamma), {'churn_probability': np.array([0.3, 0.2])})
        self.assertRecordValues(rows, [
            {'commercial_partner_id': customer.id, 'churn_probability': value, 'churn_study_id': second.id}
            for customer, value in ((beta, 0.3), (gamma, 0.2))])

    def test_only_managers_of_the_company_read(self):
        [row] = self.expect(self.study(), self.customers[:1], {'churn_probability': np.array([0.7])})
        self.assertEqual(row.with_user(self.manager).churn_probability, 0.7)
        with self.assertRaises(AccessError):
            self.outlook.with_user(self.salesman).search([])
        self.env.cr.execute(SQL(
            "UPDATE sales_customer_outlook SET company_id = %s WHERE id = %s",
            self.env['res.company'].create({'name': "Other"}).id, row.id))
        self.assertFalse(self.outlook.with_user(self.manager).search([('id', '=', row.id)]))
