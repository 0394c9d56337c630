"""How long it takes to see what rules would have decided."""
import time
from datetime import date, timedelta

from bench.database import addon_database, say, vacuum
from bench.generate import generate
from bench.measure import at_most, memory_growth

RULES = 50
ROUNDS = 3
#: conditions on facts, which are worked out once for all rules: name -> operator
FACTS = {
    'sales_discount': '>', 'sales_line_discount_max': '>', 'sales_below_pricelist': '>', 'sales_credit_after': '>',
    'sales_overdue_days': '>', 'sales_orders_before': '<', 'sales_days_since_order': '>', 'sales_duplicate_count': '>',
}


def run(lines):
    """Return the results of the promises about rules.

    :param lines: order lines of the large database, a fifth as many orders; the small one has a tenth
    """
    with addon_database('sms_bench_rules_small') as small, addon_database('sms_bench_rules_large') as large:
        for env, count in ((small, lines // 10), (large, lines)):
            say(f'{env.cr.dbname}: generating {count:,} order lines')
            generate(env, count)
            complete(env)
            env.cr.commit()
            for table in ('sale_order', 'sale_order_line'):
                vacuum(env.cr.dbname, table)
        return measure_simulation(small, large)


def complete(env):
    """Give the orders what the generator leaves out and rules ask for, and let none of them be cancelled."""
    env.cr.execute("SET LOCAL session_replication_role = replica")
    env.cr.execute(
        """UPDATE sale_order s SET amount_untaxed = l.total, amount_total = l.total, margin = l.margin,
                  margin_percent = l.margin / NULLIF(l.total, 0),
                  state = CASE state WHEN 'cancel' THEN 'sent' ELSE state END
             FROM (SELECT order_id, SUM(price_subtotal) AS total, SUM(margin) AS margin
                     FROM sale_order_line GROUP BY order_id) l
            WHERE l.order_id = s.id""")
    env.cr.execute("SET LOCAL session_replication_role = DEFAULT")


def conditions(env):
    """Return conditions as policies have them: on the order, its lines, its customer, and what follows from others.

    Each holds for a few of a hundred orders, as a rule does that people can live with.
    """
    country = env.ref('base.be').id
    amount = quantiles(env, 'sale_order', 'amount_total')
    margin = quantiles(env, 'sale_order', 'margin_percent')
    price = quantiles(env, 'sale_order_line', 'price_unit')
    kinds = [
        lambda n: [('amount_total', '>', amount(0.99 - n / 2000))],
        lambda n: [('margin_percent', '<', margin(0.02 + n / 2000)), ('amount_total', '>', 50)],
        lambda n: [('order_line.discount', '>=', 20 - n % 5), ('amount_total', '>', amount(0.98 - n / 2000))],
        lambda n: [('partner_id.country_id', '=', country + n)],
        lambda n: ['|', ('user_id', '=', False), ('team_id', '!=', 1 + n % 8),
                   ('amount_untaxed', '<', amount(0.01 + n / 2000))],
        lambda n: [('order_line.price_unit', '>', price(0.996 - n / 20000)), ('client_order_ref', '=', False)],
    ]
    names = [name for name in FACTS if name in env['sale.order']._fields]
    kinds += [
        lambda n, name=name: [(name, FACTS[name], 10 + n), ('amount_total', '>', amount(0.97))] for name in names]
    return [kinds[number % len(kinds)](number) for number in range(RULES)]


def quantiles(env, table, column):
    """Return a function from a share to the value below which that share of a column is."""
    env.cr.execute(f"SELECT percentile_cont(ARRAY(SELECT n / 1000.0 FROM generate_series(0, 1000) n))"  # noqa: S608
                   f" WITHIN GROUP (ORDER BY {column}) FROM {table}")
    [found] = env.cr.fetchone()
    return lambda share: round(found[round(share * 1000)], 6)


def make_rules(env):
    policy = env['sales.approval.policy'].create({'name': "Bench"})
    decisions = ['warn', 'hold', 'stop', 'note']
    return env['sales.rule.set'].create({'name': "Bench", 'rule_ids': [
        (0, 0, {
            'name': f"Rule {number}", 'domain': str(domain), 'sequence': number, 'approval_policy_id': policy.id,
            'decision': decisions[number % len(decisions)]})
        for number, domain in enumerate(conditions(env))]})


def prepare(env):
    """Return a function that simulates all rules on all orders, as a manager does; undone by a rollback."""
    manager = env(user=env.ref('base.user_admin'))
    rule_set = make_rules(manager)
    env.cr.commit()

    def simulate():
        simulation = manager['sales.rule.simulation'].create({
            'set_id': rule_set.id, 'date_from': date.today() - timedelta(days=5000), 'include_drafts': True})
        simulation.definition = rule_set._prepare_definition()
        manager.flush_all()
        manager.invalidate_all()
        queries = env.cr.sql_log_count
        start = time.perf_counter()
        simulation._run()
        taken = time.perf_counter() - start
        result = simulation.get_result()
        failed = [rule for rule in result['sides']['a']['rules'] if rule['error']]
        if failed:
            raise AssertionError(f"rules fail: {failed}")
        queries = env.cr.sql_log_count - queries
        env.cr.execute("SELECT COUNT(*) FROM sales_rule_simulation_line WHERE simulation_id = %s", [simulation.id])
        return taken, queries, simulation.document_count, env.cr.fetchone()[0]

    return simulate


def measure_simulation(small, large):
    say('simulation')
    simulate, simulate_small = prepare(large), prepare(small)
    simulate(), large.cr.rollback()
    simulate_small(), small.cr.rollback()
    _taken, few_queries, *_counts = simulate_small()
    small.cr.rollback()
    rounds, growth = [], []
    for _round in range(ROUNDS):
        growth.append(memory_growth(lambda: rounds.append(simulate())))
        large.cr.rollback()
    taken = sorted(taken for taken, *_others in rounds)
    _taken, queries, count, decisions = rounds[0]
    name = f'simulation of {RULES} rules over {count:,} orders, {decisions:,} decisions'
    return [
        at_most(name, taken[len(taken) // 2], 10, 's', seconds={'fastest': taken[0], 'slowest': taken[-1]}),
        at_most('worker memory during it', max(growth), 100, 'MB'),
        at_most('its queries, against those for a tenth of the orders', queries / few_queries, 1),
    ]
