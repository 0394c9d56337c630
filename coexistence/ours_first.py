"""Run in an Odoo shell on a database with the addon: the modules of others come while it is in use."""
import os

from coexistence.checks import check_theirs, forbid_big_orders, get_outermost

names = os.environ['SMS_BESIDE'].split(',')
modules = env['ir.module.module']  # noqa: F821
modules.update_list()
host = os.environ['SMS_BESIDE_HOST'].split(',')
modules.search([('name', 'in', [*names, *host])]).button_immediate_install()
env = modules.env
user = env.ref('base.user_admin')
env = env(user=user.id)
# until the next start they come before ours, after it ours comes first: both orders must do
assert get_outermost(env, [*names, 'sms_addon']) in names, "no module of others comes first"
forbid_big_orders(env)
check_theirs(env, also="Too big")
env.cr.rollback()
