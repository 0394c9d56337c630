def post_init_hook(env):
    """Load warehouse, ledger, tracking, customer profiles and stock positions from what the database has."""
    env['res.company']._guess_sales_timezones()
    env['sales.warehouse']._get()._rebuild()
    env['sales.event.history']._read_all()
    env['sales.order.tracking']._read_all()
    env['sales.customer.profile']._rebuild_all()
    env['sales.rule.set']._publish_stock_alerts()
    env['sales.stock.position']._rebuild_all()


def uninstall_hook(env):
    """Take our triggers off the host's tables before ours are dropped, and drop what no model has."""
    env['sales.touch']._drop_triggers()
    env['sales.event']._drop_guard()
    env['sales.event']._drop_kit_trigger()
    env['sales.segment']._drop_members()
    env['ir.config_parameter'].search([('key', '=like', 'sms_addon.%')]).unlink()
