from odoo.exceptions import AccessError, MissingError
from odoo.http import request, route

from odoo.addons.portal.controllers.portal import CustomerPortal


class SalesTimelinePortal(CustomerPortal):

    @route('/my/orders/<int:order_id>/timeline', type='jsonrpc', auth='public', readonly=True)
    def portal_order_timeline(self, order_id, access_token=None):
        """Return the timeline of an order as HTML, for the page that shows it to go on by itself.

        The answer is the same whether the order does not exist or is another customer's.
        """
        token = access_token if isinstance(access_token, str) else None
        try:
            order_sudo = self._document_check_access('sale.order', order_id, access_token=token)
        except (AccessError, MissingError):
            return False
        return request.env['ir.qweb']._render('sms_addon.portal_order_timeline', {'sale_order': order_sudo})
