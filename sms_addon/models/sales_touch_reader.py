import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

_logger = logging.getLogger(__name__)

RETRY = timedelta(seconds=5)
BUSY = (ConcurrencyError, *PG_CONCURRENCY_EXCEPTIONS_TO_RETRY)


class SalesTouchReader(models.AbstractModel):
    """Rows made of what others have, read again when a queue says so: right after whoever noted it, batch by batch."""
    _name = 'sales.touch.reader'
    _description = "Reader of Touched Records"

    #: a model that is a ``sales.touch.queue``
    _touch_queue = None
    #: ids taken between two commits
    _touch_batch = 2000
    #: scheduled actions that call :meth:`_cron_refresh`, and one that puts right what nobody told of
    _touch_refresh_cron = None
    _touch_rebuild_cron = None

    def _read_touched(self, ids):
        """Read some records again."""
        raise NotImplementedError

    @api.model
    def _wake(self, delay=None):
        """Have touched records read right after this transaction."""
        self._trigger(self._touch_refresh_cron, delay)

    @api.model
    def _request_rebuild(self, delay=None):
        self._trigger(self._touch_rebuild_cron, delay)

    @api.model
    def _trigger(self, xmlid, delay):
        # an upgrade may ask before the action is there; an admin may have deleted it
        if cron := self.env.ref(xmlid, raise_if_not_found=False):
            cron.sudo()._trigger(delay and fields.Datetime.now() + delay)

    @api.model
    def _cron_refresh(self):
        """Read the touched records again, batch by batch."""
        commit, queue = self.env['ir.cron']._commit_progress, self.env[self._touch_queue]
        try:
            while ids := queue._take(self._touch_batch):
                self._read_touched(ids)
                if not commit(len(ids), remaining=queue._count()):
                    break
        except BUSY as error:
            self._try_again(error, self._wake)

    @api.model
    def _try_again(self, error, wake):
        self.env.cr.rollback()
        _logger.info("%s: waiting for another session (%s)", self._description, type(error).__name__)
        wake(RETRY)
