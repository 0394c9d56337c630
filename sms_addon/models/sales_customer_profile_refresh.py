import logging

from odoo import api, models
from odoo.tools import SQL

from .sales_touch_reader import BUSY

_logger = logging.getLogger(__name__)

WORK_MEM = '256MB'


class SalesCustomerProfile(models.Model):
    """How the profiles are kept up: touched customers at once, all of them every night."""
    _name = 'sales.customer.profile'
    _inherit = ['sales.customer.profile', 'sales.touch.reader']

    _touch_queue = 'sales.customer.touch'
    _touch_batch = 5000
    _touch_refresh_cron = 'sms_addon.ir_cron_sales_customer_refresh'
    _touch_rebuild_cron = 'sms_addon.ir_cron_sales_customer_rebuild'

    # -- filling

    @api.model
    def _refresh_customers(self, partner_ids):
        """Read some commercial customers again, with their segments.

        :param partner_ids: ids of commercial partners
        """
        partner_ids = list(partner_ids)
        if not partner_ids:
            return
        self.env['sales.customer.figures']._replace_customers(partner_ids)
        self.env['sales.customer.scale']._follow(partner_ids)
        self._invalidate()
        ids = [id_ for (id_,) in self.env.execute_query(SQL(
            "SELECT id FROM sales_customer_figures WHERE commercial_partner_id = ANY(%s)", partner_ids))]
        self.env['sales.segment']._refresh_customers(ids)

    @api.model
    def _rebuild_all(self):
        """Read all customers again and return how many were not as their orders are."""
        # one session sorts and hashes the facts of all customers, once in a while
        self.env.cr.execute(SQL("SET LOCAL work_mem = %s", WORK_MEM))
        # how many groups there will be is guessed far too low, and for so few rows PostgreSQL would rather loop
        for name in ('jit', 'enable_nestloop', 'enable_mergejoin'):
            self.env.cr.execute(SQL("SET LOCAL %s = off", SQL.identifier(name)))
        self.env['sales.customer.touch']._forget()
        changed = self.env['sales.customer.figures']._rebuild()
        # a warehouse that was swapped since this transaction began looks empty to it
        self.env['sales.fact']._check_tables_visible()
        self.env['sales.customer.scale']._measure()
        for name in ('jit', 'enable_nestloop', 'enable_mergejoin', 'work_mem'):
            self.env.cr.execute(SQL("SET LOCAL %s TO DEFAULT", SQL.identifier(name)))
        self._invalidate()
        _logger.info("%s: %s rows were not as the orders are", self._description, changed)
        return changed

    @api.model
    def _invalidate(self):
        self.invalidate_model()
        self.env['res.partner'].invalidate_model(['sales_profile_id', 'sales_lifecycle', 'sales_segment_ids'])

    # -- waking

    @api.model
    def _read_touched(self, ids):
        self._refresh_customers(ids)
        self.env['sales.fact']._check_tables_visible()

    @api.model
    def _cron_rebuild(self):
        """Put right what nobody told of, and take the scales again."""
        if self.env['sales.warehouse']._is_stale():
            return  # the rebuild of the warehouse asks again
        try:
            self._rebuild_all()
        except BUSY as error:
            self._try_again(error, self._request_rebuild)
