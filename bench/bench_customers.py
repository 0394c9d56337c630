"""How long the customer profiles take to build, to follow a day, and to be looked at."""
import time

from bench.database import addon_database, say, vacuum
from bench.measure import at_most, seconds

CUSTOMERS, FACTS = 1_000_000, 5_000_000
DAY_ORDERS = 5000
ROUNDS = 3
STATEMENTS = [
    """CREATE TEMP TABLE g ON COMMIT DROP AS SELECT
        (SELECT id FROM res_company ORDER BY id LIMIT 1) AS company,
        (SELECT COALESCE(MAX(id), 0) FROM res_partner) AS partner""",
    """INSERT INTO res_partner (id, name, complete_name, active, type, create_date, write_date, commercial_partner_id,
                                is_company, autopost_bills)
       SELECT g.partner + n, 'Customer ' || n, 'Customer ' || n, true, 'contact', now(), now(), g.partner + n, true,
              'ask'
         FROM g, generate_series(1, %(customers)s) n""",
    "SELECT setval(pg_get_serial_sequence('res_partner', 'id'), (SELECT MAX(id) FROM res_partner))",
    # two lines to an order, over three years; half of the orders are of a fifth of the customers, the rest goes round
    """INSERT INTO sales_fact (id, order_id, date, company_id, state, commercial_partner_id, product_id, categ_id,
                               user_id, team_id, price_subtotal, margin, product_uom_qty, discount, amount_invoiced,
                               amount_refunded)
       SELECT n, o.id, CURRENT_DATE - (hashint4(o.id) & 1048575) %% 1095, g.company, 'sale', g.partner + c.number,
              1 + (hashint4(n) & 1048575) %% 2000, 1 + (hashint4(n) & 1048575) %% 2000 %% 20, 1 + c.number %% 40,
              1 + c.number %% 8, a.amount, a.amount / 3, 1000000, 0, a.amount,
              CASE WHEN n %% 50 = 0 THEN a.amount ELSE 0 END
         FROM g, generate_series(1, %(facts)s) n
        CROSS JOIN LATERAL (SELECT n / 2 + 1 AS id) o
        CROSS JOIN LATERAL (SELECT CASE WHEN o.id %% 2 = 0
                                        THEN 1 + (hashint4(o.id + 7) & 2147483647) %% (%(customers)s / 5)
                                        ELSE 1 + o.id / 2 %% %(customers)s END AS number) c
        CROSS JOIN LATERAL (SELECT (10 + (hashint4(n + 3) & 1048575) %% 90) * 1000000::bigint AS amount) a""",
    "ANALYZE sales_fact",
    "ANALYZE res_partner",
]
# what a screen reads: name -> (domain, order)
LISTS = {
    'call today': ([('call_today', '=', True)], 'value_at_stake desc, id'),
    'profiles': ([], 'revenue desc, id'),
    'falling': ([('trend', '=', 'falling'), ('lifecycle', '!=', 'lost')], 'revenue desc, id'),
    'one salesperson': ([('user_id', '=', 7), ('call_today', '=', True)], 'value_at_stake desc, id'),
}


def run(lines):
    """Return the results of the promises about customers.

    :param lines: with the usual 1,000,000 the promised size: as many customers, five times as many facts
    """
    share = lines / 1_000_000
    with addon_database('sms_bench_customers') as env:
        say(f'generating {FACTS * share:,.0f} facts of {CUSTOMERS * share:,.0f} customers')
        generate(env, int(CUSTOMERS * share), int(FACTS * share))
        say('customer profiles')
        return [measure_build(env), measure_again(env), measure_day(env), *measure_lists(env)]


def generate(env, customers, facts):
    """Write customers and the facts of their orders, without the orders: profiles are made of facts alone."""
    cr = env.cr
    cr.execute("SET LOCAL session_replication_role = replica")
    for statement in STATEMENTS:
        cr.execute(statement, {'customers': customers, 'facts': facts})
    cr.commit()
    vacuum(cr.dbname, 'sales_fact')


def measure_build(env):
    start = time.perf_counter()
    env['sales.customer.profile']._rebuild_all()
    env.cr.commit()
    taken = time.perf_counter() - start
    vacuum(env.cr.dbname, 'sales_customer_figures')
    env.cr.execute("SELECT COUNT(*) FROM sales_customer_figures")
    say(f'{env.cr.fetchone()[0]:,} profiles')
    return at_most('profiles: full build', taken, 180, 'seconds')


def measure_again(env):
    start = time.perf_counter()
    assert not env['sales.customer.profile']._rebuild_all(), "nothing has changed"
    env.cr.commit()
    return at_most('profiles: nightly check', time.perf_counter() - start, 180, 'seconds')


def measure_day(env):
    """Measure a day's orders: their customers are noted and read again."""
    env.cr.execute(
        "SELECT array_agg(id) FROM (SELECT DISTINCT order_id AS id FROM sales_fact ORDER BY 1 DESC LIMIT %s) o",
        [DAY_ORDERS])
    [order_ids] = env.cr.fetchone()
    profile, touch = env['sales.customer.profile'], env['sales.customer.touch']

    def follow():
        touch._touch_orders(order_ids)
        touch._touch_orders(order_ids)
        while partner_ids := touch._take(5000):
            profile._refresh_customers(partner_ids)
        env.cr.commit()

    return at_most('profiles: the customers of 5,000 orders', seconds(follow, ROUNDS), 5, 'seconds')


def measure_lists(env):
    profile = env(user=env.ref('base.user_admin'))['sales.customer.profile']
    fields = dict.fromkeys(['commercial_partner_id', 'reason', 'lifecycle', 'value_at_stake', 'rfm'], {})
    for name, (domain, order) in LISTS.items():
        taken = seconds(
            lambda: profile.web_search_read(domain, fields, limit=80, order=order), ROUNDS, env.invalidate_all)  # noqa: B023
        yield at_most(f'list: {name}', taken, 5, 'seconds')
    taken = seconds(
        lambda: profile.formatted_read_group([], ['lifecycle'], ['revenue_12:sum']), ROUNDS, env.invalidate_all)
    yield at_most('customers by lifecycle', taken, 5, 'seconds')
