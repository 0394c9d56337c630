from odoo.api import SUPERUSER_ID, Environment


def migrate(cr, version):
    """Fill the ledger and the order tracking, which are new, from the records that are there."""
    env = Environment(cr, SUPERUSER_ID, {})
    env['sales.event.history']._read_all()
    env['sales.order.tracking']._read_all()
