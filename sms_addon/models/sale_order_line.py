from odoo import api, fields, models

AGREED = ('product_uom_qty', 'price_unit', 'discount')


class SaleOrderLine(models.Model):
    _name = 'sale.order.line'
    _inherit = ['sale.order.line', 'sales.event.mixin', 'sales.import.history']

    _event_fields = (*AGREED, 'customer_lead', 'qty_delivered')

    sales_import_key = fields.Char(readonly=True, copy=False, help="Finds an imported line again in its order.")

    sales_need_id = fields.Many2one(
        'sales.need', string="Answers the Need", copy=False, index='btree_not_null', ondelete='set null')

    _sales_import_key_idx = models.UniqueIndex(
        "(order_id, sales_import_key) WHERE sales_import_key IS NOT NULL", "The order line has been imported already.")

    @api.depends('order_id.sales_history')
    def _compute_qty_to_invoice(self):
        history = self.filtered('order_id.sales_history')
        history.qty_to_invoice = 0.0
        super(SaleOrderLine, self - history)._compute_qty_to_invoice()

    @api.depends('order_id.sales_history')
    def _compute_untaxed_amount_to_invoice(self):
        history = self.filtered('order_id.sales_history')
        history.untaxed_amount_to_invoice = 0.0
        super(SaleOrderLine, self - history)._compute_untaxed_amount_to_invoice()

    def _get_raw_subtotal(self):
        """Return the amount of an untaxed line before it is rounded."""
        return self.product_uom_qty * self.price_unit * (1 - self.discount / 100.0)

    def _add_precomputed_values(self, vals_list):
        """Work out the amounts of imported lines, which have no taxes, without a record for each."""
        if self.env.context.get('sales_import_history'):
            methods = self._get_delivery_methods({vals['product_id'] for vals in vals_list})
            for vals in vals_list:
                if not vals.get('tax_ids') and 'purchase_price' in vals:
                    vals.update(self._prepare_plain_amounts(vals), qty_delivered_method=methods[vals['product_id']])
        super()._add_precomputed_values(vals_list)

    @api.model
    def _prepare_plain_amounts(self, vals):
        order = self.env['sale.order'].browse(vals['order_id'])
        quantity = vals['product_uom_qty']
        subtotal = order.currency_id.round(quantity * vals['price_unit'] * (1 - vals['discount'] / 100.0))
        margin = subtotal - vals['purchase_price'] * quantity
        return {
            'company_id': order.company_id.id,
            'currency_id': order.currency_id.id,
            'order_partner_id': order.partner_id.id,
            'salesman_id': order.user_id.id,
            'state': order.state,
            'price_subtotal': subtotal,
            'price_total': subtotal,
            'price_tax': 0.0,
            'price_reduce_taxexcl': subtotal / quantity if quantity else 0.0,
            'price_reduce_taxinc': subtotal / quantity if quantity else 0.0,
            'margin': margin,
            'margin_percent': subtotal and margin / subtotal,
        }

    @api.model
    def _get_delivery_methods(self, product_ids):
        """Ask the host once for each product how its deliveries are counted."""
        lines = {product_id: self.new({'product_id': product_id}) for product_id in product_ids}
        return {product_id: line.qty_delivered_method for product_id, line in lines.items()}

    # -- events

    def _event_prepare(self, note, notes):
        order = notes.get(('sale.order', self.order_id.id))
        if self.display_type or order and order.created:
            return []  # a section agrees nothing, and a new order is one event whatever its lines
        if note.created:
            return [self._prepare_event('line.added', {name: self[name] for name in AGREED})]
        # what moves deliver, their own events tell
        manual = ('qty_delivered',) if self.qty_delivered_method == 'manual' else ()
        changes = self._event_changes(note, (*AGREED, 'customer_lead', *manual))
        return [self._prepare_event('line.changed', changes)] if changes else []

    def _event_prepare_unlink(self, notes):
        return [] if self.display_type else [
            self._prepare_event('line.removed', {name: self[name] for name in AGREED})]

    def _prepare_event(self, kind, payload):
        return {
            'type': kind,
            'order_id': self.order_id.id,
            'partner_id': self.order_id.partner_id.commercial_partner_id.id,
            'product_id': self.product_id.id,
            'company_id': self.company_id.id,
            'payload': {'product': self.product_id.display_name or self.name, **payload},
        }
