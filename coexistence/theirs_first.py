"""Run in an Odoo shell on a database without the addon: it comes last, works, and goes without taking others along."""
import os

from coexistence.checks import check_theirs, forbid_big_orders, get_outermost

names = os.environ['SMS_BESIDE'].split(',')
modules = env['ir.module.module']  # noqa: F821
modules.update_list()
for wanted in (names, ['sms_addon']):
    modules.search([('name', 'in', wanted)]).button_immediate_install()
env = modules.env(user=modules.env.ref('base.user_admin').id)
assert get_outermost(env, [*names, 'sms_addon']) == 'sms_addon', "the addon does not come first"
forbid_big_orders(env)
check_theirs(env, also="Too big")
env.cr.rollback()

modules.search([('name', '=', 'sms_addon')]).button_immediate_uninstall()
env = modules.env(user=modules.env.ref('base.user_admin').id)
assert 'sales.rule.set' not in env, "the addon is still there"
assert modules.search_count([('name', 'in', names), ('state', '=', 'installed')]) == len(names)
check_theirs(env)
env.cr.rollback()
