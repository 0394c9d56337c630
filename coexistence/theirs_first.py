"""Run in an Odoo shell on a database without the addon: it comes last, works, and goes without taking others along."""
import os

from coexistence.checks import check_theirs, forbid_big_orders, get_outermost

names = os.environ['SMS_BESIDE'].split(',')
modules = env['ir.module.module']  # noqa: F821
modules.update_list()
# kits have a trigger of ours
for wanted in ([*names, 'mrp'], ['sms_addon']):
    modules.search([('name', 'in', wanted)]).button_immediate_install()
env = modules.env(user=modules.env.ref('base.user_admin').id)
assert get_outermost(env, [*names, 'sms_addon']) == 'sms_addon', "the addon does not come first"
env.cr.execute("SELECT COUNT(*) FROM pg_trigger WHERE tgname = 'sales_event_kits'")
assert env.cr.fetchone() == (1,), "kits are not followed"
forbid_big_orders(env)
check_theirs(env, also="Too big")
env.cr.rollback()

modules.search([('name', '=', 'sms_addon')]).button_immediate_uninstall()
env = modules.env(user=modules.env.ref('base.user_admin').id)
assert 'sales.rule.set' not in env, "the addon is still there"
assert modules.search_count([('name', 'in', names), ('state', '=', 'installed')]) == len(names)
env.cr.execute(r"SELECT proname FROM pg_proc WHERE proname LIKE 'sales\_%' OR proname LIKE 'sms\_addon%'")
assert not (left := env.cr.fetchall()), f"functions are left in the database: {left}"
env['mrp.bom'].create({
    'product_tmpl_id': env['product.product'].create({'name': "Kit"}).product_tmpl_id.id, 'type': 'phantom'})
env.flush_all()
check_theirs(env)
env.cr.rollback()
