from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import LazyTranslate

_lt = LazyTranslate(__name__)

KINDS = [
    ('missing_phone', "Phone Missing"),
    ('bad_phone', "Phone Wrong"),
    ('missing_email', "E-mail Missing"),
    ('bad_email', "E-mail Wrong"),
    ('missing_vat', "Tax Number Missing"),
    ('bad_vat', "Tax Number Wrong"),
    ('duplicate', "Possible Duplicate"),
]
#: what the list lets somebody put right
FIXES = {'partner_phone': 'phone', 'partner_email': 'email', 'partner_vat': 'vat'}
SENTENCES = {
    'missing_phone': _lt("Neither the customer nor any of its contacts has a phone number"),
    'missing_email': _lt("Neither the customer nor any of its contacts has an e-mail address"),
    'missing_vat': _lt("Other customers of the country have a tax number"),
    'bad_email': _lt("No e-mail can be sent to this address"),
    'bad_vat': _lt("The number does not have the form of tax numbers of its country"),
    'duplicate': _lt("Same %(what)s as %(names)s"),
}
#: what customers can have in common
KEYS = {'email': _lt("e-mail"), 'phone': _lt("phone"), 'vat': _lt("tax number"), 'name': _lt("name")}


class SalesCustomerIssue(models.Model):
    """What is missing or wrong in the data of a customer, until it is put right or somebody says that it is all right.

    ``sales.customer.scan`` finds them, set by set; the fingerprint says what a dismissal was about, so that the same
    does not come back, and something else does.
    """
    _name = 'sales.customer.issue'
    _description = "Data Quality Issue of a Customer"
    _log_access = False
    _order = 'kind, id'
    _rec_name = 'partner_id'

    partner_id = fields.Many2one(
        'res.partner', string="Customer", required=True, readonly=True, index=True, ondelete='cascade')
    commercial_partner_id = fields.Many2one(related='partner_id.commercial_partner_id', store=True, index=True)
    company_id = fields.Many2one(related='partner_id.company_id', store=True)
    user_id = fields.Many2one(
        related='partner_id.commercial_partner_id.user_id', store=True, index='btree_not_null', string="Salesperson")
    kind = fields.Selection(KINDS, required=True, readonly=True)
    value = fields.Char(readonly=True, help="What is wrong; of duplicates, what they have in common.")
    fingerprint = fields.Char(required=True, readonly=True, default='')
    duplicate_partner_ids = fields.Many2many('res.partner', string="Duplicates", readonly=True)
    detail = fields.Char(string="What Is the Matter", compute='_compute_detail')
    state = fields.Selection(
        [('open', "Open"), ('fixed', "Put Right"), ('dismissed', "Dismissed")], required=True, readonly=True,
        default='open')
    dismiss_reason = fields.Char(string="Why It Is All Right", readonly=True)
    dismissed_by_id = fields.Many2one('res.users', readonly=True)
    found_at = fields.Datetime(readonly=True, default=fields.Datetime.now)
    partner_phone = fields.Char(related='partner_id.phone', string="Phone", readonly=False)
    partner_email = fields.Char(related='partner_id.email', string="E-mail", readonly=False)
    partner_vat = fields.Char(related='partner_id.vat', string="Tax Number", readonly=False)

    _unique_idx = models.UniqueIndex("(partner_id, kind, fingerprint)", "The issue is known already.")
    _open_idx = models.Index("(kind, id) WHERE state = 'open'")

    @api.depends('kind', 'value', 'partner_id.country_id', 'duplicate_partner_ids.name')
    @api.depends_context('lang')
    def _compute_detail(self):
        for issue in self:
            if issue.kind == 'bad_phone':
                issue.detail = issue.partner_id._sales_phone_error(issue.value)
            elif issue.kind == 'duplicate':
                sentence = self.env._(SENTENCES['duplicate'])
                issue.detail = sentence % {
                    'what': ", ".join(self.env._(KEYS[key]) for key in (issue.value or '').split(',') if key in KEYS),
                    # that there is another one is what the issue says, whoever may open it
                    'names': ", ".join(issue.sudo().duplicate_partner_ids.mapped('display_name')),
                }
            else:
                issue.detail = self.env._(SENTENCES[issue.kind])

    # -- putting it right

    def write(self, vals):
        """Let the data be put right where it is listed; all else is written by what finds the issues."""
        if not self.env.su and set(vals) - set(FIXES):
            raise AccessError(self.env._("Only the data of the customer can be changed here."))
        result = super().write(vals)
        if set(vals) & set(FIXES):
            self._check_fixed()
        return result

    def _check_fixed(self):
        """Mark what is right now; the row goes when the customer is read again, not under somebody's hands."""
        for issue in self.filtered(lambda issue: issue.state != 'dismissed'):
            issue.sudo().state = 'fixed' if issue._is_right() else 'open'

    def _is_right(self):
        partner = self.partner_id
        field = self.kind.partition('_')[2]
        if self.kind == 'duplicate':
            return False
        if not partner[field]:
            return self.kind.startswith('bad')
        return {
            'phone': lambda: not partner._sales_phone_error(partner.phone),
            'email': lambda: bool(partner.email_normalized),
            'vat': lambda: not partner._sales_vat_is_wrong(),
        }[field]()

    # -- buttons

    def action_check_all(self):
        """Have the data of all customers checked."""
        return self.env['sales.customer.scan'].action_request()

    def action_merge(self):
        """Open the host's wizard on the customer and its duplicates."""
        self.ensure_one()
        partners = (self.partner_id | self.duplicate_partner_ids).exists()
        if len(partners) < 2:
            raise UserError(self.env._("There is nothing left to merge."))
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Merge Contacts"),
            'res_model': 'base.partner.merge.automatic.wizard',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'active_model': 'res.partner', 'active_ids': partners.ids},
        }

    def action_open_customer(self):
        self.ensure_one()
        return self.partner_id.get_formview_action()

    def action_reopen(self):
        self.check_access('write')
        self.sudo().write({'state': 'open', 'dismiss_reason': False, 'dismissed_by_id': False})

    def _dismiss(self, reason):
        self.check_access('write')
        self.sudo().write({'state': 'dismissed', 'dismiss_reason': reason, 'dismissed_by_id': self.env.uid})
