"""Checks that need no test class: run in an Odoo shell, where modules have just come or gone."""
from odoo import Command
from odoo.exceptions import UserError

WIZARDS = ('sale.exception.confirm', 'partner.risk.exceeded.wiz')


def check_theirs(env, also=None):
    """Confirm an order that each module of others asks about; after that ours is asked, if it is there.

    :param also: what is raised in the end instead of the confirmation
    """
    customer = env['res.partner'].create({'name': "Customer", 'risk_sale_order_limit': 50})
    product = env['product.product'].create({'name': "Thing", 'type': 'consu', 'taxes_id': [Command.clear()]})
    order = env['sale.order'].create({
        'partner_id': customer.id, 'client_order_ref': "odd",
        'order_line': [Command.create({'product_id': product.id, 'product_uom_qty': 6, 'price_unit': 100})],
    })
    env['exception.rule'].sudo().create({
        'name': "Odd", 'model': 'sale.order', 'exception_type': 'by_domain',
        'domain': "[('client_order_ref', '=', 'odd')]"})
    asked, error = [], ''
    action = press(order)
    try:
        while order.state == 'draft' and len(asked) < 9:
            if is_wizard(action):
                asked.append(action['res_model'])
                action = answer(env, action)
            else:
                # a wizard of theirs that loses what comes next
                action = press(order)
    except UserError as stop:
        error = str(stop)
    assert set(WIZARDS) == set(asked) and len(asked) < 9, asked
    assert also in error if also else order.state == 'sale' and not error, error


def press(order):
    """Press the button on the form of an order."""
    return order.with_context(sales_confirm_interactive=True).action_confirm()


def is_wizard(action):
    """Tell whether another module asks something."""
    return isinstance(action, dict) and action.get('res_model') in WIZARDS


def answer(env, action, **values):
    """Do what a user does in a wizard that another module has opened: go on; return what the client gets."""
    context = {**env.context, **action.get('context', {})}
    if action['res_model'] == 'sale.exception.confirm':
        return env[action['res_model']].with_context(**context).create({'ignore': True}).action_confirm()
    return env[action['res_model']].with_context(**context).browse(action['res_id']).button_continue()


def forbid_big_orders(env):
    """Publish a rule that stops them."""
    rule_set = env['sales.rule.set'].create({
        'name': "Policy", 'model': 'sale.order', 'when': 'confirm', 'mode': 'stop',
        'rule_ids': [Command.create({
            'name': "Big", 'domain': "[('amount_total', '>', 500)]", 'decision': 'stop', 'message': "Too big"})],
    })
    rule_set.action_publish()


def get_outermost(env, modules):
    """Return which of these modules is asked first when an order is confirmed."""
    for base in type(env['sale.order']).__mro__:
        module = base.__module__.split('.')[2] if base.__module__.startswith('odoo.addons.') else ''
        if module in modules and 'action_confirm' in vars(base):
            return module
    return None
