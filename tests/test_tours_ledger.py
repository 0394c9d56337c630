from odoo.tests import HttpCase, tagged

from .common import LedgerCommon


@tagged('post_install', '-at_install')
class TestLedgerTours(HttpCase, LedgerCommon):
    """The screens of the ledger as an administrator uses them."""

    def test_ledger(self):
        self.order([(self.products[0], 1, 10.0)], name='LEDGER/1')
        self.env.cr.flush()
        self.start_tour('/odoo/sales-ledger', 'sms_addon_ledger', login='admin')

    def test_readers(self):
        self.start_tour('/odoo/ledger-readers', 'sms_addon_readers', login='admin')
        consumer = self.env['sales.consumer'].search([('reader', '=', 'sales.reader.warehouse')])
        self.assertFalse(consumer.paused)

    def test_brokers(self):
        # a port of this machine on which nobody listens
        self.env['sales.broker'].create({'name': "Tour Broker", 'url': 'amqp://127.0.0.1:1//'})
        action = self.env['ir.actions.act_window'].search([('res_model', '=', 'sales.broker')], limit=1)
        self.start_tour(f'/odoo/action-{action.id}', 'sms_addon_brokers', login='admin')
