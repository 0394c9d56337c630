from odoo import models


class PaymentTransaction(models.Model):
    _inherit = 'payment.transaction'

    def _post_process(self):
        # A payment that has arrived stays, whatever our rules say to its order: the order waits.
        with self.env['sale.order']._customer_accepts():
            return super()._post_process()

    def _check_amount_and_confirm_order(self):
        # one that waits is not confirmed, and its customer is told that the payment has arrived
        return super()._check_amount_and_confirm_order().filtered(lambda order: order.state == 'sale')
