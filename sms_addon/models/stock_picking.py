from odoo import models


class StockPicking(models.Model):
    _name = 'stock.picking'
    _inherit = ['stock.picking', 'sales.event.mixin']

    _event_fields = ('state', 'scheduled_date')

    def unlink(self):
        # the host deletes the moves first, and with them which order a transfer is for
        orders = {picking.id: picking.sale_id.id for picking in self.sudo() if picking._event_is_delivery()}
        return super(StockPicking, self.with_context(sales_event_order_ids=orders)).unlink()

    def _event_prepare(self, note, notes):
        kinds = ['delivery.planned'] if note.created and self._event_is_delivery() else []
        before = note.before(self, 'state', 'draft')
        if self.state != before and (kind := self._event_kind()):
            kinds.append(kind)
        payload = {'name': self.name, **self._event_changes(note, ('scheduled_date',))}
        if not kinds and 'scheduled_date' in payload and self.sale_id and self.state != 'done':
            kinds.append('delivery.rescheduled')
        return [self._prepare_event(kind, payload) for kind in kinds]

    def _event_prepare_unlink(self, notes):
        orders = self.env.context.get('sales_event_order_ids', {})
        if self.id not in orders:
            return []
        return [self._prepare_event('delivery.deleted', {'name': self.name}) | {'order_id': orders[self.id]}]

    def _prepare_event(self, kind, payload):
        return {
            'type': kind,
            'order_id': self.sale_id.id,
            'partner_id': self.partner_id.commercial_partner_id.id,
            'company_id': self.company_id.id,
            'payload': payload,
        }

    def _event_is_out(self):
        """Return whether the transfer goes to the customer: a dropship does, a return to a vendor does not."""
        source, target = self.location_id, self.location_dest_id
        return source.usage != 'customer' and (
            target.usage == 'customer' or target.usage == 'transit' and not target.company_id)

    def _event_is_delivery(self):
        return self._event_is_out() or bool(self.sale_id) and self.picking_type_code == 'internal'

    def _event_kind(self):
        """Return the type of the event that the state of the transfer is, if it is one."""
        if self.state == 'done':
            return self._event_done_kind()
        if self._event_is_delivery():
            return {'assigned': 'delivery.ready', 'cancel': 'delivery.cancelled'}.get(self.state)
        return None

    def _event_done_kind(self):
        if self._event_is_out():
            return 'delivery.shipped'
        if self.location_id.usage == 'customer':
            return 'delivery.returned'
        if self.picking_type_code == 'incoming':
            return 'receipt.done'
        if not self._event_is_delivery():
            return None
        return 'delivery.packed' if self.picking_type_id == self.picking_type_id.warehouse_id.pack_type_id \
            else 'delivery.picked'
