from odoo import Command, fields
from odoo.tests import tagged

from odoo.addons.sale.tests.common import TestSaleCommon


@tagged('post_install', '-at_install')
class TestSalesWarehouseInvoices(TestSaleCommon):
    """Ordered, delivered, invoiced, refunded and paid stand side by side, in company currency."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.warehouse = cls.env['sales.warehouse']._get()
        cls.product = cls.company_data['product_order_no']
        cls.product.taxes_id = [Command.clear()]
        cls.foreign = cls.setup_other_currency('EUR', rates=[('2020-01-01', 2.0)])
        cls.pricelist = cls.env['product.pricelist'].create({
            'name': "Foreign", 'currency_id': cls.foreign.id, 'company_id': False})

    def facts(self, order):
        while self.warehouse._refresh_batch():
            pass
        self.env.invalidate_all()
        return self.env['sales.fact'].search([('order_id', '=', order.id)], order='id')

    def confirmed_order(self, **values):
        order = self.env['sale.order'].create({
            'partner_id': self.partner_a.id,
            'order_line': [Command.create({'product_id': self.product.id, 'product_uom_qty': 10, 'price_unit': 30.0})],
            **values,
        })
        order.action_confirm()
        return order

    def pay(self, invoice, amount):
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids,
        ).create({'amount': amount, 'payment_date': fields.Date.today()})._create_payments()

    def assertFact(self, order, **expected):
        facts = self.facts(order)
        for name, value in expected.items():
            self.assertAlmostEqual(sum(facts.mapped(name)), value, 2, name)
        self.warehouse.action_check()
        self.assertFalse(self.warehouse.difference_ids.filtered(lambda d: d.order_id == order))

    def test_from_order_to_payment(self):
        order = self.confirmed_order()
        self.assertFact(order, price_subtotal=300, amount_delivered=0, amount_invoiced=0, untaxed_amount_to_invoice=300)
        order.order_line.qty_delivered = 4
        self.assertFact(order, price_subtotal=300, amount_delivered=120)
        invoice = order._create_invoices()
        self.assertFact(order, amount_invoiced=0, amount_paid=0)
        invoice.action_post()
        self.assertFact(order, amount_invoiced=300, amount_refunded=0, amount_paid=0, untaxed_amount_to_invoice=0)
        self.pay(invoice, 75)
        self.assertFact(order, amount_invoiced=300, amount_paid=75)
        self.pay(invoice, 225)
        self.assertFact(order, amount_invoiced=300, amount_paid=300)

    def test_a_credited_invoice_is_refunded_and_not_paid(self):
        order = self.confirmed_order()
        invoice = order._create_invoices()
        invoice.action_post()
        refund = invoice._reverse_moves(cancel=True)
        self.assertEqual(refund.state, 'posted')
        self.assertFact(order, amount_invoiced=300, amount_refunded=300, amount_paid=0)

    def test_a_deleted_draft_invoice_leaves_nothing(self):
        order = self.confirmed_order()
        order._create_invoices().unlink()
        self.assertFact(order, amount_invoiced=0)

    def test_a_down_payment_is_invoiced_before_the_rest(self):
        order = self.confirmed_order()
        wizard = self.env['sale.advance.payment.inv'].with_context(active_ids=order.ids).create({
            'advance_payment_method': 'fixed', 'fixed_amount': 50})
        wizard._create_invoices(order).action_post()
        self.assertFact(order, price_subtotal=300, amount_invoiced=50)
        order._create_invoices(final=True).action_post()
        self.assertFact(order, price_subtotal=300, amount_invoiced=300)

    def test_foreign_order_at_its_own_rate(self):
        order = self.confirmed_order(pricelist_id=self.pricelist.id)
        self.assertEqual(order.currency_id, self.foreign)
        self.assertAlmostEqual(order.currency_rate, 2.0)
        invoice = order._create_invoices()
        invoice.action_post()
        self.pay(invoice, 150)
        self.assertFact(order, price_subtotal=150, amount_invoiced=150, amount_paid=75)

    def test_a_service_sold_by_time_without_order_quantity(self):
        order = self.confirmed_order()
        order.order_line.product_uom_qty = 0
        order.order_line.price_unit = 30
        order.order_line.qty_delivered = 3
        self.assertFact(order, price_subtotal=0, amount_delivered=90)
