"""How good the studies of customers are on public data, and how long they take on many customers."""
from bench import customers_studies
from bench.bench_customers import CUSTOMERS, FACTS, generate
from bench.database import addon_database, say


def run(lines):
    """Return the results of the promises about studies.

    :param lines: with the usual 1,000,000 the promised size
    """
    share = lines / 1_000_000
    with addon_database('sms_bench_studies') as env:
        # the first to import what is measured, as the addons path is known now
        say('studies on public data')
        rows = customers_studies.run()
        say(f'generating {FACTS * share:,.0f} facts of {CUSTOMERS * share:,.0f} customers')
        generate(env, int(CUSTOMERS * share), int(FACTS * share))
        env.cr.execute(
            "INSERT INTO product_category (id, name, complete_name)"
            " SELECT n, 'Category ' || n, 'Category ' || n FROM generate_series(1, 20) n ON CONFLICT DO NOTHING")
        env['sales.customer.profile']._rebuild_all()
        # the salespeople of the facts have no record, and needs are somebody's
        env.cr.execute("UPDATE sales_customer_figures SET user_id = NULL")
        env.cr.commit()
        say('studies of these customers')
        return rows + customers_studies.measure_studies(env)
