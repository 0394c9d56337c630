from odoo import Command, fields
from odoo.tests import Form, freeze_time

from .common import LedgerCommon

#: noon of a Monday
NOW = '2027-05-03 12:00:00'


@freeze_time(NOW)
class TrackingCommon(LedgerCommon):
    """Orders of one product of which there are ten units in stock, on one Monday."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tracking = cls.env['sales.order.tracking']
        cls.worklist = cls.env['sales.worklist']
        cls.performance = cls.env['sales.delivery.performance']
        cls.stock = cls.env['stock.warehouse'].search([('company_id', '=', cls.company.id)], limit=1)
        cls.goods, cls.others = cls.env['product.product'].create([{
            'name': name, 'is_storable': True, 'list_price': 100, 'invoice_policy': 'delivery',
            'categ_id': cls.categories[0].id, 'taxes_id': [Command.clear()],
        } for name in ("Goods", "Other Goods")])
        cls.service = cls.env['product.product'].create({
            'name': "Work", 'type': 'service', 'list_price': 50, 'invoice_policy': 'order', 'service_type': 'manual',
            'taxes_id': [Command.clear()]})
        cls.env['stock.quant']._update_available_quantity(cls.goods, cls.stock.lot_stock_id, 10)
        cls.customers.property_payment_term_id = False

    def setUp(self):
        super().setUp()
        self.dispatch()

    def quotation(self, quantity=2, product=None, **values):
        return self.env['sale.order'].create({
            'partner_id': self.customers[0].id,
            'user_id': self.env.uid,
            'order_line': [Command.create({'product_id': (product or self.goods).id, 'product_uom_qty': quantity})],
            **values,
        })

    def confirmed(self, quantity=2, product=None, **values):
        order = self.quotation(quantity, product, **values)
        order.action_confirm()
        return order

    def deliver(self, order, quantity=None):
        """Do the next open transfer of an order; what is missing becomes a backorder."""
        picking = order.picking_ids.filtered(lambda picking: picking.state not in ('done', 'cancel')).sorted('id')[:1]
        picking.action_assign()
        for move in picking.move_ids:
            move.quantity = move.product_uom_qty if quantity is None else quantity
            move.picked = True
        picking.with_context(skip_backorder=True, skip_sms=True).button_validate()
        return picking

    def bring_back(self, picking, quantity):
        wizard = Form(self.env['stock.return.picking'].with_context(
            active_id=picking.id, active_ids=picking.ids, active_model='stock.picking')).save()
        wizard.product_return_moves.quantity = quantity
        back = self.env['stock.picking'].browse(wizard.action_create_returns()['res_id'])
        back.move_ids.write({'quantity': quantity, 'picked': True})
        back.with_context(skip_sms=True).button_validate()

    def invoice(self, order, due=None):
        invoice = order._create_invoices()
        if due:
            invoice.invoice_date_due = due
        invoice.action_post()
        return invoice

    def pay(self, invoice, amount=None):
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids,
        ).create({'amount': amount} if amount else {})._create_payments()

    def row(self, order):
        """Return the row of an order once the reader has read what happened."""
        self.dispatch()
        self.env.invalidate_all()
        return self.tracking.browse(order.id)

    def task(self, order):
        self.dispatch()
        self.env.invalidate_all()
        return self.worklist.search([('order_id', '=', order.id)])

    def assertTracked(self, order, stage, reason=False, **values):
        self.assertRecordValues(self.row(order), [{'stage': stage, 'reason': reason, **values}])

    def day(self, text):
        return fields.Date.to_date(text)
