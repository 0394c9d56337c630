"""What rules cost whoever confirms an order or saves a long one, against none, in turns in one run."""
import statistics
import time

from bench.database import addon_database, say
from bench.measure import at_most

RULES = 50
ORDERS = 100
LINES_PER_ORDER = 5
SINGLE_ROUNDS, ROUNDS, SAVES = 400, 12, 60
LONG_ORDER = 1000
#: what a policy asks; the number makes each rule another one, and none of them holds
ORDER_CONDITIONS = (
    "[('amount_total', '>', %d000)]",
    "[('amount_untaxed', '>', %d000), ('partner_id.country_id.code', '=', 'BE')]",
    "[('margin_percent', '<', -%d)]",
    "[('sales_line_discount_max', '>', %d)]",
    "[('partner_id.category_id.name', '=', 'nobody %d')]",
    "[('payment_term_id.name', '=', 'never %d'), ('amount_total', '>', 10)]",
    "[('sales_overdue_days', '>', %d)]",
    "[('user_id.sales_role', '=', 'own'), ('sales_discount', '>', %d)]",
    "['|', ('commitment_date', '<', '2020-01-01'), ('amount_total', '<', -%d)]",
    "[('order_line.discount', '>', %d), ('partner_id.user_id', '=', False)]",
)
#: facts that take longer, each kind alone
DEAR_FACTS = ('sales_credit_excess', 'sales_duplicate_count', 'sales_orders_before', 'sales_quantity_factor_max')
LINE_CONDITIONS = (
    "[('discount', '>', %d)]",
    "[('price_unit', '<', -%d)]",
    "[('margin_percent', '<', -%d)]",
    "[('product_uom_qty', '>', %d), ('product_id.categ_id.name', '=', 'none')]",
    "[('sales_cost_missing', '=', True), ('price_unit', '>', %d)]",
)


def run(_lines):
    with addon_database('sms_bench_decisions') as env:
        env['sales.rule.set'].search([]).mode = 'off'
        say('confirming orders')
        rules = make_rules(env, 'sale.order', ORDER_CONDITIONS, RULES)
        results = measure_confirmation(env, rules)
        rules.mode = 'off'
        for fact in DEAR_FACTS:
            results.append(measure_fact(env, fact))
        say(f'saving an order of {LONG_ORDER:,} lines')
        rules = make_rules(env, 'sale.order', ORDER_CONDITIONS, RULES // 2)
        rules += make_rules(env, 'sale.order.line', LINE_CONDITIONS, RULES // 2)
        results.append(measure_saving(env, rules))
    return results


def make_rules(env, model, conditions, count):
    rules = env['sales.rule.set'].create({
        'name': f"Bench {model}", 'model': model, 'when': 'confirm', 'mode': 'stop',
        'rule_ids': [
            (0, 0, {
                'name': f"Rule {n}", 'decision': 'stop',
                'domain': conditions[n % len(conditions)] % (100_000 + n)})
            for n in range(count)],
    })
    rules.with_user(env.ref('base.user_admin')).action_publish()
    return rules


def make_order_values(env, lines):
    product = env['product.product'].create(
        {'name': "Bench", 'is_storable': True, 'list_price': 10, 'standard_price': 6, 'invoice_policy': 'order'})
    partner = env['res.partner'].create({'name': "Bench", 'is_company': True})
    return {
        'partner_id': partner.id,
        'order_line': [(0, 0, {'product_id': product.id, 'product_uom_qty': 1 + n % 7}) for n in range(lines)],
    }


def measure_fact(env, fact):
    """Return what one rule adds that asks for a fact; no promise of the issue, but what a policy should know."""
    rules = make_rules(env, 'sale.order', (f"[('{fact}', '>', %d)]",), 1)
    make, confirm = prepare_confirmation(env)
    on, off = undisturbed(in_turns(env, rules, list(make(SINGLE_ROUNDS // 4)), confirm))
    rules.mode = 'off'
    return at_most(
        f'confirming one order, what a rule on {fact} adds', 1000 * (on - off), 25, 'ms',
        seconds={'on': on, 'off': off})


def prepare_confirmation(env):
    values = make_order_values(env, LINES_PER_ORDER)
    partners = env['res.partner'].create([{'name': f"Customer {n}", 'is_company': True} for n in range(ORDERS)])

    def make(count):
        orders = env['sale.order'].create([
            {**values, 'partner_id': partners[n % ORDERS].id} for n in range(count)])
        env.cr.commit()
        return orders

    def confirm(orders):
        orders.action_confirm()
        env.cr.commit()

    confirm(make(10))
    return make, confirm


def measure_confirmation(env, rules):
    make, confirm = prepare_confirmation(env)
    single = in_turns(env, rules, list(make(SINGLE_ROUNDS)), confirm)
    many = in_turns(env, rules, [make(ORDERS) for _round in range(ROUNDS)], confirm)
    on, off = undisturbed(single)
    return [
        ratio(f'confirming {ORDERS} orders, {RULES} rules against none', undisturbed(many), 1.10),
        at_most(
            'confirming one order, what the rules add', 1000 * (on - off), 10, 'ms', seconds={'on': on, 'off': off}),
    ]


def measure_saving(env, rules):
    order = env['sale.order'].create(make_order_values(env, LONG_ORDER))
    env.cr.commit()

    def save(line):
        order.write({'order_line': [(1, line.id, {'product_uom_qty': line.product_uom_qty + 1})]})
        env.cr.commit()

    times = in_turns(env, rules, list(order.order_line[:SAVES]), save)
    return ratio(f'saving an order of {LONG_ORDER:,} lines, {RULES} rules against none', undisturbed(times), 1.2)


def in_turns(env, rules, items, act):
    """Return the seconds of ``act`` on each item by whether the rules are on: on, off, off, on and so forth."""
    times = {True: [], False: []}
    for number, item in enumerate(items):
        on = number % 4 in (0, 3)
        rules.mode = 'stop' if on else 'off'
        env.cr.commit()
        order = item if item._name == 'sale.order' else item.order_id
        env['sales.rule.engine']._judge(order[:1])  # have the rules read, which is done once
        env.invalidate_all()
        start = time.perf_counter()
        act(item)
        times[on].append(time.perf_counter() - start)
    return times


def undisturbed(times):
    """Return the means of the fastest thirds, on and off: what nothing else on the machine got in the way of."""
    return [statistics.mean(sorted(times[on])[:max(1, len(times[on]) // 3)]) for on in (True, False)]


def ratio(measure, pair, bound):
    on, off = pair
    return at_most(measure, on / off, bound, seconds={'on': on, 'off': off})
