def post_init_hook(env):
    """Load the warehouse from whatever history the database has."""
    env['res.company']._guess_sales_timezones()
    env['sales.warehouse']._get()._rebuild()


def uninstall_hook(env):
    """Take our triggers off the host's tables before ours are dropped."""
    env['sales.touch']._drop_triggers()
    env['ir.config_parameter'].search([('key', '=like', 'sms_addon.%')]).unlink()
