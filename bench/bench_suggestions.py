"""How long suggestions take: for one customer as the web asks for them, and for all customers at once."""
import statistics
import time

from bench import quality
from bench.database import addon_database, say
from bench.measure import at_most, memory_growth

CUSTOMERS, PRODUCTS, LINES = 100_000, 5_000, 2_000_000
ASKED = 200
#: facts of customers who buy of a range of their own, many of it again
FACTS = """
    INSERT INTO sales_fact (id, order_id, date, company_id, state, commercial_partner_id, product_id, price_subtotal,
                            margin, product_uom_qty)
    SELECT n, o.id, CURRENT_DATE - (hashint4(o.id) & 1048575) %% 1095, g.company, 'sale', c.number,
           1 + ((hashint4(n + 5) & 1048575) %% 60 * (1 + (hashint4(n) & 7)) + c.number %% 97 * 50) %% %(products)s,
           50000000, 10000000, 1000000
      FROM (SELECT MIN(id) AS company FROM res_company) g, generate_series(1, %(lines)s) n
     CROSS JOIN LATERAL (SELECT n / 4 + 1 AS id) o
     CROSS JOIN LATERAL (SELECT 1 + (hashint4(o.id + 7) & 2147483647) %% %(customers)s AS number) c"""


def run(lines):
    """Return the results of the promises about suggestions, and of how good they and other answers are.

    :param lines: with the usual 1,000,000 the promised size
    """
    with addon_database('sms_bench_suggestions') as env:
        results = measure_suggestions(env, lines / 1_000_000)
        say('quality on public data')
        return [*results, *quality.run()]


def measure_suggestions(env, share):
    say(f'generating {LINES * share:,.0f} facts of {CUSTOMERS * share:,.0f} customers')
    generate(env, share)
    study = env['sales.study'].create({'kind': 'affinity', 'company_id': env['res.company'].search([], limit=1).id})
    say('suggestions')
    found = {}

    def everybody():
        found['model'] = fit(env, study)
        start = time.perf_counter()
        found['suggestions'] = found['model'].recommend_all(10)
        found['seconds'] = time.perf_counter() - start

    start = time.perf_counter()
    memory = memory_growth(everybody)
    taken = time.perf_counter() - start
    customers = len(found['model'].customer_ids)
    one = one_by_one(env, found['model'])
    return [
        at_most(f'suggestions of {customers:,} customers, with reading and learning', taken, 120, 'seconds',
                seconds={'suggest': found['seconds']}),
        at_most('memory for that', memory, 1500, 'MB'),
        at_most('suggestions of one customer, median', statistics.median(one) * 1000, 50, 'ms'),
        at_most('suggestions of one customer, 95 of 100', statistics.quantiles(one, n=20)[-1] * 1000, 50, 'ms'),
    ]


def generate(env, share):
    """Write facts, without their orders, customers and products."""
    cr = env.cr
    cr.execute("TRUNCATE sales_fact")
    cr.execute(FACTS, {
        'lines': int(LINES * share), 'customers': int(CUSTOMERS * share), 'products': PRODUCTS})
    cr.execute("ANALYZE sales_fact")
    products = env['product.product'].with_context(tracking_disable=True).create([
        {'name': f"Product {number}", 'list_price': 10} for number in range(500)])
    # some of them exist, so that what is suggested can be sold
    cr.execute(
        "UPDATE sales_fact SET product_id = product_id + %s WHERE product_id <= %s",
        [products.ids[0] - 1, len(products)])


def fit(env, study):
    """Do what the study does, and lay down what it found."""
    from odoo.addons.sms_addon.tools.affinity import fit_recommender
    lines = study._read_bought()
    model = fit_recommender(lines['customer'], lines['product'], lines['day'])
    env['sales.product.affinity']._replace(study, model.neighbours(), len(model.customer_ids))
    env.cr.execute("ANALYZE sales_product_affinity")
    return model


def one_by_one(env, model):
    """Return the seconds of some customers, as a worker has them that answered others before."""
    recommender = env(user=env.ref('base.user_admin'))['sales.recommender']
    partner = env['res.partner'].search([], limit=1)
    times = []
    for number, customer in enumerate(model.customer_ids[::max(1, len(model.customer_ids) // ASKED)].tolist()):
        # the customers of the facts have no record: one that is there stands for them
        env.cr.execute("UPDATE sales_fact SET commercial_partner_id = %s WHERE commercial_partner_id = %s",
                       [partner.id, customer])
        start = time.perf_counter()
        recommender._suggest(partner)
        if number:
            times.append(time.perf_counter() - start)
        env.cr.execute(
            "UPDATE sales_fact SET commercial_partner_id = -1 WHERE commercial_partner_id = %s", [partner.id])
    return times
