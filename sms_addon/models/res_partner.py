from odoo import api, models


class ResPartner(models.Model):
    _inherit = 'res.partner'

    @api.readonly
    def action_open_sales_analysis(self):
        """Open the sales of the customer, with all its contacts."""
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_analysis_action_revenue'),
            'domain': [('commercial_partner_id', '=', self.commercial_partner_id.id)],
            'context': {},
        }
