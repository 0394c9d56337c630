from odoo import models


class SalesEventReader(models.AbstractModel):
    """A reader of the ledger: a model that inherits this and has one method.

    An abstract model gets its ``sales.consumer``, which keeps its place in the ledger, by itself. A model with
    records, each of them a reader, gives every record its own by :meth:`_consumer_create`.
    """
    _name = 'sales.event.reader'
    _description = "Reader of the Sales Ledger"

    #: beginnings of the types of events wanted, all when None
    _reader_types = None
    #: whether events of before the installation are wanted
    _reader_history = False
    #: whether a new reader that wants history begins with the first event, not with the next one
    _reader_from_start = True
    #: events in one transaction
    _reader_batch = 500

    def _consume(self, events):
        """Do what the events call for; what is done is committed together with the place in the ledger.

        After a crash or an error the same events come again, so doing it twice must do no harm.

        :param events: ``sales.event`` records in the order in which they happened, as superuser
        :raise Exception: keeps the reader at its place; it is tried again later
        """
        raise NotImplementedError

    def _wants(self, event):
        return (self._reader_history or not event.history) and (
            self._reader_types is None or event.type.startswith(self._reader_types))

    def _consumer_create(self, own_cron=False):
        """Give each record a place of its own in the ledger, from now on.

        :param own_cron: read in a scheduled action of its own, so that a slow peer keeps nobody waiting
        """
        return self.env['sales.consumer'].sudo()._create_for(self, own_cron)
