import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: products that the host is asked about at once
BATCH = 5000
#: products times warehouses that are compared within a request; more in the background
AT_ONCE = 20_000


class SalesStockCheck(models.Model):
    """A part of a check that waits for its turn: some products of a warehouse.

    The host takes its time to say what it has of many products, so that a large check is one of the background: part by
    part, with a commit after each.
    """
    _name = 'sales.stock.check'
    _description = "Part of a Check of the Stock Positions"
    _order = 'id'
    _rec_name = 'warehouse_id'

    warehouse_id = fields.Many2one('stock.warehouse', required=True, readonly=True, ondelete='cascade')
    company_id = fields.Many2one('res.company', required=True, readonly=True, ondelete='cascade')
    user_id = fields.Many2one(
        'res.users', string="Asked For By", required=True, readonly=True, ondelete='cascade',
        default=lambda self: self.env.user)
    first_product_id = fields.Integer(string="From Product", required=True, readonly=True)
    last_product_id = fields.Integer(string="To Product", required=True, readonly=True)

    @api.model
    def _prepare_parts(self, companies):
        """Return the values of all parts of a check of some companies, and how many figures they are."""
        # the goods of the host, not those that have a position: one may be missing
        batches = self.env.execute_query(SQL(
            """
            SELECT MIN(product_id), MAX(product_id), COUNT(*)
              FROM (SELECT product_id, (ROW_NUMBER() OVER (ORDER BY product_id) - 1) / %s AS batch
                      FROM (%s) goods) numbered
             GROUP BY batch ORDER BY batch
            """, BATCH, self.env['sales.stock.position']._select_goods(lambda column: SQL("TRUE"))))
        warehouses = self.env['stock.warehouse'].search([('company_id', 'in', companies.ids)])
        parts = [
            {'warehouse_id': warehouse.id, 'company_id': warehouse.company_id.id, 'first_product_id': first,
             'last_product_id': last}
            for warehouse in warehouses for first, last, _count in batches]
        return parts, len(warehouses) * sum(count for _first, _last, count in batches)

    @api.model
    def _request(self, parts):
        """Have the parts compared right after this transaction."""
        self.create(parts)
        self._wake()

    @api.model
    def _wake(self):
        # an admin may have deleted it
        if cron := self.env.ref('sms_addon.ir_cron_sales_stock_check', raise_if_not_found=False):
            cron.sudo()._trigger()

    @api.model
    def _cron_check(self):
        """Compare part after part, and tell whoever asked when the last one of a company is done."""
        commit = self.env['ir.cron']._commit_progress
        commit(remaining=self.search_count(Domain.TRUE))
        while part := self.search(Domain.TRUE, limit=1):
            try:
                part._run()
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                # somebody asked anew meanwhile
                self.env.cr.rollback()
                self._wake()
                return
            except Exception as error:
                self.env.cr.rollback()
                _logger.exception("The check of the stock positions of company %s failed", part.company_id.id)
                part._give_up(error)
            if not commit(1):
                return

    def _run(self):
        self.ensure_one()
        company, user = self.company_id, self.user_id
        self.env['sales.stock.difference']._check_part(
            self.warehouse_id, SQL("g.product_id BETWEEN %s AND %s", self.first_product_id, self.last_product_id))
        self.unlink()
        if not self.search_count([('company_id', '=', company.id)], limit=1):
            self._tell_done(company, user)

    def _give_up(self, error):
        """Compare no more of a company, and tell whoever asked."""
        company, user = self.company_id, self.user_id
        self.search([('company_id', '=', company.id)]).unlink()
        reader = self.with_context(lang=user.lang)
        user._bus_send('simple_notification', {
            'title': reader.env._("Check of the Stock Positions"), 'type': 'danger', 'sticky': True,
            'message': reader.env._(
                "%(company)s: the check failed (%(error)s).", company=company.name, error=str(error))})

    @api.model
    def _tell_done(self, company, user):
        count = self.env['sales.stock.difference'].search_count([('company_id', '=', company.id)])
        reader = self.with_context(lang=user.lang)
        if count:
            message = reader.env._(
                "%(company)s: %(count)s figures differ from the host's; see Inventory > Differences.",
                company=company.name, count=count)
        else:
            message = reader.env._(
                "%(company)s: the stock board agrees with the stock and the planned moves of Inventory.",
                company=company.name)
        user._bus_send('simple_notification', {
            'title': reader.env._("Check of the Stock Positions"), 'message': message,
            'type': 'warning' if count else 'success', 'sticky': True})


class SalesStockPosition(models.Model):
    _name = 'sales.stock.position'
    _inherit = ['sales.stock.position']

    @api.model
    def _check_manager(self):
        if not (self.env.su or self.env.user.has_group('stock.group_stock_manager')):
            raise AccessError(self.env._("Only inventory administrators check the stock positions."))

    @api.model
    def action_check(self):
        """Compare all positions of the companies with the host, and open what differs; many of them in the background.

        A check that is still running is not begun again.
        """
        self._check_manager()
        # what the check lists are figures of products that an administrator of the stock sees anyway
        checks, companies = self.env['sales.stock.check'].sudo(), self.env.companies
        waiting = checks.search([('company_id', 'in', companies.ids)])
        if waiting:
            checks._wake()
        companies -= waiting.company_id
        if not companies:
            return self._notify_check(
                self.env._("The check is running; %(count)s parts of it are left.", count=len(waiting)), 'info')
        self.env['sales.stock.difference'].sudo().search([('company_id', 'in', companies.ids)]).unlink()
        parts, size = checks._prepare_parts(companies)
        if size > AT_ONCE:
            checks._request(parts)
            return self._notify_check(self.env._(
                "The check starts in a moment. You are told when it is done; what differs is listed under Inventory >"
                " Differences."), 'info')
        self.env['sales.stock.difference'].sudo()._check_parts(parts)
        return self._show_check()

    @api.model
    def _show_check(self):
        """Open what differs, or say that nothing does."""
        if self.env['sales.stock.difference'].search_count([('company_id', 'in', self.env.companies.ids)], limit=1):
            return self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_stock_difference_action')
        return self._notify_check(
            self.env._("The stock board agrees with the stock and the planned moves of Inventory."), 'success')

    @api.model
    def _notify_check(self, message, kind):
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {'type': kind, 'message': message, 'next': {'type': 'ir.actions.act_window_close'}},
        }
