import logging
import zlib
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

PROMISE_DAYS = 5


class SalesDemonstrationStory(models.AbstractModel):
    """Gives the youngest demonstration orders deliveries, some of them late, so that there is something to follow."""
    _name = 'sales.demonstration.story'
    _description = "Deliveries of the Demonstration Data"

    @api.model
    def _deliver(self, orders):
        """Deliver what would have been by now: an order a few days after its date, some in two parts, some not yet."""
        orders = orders.with_context(tracking_disable=True, mail_create_nosubscribe=True, skip_sms=True)
        orders.sales_history = False
        for order in orders:
            order.commitment_date = order.date_order + timedelta(days=PROMISE_DAYS)
        orders.order_line._action_launch_stock_rule()
        shipped = {}
        for order in orders:
            moment = self._ship_date(order)
            if moment and moment < fields.Datetime.now():
                shipped.update(dict.fromkeys(order.picking_ids, moment))
        pickings = self.env['stock.picking'].union(*shipped).with_env(orders.env)
        for move in pickings.move_ids:
            whole = self._number(move.picking_id.sale_id) % 13 or move.product_uom_qty < 2
            move.quantity = move.product_uom_qty if whole else move.product_uom_qty // 2
            move.picked = True
        pickings._action_done()
        self._date_back(orders, shipped)
        _logger.info("Demonstration: %s deliveries, %s of them done", len(orders.picking_ids), len(pickings))

    @api.model
    def _number(self, order):
        """Return a number that looks like chance and is the same every time."""
        return zlib.crc32(order.name.encode())

    @api.model
    def _ship_date(self, order):
        number = self._number(order)
        return False if number % 11 == 0 else order.date_order + timedelta(days=1 + number % 7, hours=number % 9)

    @api.model
    def _date_back(self, orders, shipped):
        """Give documents made now the dates that they would have."""
        self.env.flush_all()
        cr = self.env.cr
        cr.execute(SQL(
            "UPDATE stock_picking p SET create_date = s.date_order, scheduled_date = s.commitment_date"
            "  FROM sale_order s WHERE s.id = p.sale_id AND s.id IN %s", tuple(orders.ids)))
        for picking, moment in shipped.items():
            cr.execute(SQL("UPDATE stock_picking SET date_done = %s WHERE id = %s", moment, picking.id))
            cr.execute(SQL("UPDATE stock_move SET date = %s WHERE picking_id = %s", moment, picking.id))
            cr.execute(SQL("UPDATE stock_move_line SET date = %s WHERE picking_id = %s", moment, picking.id))
        self.env.invalidate_all()

    @api.model
    def _retell(self, start):
        """Replace what the ledger has after an event by what the documents, dated back meanwhile, tell."""
        self.env.flush_all()
        self.env.cr.flush()
        self.env.cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'on'")
        self.env.cr.execute(SQL("DELETE FROM sales_event WHERE id > %s", start))
        self.env.cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'off'")
        self.env['sales.event.history']._read_all()
