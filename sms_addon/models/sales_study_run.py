import contextlib
import hashlib
import logging
from datetime import UTC
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import LazyTranslate

from ..tools.evidence import ThinDataError

_lt = LazyTranslate(__name__)
_logger = logging.getLogger(__name__)

#: times a study is begun before it is given up: one that takes a server down would do it for ever
ATTEMPTS = 3
THIN = _lt("There is too little data for this study: %(details)s.")


class StopStudy(Exception):
    """Someone does not want to wait any longer."""


class SalesStudyRun(models.AbstractModel):
    """The work of a study, behind the scenes.

    What a kind of study does is a generator ``_run_<kind>()`` of :class:`SalesStudy`. It yields ``(phase, done,
    total)`` whenever the work could be interrupted, raises :class:`ThinDataError` where there is too little data, and
    returns a dictionary:

    - ``measures``: list of ``measure`` (its name), ``value``, ``better`` ('higher' or 'lower'), and, if there is
      something to compare with, ``naive`` and ``naive_label``; ``data`` tells what it was measured on
    - ``result``: what else there is to tell, as JSON
    - ``rows``: number of rows looked at
    - ``data``: a sentence about them

    All of it is one transaction: the tables that people read are written in its last step, and change for all at once
    or not at all.
    """
    _name = 'sales.study.run'
    _inherit = ['sales.study.data']
    _description = "Work of a Study"

    # -- for the kinds

    def _thin_sentences(self):
        """Return code of :class:`ThinDataError` -> lazy sentence with its numbers."""
        return {}

    def _get_as_of(self):
        """Return the day up to which the study looks: today for the company if none is given."""
        if self.date_to:
            return self.date_to
        now = fields.Datetime.now().replace(tzinfo=UTC)
        return now.astimezone(ZoneInfo(self.company_id.sales_timezone)).date()

    # -- when

    @api.model
    def _cron_run(self):
        """Start the studies whose time has come, and work on those that wait."""
        self.search([('next_run', '<=', fields.Datetime.now()), ('state', '!=', 'running')])._start_scheduled()
        commit = self.env['ir.cron']._commit_progress
        waiting = self.search([('state', '=', 'running')], order='id')
        commit(remaining=len(waiting))
        for study in waiting:
            study.with_company(study.company_id).with_context(lang=study.user_id.lang)._run_apart()
            if not commit(1):
                break

    def _start_scheduled(self):
        for study in self:
            run = study if study.state == 'draft' else study._copy_for_next_run()
            run._start()

    # -- working

    def _run_apart(self):
        """Work on a study that waits, and leave it in the state that comes of it."""
        if not self._begin():
            return
        try:
            self._finish(self._work())
            self.env.flush_all()
        except (ConcurrencyError, *PG_CONCURRENCY_EXCEPTIONS_TO_RETRY):
            # others were faster: it is begun again, with what they have written
            self.env.cr.rollback()
            self.env.ref('sms_addon.ir_cron_sales_study')._trigger()
        except StopStudy:
            self.env.cr.rollback()
            self._end('draft', self.env._("Stopped before it was done; nothing was changed."))
        except ThinDataError as error:
            self.env.cr.rollback()
            self._end('abstained', self._get_thin_sentence(error))
        except Exception as error:
            _logger.warning("Study %s failed", self.id, exc_info=True)
            self.env.cr.rollback()
            self._end('failed', str(error) if isinstance(error, UserError) else repr(error))

    def _begin(self):
        """Note that the work begins, for others and for whoever finds it undone; return whether there is any."""
        if not self._take():
            return False
        if self.attempts >= ATTEMPTS:
            self._end('failed', self.env._(
                "The server ended this study %(count)s times before it was done. Give scheduled actions more time or"
                " memory, or study a shorter period.", count=self.attempts))
            return False
        self.write({
            'attempts': self.attempts + 1, 'started_at': fields.Datetime.now(), 'finished_at': False,
            'parameters': self._prepare_parameters(), 'reason': False,
        })
        self.env['ir.cron']._commit_progress()
        return self._take()  # a commit frees the lock

    def _take(self):
        """Return whether the study waits for its work and nobody else works on it."""
        if not self.try_lock_for_update(allow_referencing=True):
            return False
        self.invalidate_recordset()
        return self.state == 'running'

    def _work(self):
        """Do what the kind of the study asks for, telling how far it is after each step."""
        digest = hashlib.sha256()
        study = self.with_context(study_digest=digest)
        with contextlib.closing(getattr(study, f'_run_{self.kind}')()) as work:
            while True:
                try:
                    phase, done, total = next(work)
                except StopIteration as end:
                    return {**end.value, 'digest': digest.hexdigest()}
                if self.progress_id.sudo().publish(done, total, phase=str(phase)):
                    raise StopStudy

    def _get_thin_sentence(self, error):
        sentence = self._thin_sentences().get(error.code)
        text = self.env._(sentence or THIN)
        return text % (error.numbers if sentence else {'details': error})

    # -- what comes of it

    def _finish(self, outcome):
        self.env['sales.study.measure'].sudo().create([{
            'study_id': self.id,
            'sequence': number,
            'name': measure['measure'],
            'value': measure['value'],
            'has_naive': measure.get('naive') is not None,
            'naive_value': measure.get('naive') or 0,
            'naive_name': measure.get('naive_label'),
            'direction': measure['better'],
            'data': measure.get('data'),
        } for number, measure in enumerate(outcome['measures'])])
        self.search([
            ('kind', '=', self.kind), ('company_id', '=', self.company_id.id), ('is_current', '=', True),
        ]).is_current = False
        self._end('done', False, **{
            'is_current': True,
            'result': outcome['result'],
            'quality': outcome['measures'],
            'data_rows': outcome['rows'],
            'data_description': outcome['data'],
            'data_digest': outcome['digest'],
        })

    def _end(self, state, reason, **values):
        """Leave the work in a state, with the reason if it is not done, and plan the next run."""
        self.write({
            'state': state, 'reason': reason, 'finished_at': state != 'draft' and fields.Datetime.now(),
            'attempts': 0, 'next_run': self._get_next_run(), **values,
        })
        labels = dict(self._fields['state']._description_selection(self.env))
        self.message_post(body=reason or labels[state], subtype_xmlid='mail.mt_note')

