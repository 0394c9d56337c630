from odoo import api, fields, models
from odoo.exceptions import UserError

#: customers looked at in one transaction
BATCH = 1000
#: days after which all customers are looked at again by itself
INTERVAL = 7


class SalesCustomerScan(models.Model):
    """A look at the data of all customers: in batches, by a scheduled action, to be seen and stopped meanwhile."""
    _name = 'sales.customer.scan'
    _description = "Check of Customer Data"
    _order = 'id desc'
    _rec_name = 'started_at'

    state = fields.Selection(
        [('waiting', "Waiting"), ('running', "Running"), ('done', "Done"), ('stopped', "Stopped")],
        default='waiting', required=True, readonly=True)
    done = fields.Integer(string="Customers Checked", readonly=True)
    total = fields.Integer(string="Customers", readonly=True)
    progress = fields.Float(compute='_compute_progress')
    last_id = fields.Integer(string="Last Customer", readonly=True)
    started_at = fields.Datetime(readonly=True)
    finished_at = fields.Datetime(readonly=True)
    issue_count = fields.Integer(string="Open Issues", readonly=True)

    @api.depends('done', 'total', 'state')
    def _compute_progress(self):
        for scan in self:
            scan.progress = 100 if scan.state == 'done' else scan.total and min(100 * scan.done / scan.total, 100)

    # -- asking for it

    @api.model
    def action_request(self):
        """Check all customers, as soon as the scheduled action runs."""
        if not self.env.user.has_group('sales_team.group_sale_manager'):
            raise UserError(self.env._("Only a sales manager can have all customers checked."))
        scan = self._request()
        return {
            'type': 'ir.actions.act_window', 'res_model': self._name, 'res_id': scan.id,
            'views': [(False, 'form')], 'target': 'current',
        }

    @api.model
    def _request(self):
        scans = self.sudo()
        scan = scans.search([('state', 'in', ('waiting', 'running'))], limit=1) or scans.create({})
        self.env.ref('sms_addon.ir_cron_sales_customer_scan').sudo()._trigger()
        return scan.sudo(self.env.su)

    def action_stop(self):
        if not self.env.user.has_group('sales_team.group_sale_manager'):
            raise UserError(self.env._("Only a sales manager can stop a check."))
        self.sudo().filtered(lambda scan: scan.state in ('waiting', 'running')).write({
            'state': 'stopped', 'finished_at': fields.Datetime.now()})

    @api.readonly
    def action_open_issues(self):
        return self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_customer_issue_action')

    # -- doing it

    @api.model
    def _cron_scan(self):
        """Go on with the check that was asked for, or begin one when the last is long ago."""
        scan = self.search([('state', 'in', ('waiting', 'running'))], limit=1) or self._begin_regular()
        commit = self.env['ir.cron']._commit_progress
        if not scan:
            return
        if scan.state == 'waiting':
            scan._begin()
            commit(remaining=scan.total)
        while scan.exists() and scan.state == 'running':
            count = scan._check_batch()
            if not count:
                scan._finish()
                commit(remaining=0)
            elif not commit(count, remaining=max(scan.total - scan.done, 1)):
                return
            scan.invalidate_recordset()  # somebody may have stopped it meanwhile

    @api.model
    def _begin_regular(self):
        recent = self.search_count([('create_date', '>=', f'now -{INTERVAL}d')], limit=1)
        return self.browse() if recent else self.create({})

    def _begin(self):
        total = self.env['sales.customer.check']._count_customers()
        self.write({
            'state': 'running', 'started_at': fields.Datetime.now(), 'total': total, 'done': 0, 'last_id': 0})

    def _check_batch(self):
        """Look at the next customers and return how many there were."""
        check = self.env['sales.customer.check']
        customer_ids = check._get_customers(self.last_id, BATCH)
        if customer_ids:
            check._check_data(customer_ids)
            self.write({'done': self.done + len(customer_ids), 'last_id': customer_ids[-1]})
        return len(customer_ids)

    def _finish(self):
        """Look for duplicates among all of them, which takes all to be read."""
        check = self.env['sales.customer.check']
        check._drop_others()
        check._find_duplicates()
        self.write({
            'state': 'done', 'finished_at': fields.Datetime.now(),
            'issue_count': self.env['sales.customer.issue'].search_count([('state', '=', 'open')]),
        })
