import json
import logging

import psycopg2.errors

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, groupby

from ..tools.sales_import import Issue, Row, assemble_order, parse_row
from ..tools.sales_table import TableError
from .sales_import_directory import Directory

_logger = logging.getLogger(__name__)

ATOMIC_ROWS = 20_000  # up to here all or nothing, in one transaction
READ_ROWS = 5_000  # rows between two commits while reading
BATCH_ROWS = 1_000  # rows of whole orders between two commits while checking and loading

COUNTS = (
    'imported_count',
    'present_count',
    'refused_count',
    'skipped_count',
    'order_count',
    'new_order_count',
    'return_count',
    'anonymous_count',
    'service_count',
    'cancelled_count',
)


class StopImport(Exception):
    """Someone stopped the import while it was at work."""


class SalesImportRun(models.AbstractModel):
    """The work of an import, in steps between which it can be stopped, and carried on with by another process."""
    _name = 'sales.import.run'
    _description = "Work of a Sales Import"

    # -- running

    @api.model
    def _cron_run(self):
        """Carry on with the imports that are running, until they are done or the time is up."""
        for record in self.search([('state', '=', 'running')], order='id'):
            user = record.user_id or self.env.user
            record = record.with_user(user).with_company(record.company_id).with_context(lang=user.lang)
            if not record._run(self.env['ir.cron']._commit_progress):
                break

    def _run(self, commit=None):
        """Work until the goal is reached, someone stops it or the time is up.

        :param commit: called after each batch with the number of rows done, commits and returns the seconds left;
            without it nothing is committed and errors are raised
        :return: whether there is time for more
        """
        self.ensure_one()
        try:
            time_left = self._work_on(commit)
        except (StopImport, psycopg2.errors.SerializationFailure):
            # the state was changed under our hands: give back the batch, and look again
            if not commit:
                raise
            self.env.cr.rollback()
            if self.state == 'running' and self.progress_id.sudo().stop_requested:
                self.state = 'stopped'
            return bool(commit(remaining=int(self.state == 'running')))
        except Exception as error:
            if not commit:
                raise
            _logger.info("Sales import %s failed", self.id, exc_info=True)
            self.env.cr.rollback()
            self._fail(error)
            time_left = commit()
        return bool(time_left)

    def _work_on(self, commit):
        for processed in self._work():
            if self.progress_id.sudo().publish_import(self) != 'running' and commit:
                raise StopImport
            atomic = self.phase == 'load' and self.row_count <= ATOMIC_ROWS and self.state == 'running'
            if commit and not atomic:
                remaining = int(self.state == 'running') and max(self.row_count - self._get_rows_done(), 1)
                if not commit(processed, remaining=remaining):
                    return 0
        return commit(0, remaining=0) if commit else 1

    def _work(self):
        """Go through the phases, yielding the number of rows done whenever the work could be interrupted."""
        if self.phase == 'read':
            yield from self._read_rows()
            self.write(self._prepare_phase('check'))
        if self.phase == 'check':
            yield from self._go_through_orders(dry=True)
            if not self._finish_check():
                yield 0
                return
        yield 0
        if self.phase == 'load':
            yield from self._go_through_orders(dry=False)
            self._finish()
            yield 0

    def _fail(self, error):
        self.write({'state': 'failed', 'error': str(error) if isinstance(error, UserError) else repr(error)})

    def _get_rows_done(self):
        if self.phase == 'read':
            return max(self.last_line - 1, 0)
        return self.imported_count + self.present_count + self.refused_count + self.skipped_count

    def _prepare_phase(self, phase):
        """Return the values with which checking or loading starts: what was found while reading is kept."""
        self.env['sales.import.issue'].sudo().search([('import_id', '=', self.id), ('reading', '=', False)]).unlink()
        return {
            **dict.fromkeys(COUNTS, 0),
            'phase': phase,
            'position': False,
            'refused_count': self.read_refused_count,
            'skipped_count': self.read_skipped_count,
        }

    def _finish_check(self):
        """Tell whether to go on with loading."""
        self._check_nothing_lost()
        if self.goal == 'check' or (self.refused_count and self.error_rule == 'stop'):
            self.state = 'checked'
            self.message_post(body=self._get_summary())
            return False
        self.write(self._prepare_phase('load'))
        return True

    def _finish(self):
        self._check_nothing_lost()
        self.write({'state': 'done', 'phase': False})
        self._drop_rows()
        self.message_post(body=self._get_summary())

    def _check_nothing_lost(self):
        """Each row of the file is imported, there already, refused or left out by a rule: nothing is swallowed."""
        if self._get_rows_done() != self.row_count:
            raise UserError(
                self.env._(
                    "%(done)s lines are accounted for, but the file has %(rows)s. Import it again from the start.",
                    done=self._get_rows_done(),
                    rows=self.row_count,
                )
            )

    def _get_summary(self):
        values = {
            name: self[name]
            for name in ('row_count', 'imported_count', 'present_count', 'refused_count', 'skipped_count')
        }
        if self.state == 'checked':
            return self.env._(
                "Checked %(row_count)s lines: %(imported_count)s can be imported, %(present_count)s are there already,"
                " %(refused_count)s refused, %(skipped_count)s left out by rule.",
                **values,
            )
        return self.env._(
            "Of %(row_count)s lines: %(imported_count)s imported, %(present_count)s already there,"
            " %(refused_count)s refused, %(skipped_count)s left out by rule.",
            **values,
        )

    # -- reading

    def _read_rows(self):
        """Put the rows aside, from the line on which the last batch ended."""
        mapping, batch = self._get_mapping(), []
        try:
            rules = self._get_reading_rules(mapping)
            with self._open_table() as table:
                for line, cells in table.rows:
                    if line <= self.last_line:
                        continue
                    batch.append((line, parse_row(line, cells, mapping, rules)))
                    if len(batch) == READ_ROWS:
                        self._put_aside(batch)
                        yield len(batch)
                        batch = []
        except TableError as error:
            raise UserError(self._explain_table_error(error)) from None
        if batch:
            self._put_aside(batch)
            yield len(batch)

    def _put_aside(self, batch):
        rows = [
            (self.id, line, parsed.order, json.dumps(parsed.row.dump()) if parsed.row else None)
            for line, parsed in batch
            if parsed.order and parsed.outcome != 'skipped'
        ]
        self.env.cr.execute_values(
            'INSERT INTO sales_import_row (import_id, line, order_ref, data) VALUES %s', rows, page_size=1000
        )
        self._add_issues([issue for _line, parsed in batch for issue in parsed.issues], reading=True)
        outcomes = [parsed.outcome for _line, parsed in batch]
        dates = [parsed.row.moment.date() for _line, parsed in batch if parsed.row]
        self.write(
            {
                'last_line': batch[-1][0],
                'row_count': self.row_count + len(batch),
                'read_refused_count': self.read_refused_count + outcomes.count('refused'),
                'read_skipped_count': self.read_skipped_count + outcomes.count('skipped'),
                'newest_date': max([*dates, *(self.newest_date and [self.newest_date] or [])], default=False),
            }
        )

    def _add_issues(self, issues: list[Issue], reading=False):
        self.env.cr.execute_values(
            'INSERT INTO sales_import_issue'
            ' (import_id, company_id, reading, line, "column", value, code, severity) VALUES %s',
            [
                (
                    self.id,
                    self.company_id.id,
                    reading,
                    issue.line,
                    issue.column,
                    issue.value[:200],
                    issue.code,
                    issue.severity,
                )
                for issue in issues
            ],
            page_size=1000,
        )
        self.env['sales.import.issue'].invalidate_model()

    def _drop_rows(self):
        self.env.cr.execute(SQL("DELETE FROM sales_import_row WHERE import_id IN %s", tuple(self.ids or [0])))

    # -- orders

    def _go_through_orders(self, dry):
        """Check or load the orders that come after :attr:`position`, batch by batch."""
        rules, directory = self._get_rules(), Directory(self)
        while orders := self._fetch_orders():
            plans = [assemble_order(ref, rows, rules) for ref, rows in orders]
            counts = self._load_batch(plans, directory, dry)
            self.write(
                {
                    'position': orders[-1][0],
                    'order_count': self.order_count + len(orders),
                    **{name: self[name] + count for name, count in counts.items()},
                }
            )
            yield sum(len(rows) for _ref, rows in orders)
            self.env.flush_all()
            self.env.invalidate_all()

    def _fetch_orders(self):
        """Return the next whole orders: references, and their rows as ``(line, Row)`` in the order of the file."""
        query = SQL("SELECT order_ref, line, data FROM sales_import_row WHERE import_id = %s", self.id)
        rows = self.env.execute_query(
            SQL("%s AND order_ref > %s ORDER BY order_ref, line LIMIT %s", query, self.position or '', BATCH_ROWS)
        )
        if len(rows) == BATCH_ROWS:
            last = rows[-1][0]
            whole = [row for row in rows if row[0] != last]
            rows = whole or self.env.execute_query(SQL("%s AND order_ref = %s ORDER BY line", query, last))
        return [
            (ref, [(line, Row.load(data) if data else None) for _ref, line, data in group])
            for ref, group in groupby(rows, key=lambda row: row[0])
        ]

    def _get_day_shift(self):
        """Return by how many days the dates of this run move; fixed when its loading begins."""
        if not self.shift_dates or not self.newest_date:
            return 0
        if not self.day_shift:
            self.day_shift = (
                fields.Date.context_today(self.with_context(tz=self._get_timezone())) - self.newest_date
            ).days
        return self.day_shift

    def _get_timezone(self):
        return self.company_id.sales_timezone or 'UTC'
