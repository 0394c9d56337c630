from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Put the stock alerts in force, once their texts have been translated."""
    api.Environment(cr, SUPERUSER_ID, {})['sales.rule.set']._publish_stock_alerts()
