from odoo import models
from odoo.exceptions import UserError
from odoo.tools.mail import html_to_inner_content

#: documents whose messages may tell of a need
MODELS = ('res.partner', 'crm.lead', 'sale.order')


class MailMessage(models.Model):
    """A note or a mail may be the evidence of a need."""
    _inherit = 'mail.message'

    def action_note_sales_need(self):
        """Open a new need of the customer whom the message is about, with its words.

        :raise UserError: the message is about no customer
        """
        self.ensure_one()
        self.check_access('read')
        record = self.model in MODELS and self.env[self.model].browse(self.res_id).exists()
        partner = record and (record if self.model == 'res.partner' else record.partner_id)
        if not partner:
            raise UserError(self.env._("The message is about no customer."))
        values = {
            'partner_id': partner.id,
            'lead_id': record.id if self.model == 'crm.lead' else record.opportunity_id.id
            if self.model == 'sale.order' else False,
            'evidence': 'note',
            'evidence_ref': f'{self._name},{self.id}',
            'evidence_text': " ".join(html_to_inner_content(self.body or '').split()),
        }
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("New Need"),
            'res_model': 'sales.need',
            'views': [(False, 'form')],
            'context': {f'default_{name}': value for name, value in values.items() if value},
        }
