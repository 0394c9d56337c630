from odoo import models
from odoo.exceptions import UserError

from ..tools.tax_number import is_tax_number


class ResPartner(models.Model):
    """How the phone and the tax number of a customer are judged."""
    _name = 'res.partner'
    _inherit = ['res.partner']

    def _sales_phone_error(self, number):
        """Return what the host says against a phone number, in the language of the user; nothing when it is right."""
        try:
            self._phone_format(number=number, country=self.country_id, raise_exception=True)
        except UserError as error:
            return str(error)
        return False

    def _sales_vat_is_wrong(self):
        """Return whether the tax number cannot be one: by the host's check where it is installed, else by its form."""
        self.ensure_one()
        if not self.vat or len(self.vat) == 1:  # the host's way to say that there is none
            return False
        country = self.commercial_partner_id.country_id
        if hasattr(self, '_check_vat_number'):
            return bool(country) and not self._run_vat_checks(country, self.vat, validation='setnull')[0]
        return is_tax_number(self.vat, country.code) is False
