"""A large, regular sales history, written by SQL straight into the host's tables.

Customers belong to a country, countries to the region of a sales team, teams to a company; each
customer has a salesperson. Customers and products differ in how often they sell, as real ones do.
Dates cover 36 months up to today.
"""
import time

USERS, TEAMS, COUNTRIES, CATEGORIES, PRODUCTS = 40, 8, 32, 20, 2000
LINES_PER_ORDER = 5
MONTHS = 36


def generate(env, lines):
    """Fill a database that has the addon, and no orders, with ``lines`` order lines.

    The triggers of the warehouse are off meanwhile: the caller rebuilds it afterwards.

    :param env: an environment; the caller commits
    :param lines: how many order lines; a fifth as many orders, a fiftieth as many customers
    :return: seconds taken
    """
    start = time.monotonic()
    cr = env.cr
    teams = env['crm.team'].create([{'name': f"Region {n + 1}"} for n in range(TEAMS)])  # each makes its mail alias
    env.flush_all()
    orders, customers = lines // LINES_PER_ORDER, max(lines // 50, 100)
    parameters = {
        'orders': orders, 'customers': customers, 'users': USERS, 'teams': TEAMS, 'countries': COUNTRIES,
        'categories': CATEGORIES, 'products': PRODUCTS, 'per_order': LINES_PER_ORDER, 'team': teams.ids[0], 'days': MONTHS * 30,
    }
    cr.execute("SELECT setseed(0.42)")
    cr.execute("SET LOCAL session_replication_role = replica")
    for statement in STATEMENTS:
        cr.execute(statement, parameters)
    cr.execute("SET LOCAL session_replication_role = DEFAULT")
    for table in ('res_partner', 'product_product', 'product_template', 'sale_order', 'sale_order_line',
                  'account_move', 'account_move_line', 'sale_order_line_invoice_rel'):
        cr.execute(f'ANALYZE {table}')  # noqa: S608  (names of this file)
    return time.monotonic() - start


STATEMENTS = [
    # where the generated records begin
    """CREATE TEMP TABLE g ON COMMIT DROP AS SELECT
        (SELECT id FROM res_company ORDER BY id LIMIT 1) AS company,
        (SELECT currency_id FROM res_company ORDER BY id LIMIT 1) AS currency,
        (SELECT id FROM uom_uom WHERE factor = 1 ORDER BY id LIMIT 1) AS unit,
        (SELECT id FROM stock_warehouse ORDER BY id LIMIT 1) AS warehouse,
        (SELECT COALESCE(MAX(id), 0) FROM res_partner) AS partner,
        (SELECT COALESCE(MAX(id), 0) FROM res_users) AS users,
        (SELECT COALESCE(MAX(id), 0) FROM product_category) AS categ,
        (SELECT COALESCE(MAX(id), 0) FROM product_template) AS tmpl,
        (SELECT COALESCE(MAX(id), 0) FROM product_product) AS product,
        (SELECT COALESCE(MAX(id), 0) FROM sale_order) AS ord,
        (SELECT COALESCE(MAX(id), 0) FROM sale_order_line) AS line""",
    "CREATE TEMP TABLE g_country ON COMMIT DROP AS SELECT id, row_number() OVER (ORDER BY id) - 1 AS rank FROM res_country",
    """INSERT INTO res_partner (id, name, complete_name, active, type, create_uid, create_date, write_date,
                                company_id, commercial_partner_id, country_id, is_company, autopost_bills)
       SELECT g.partner + n, 'Person ' || n, 'Person ' || n, true, 'contact', 1, now(), now(),
              NULL, g.partner + n, NULL, false, 'ask'
         FROM g, generate_series(1, %(users)s) n""",
    """INSERT INTO res_users (id, login, active, company_id, partner_id, share, notification_type, create_date, write_date)
       SELECT g.users + n, 'bench' || n, true, g.company, g.partner + n, false, 'email', now(), now()
         FROM g, generate_series(1, %(users)s) n""",
    "INSERT INTO res_company_users_rel (cid, user_id) SELECT g.company, g.users + n FROM g, generate_series(1, %(users)s) n",
    """INSERT INTO res_partner (id, name, complete_name, active, type, create_date, write_date, commercial_partner_id,
                                country_id, is_company, autopost_bills)
       SELECT g.partner + %(users)s + n, 'Customer ' || n, 'Customer ' || n, true, 'contact', now(), now(),
              g.partner + %(users)s + n, c.id, true, 'ask'
         FROM g, generate_series(1, %(customers)s) n JOIN g_country c ON c.rank = (n * 7) %% %(countries)s""",
    """INSERT INTO product_category (id, name, complete_name, parent_path, create_date, write_date)
       SELECT g.categ + n, 'Category ' || n, 'Category ' || n, (g.categ + n) || '/', now(), now()
         FROM g, generate_series(1, %(categories)s) n""",
    """INSERT INTO product_template (id, name, type, categ_id, uom_id, list_price, active, sale_ok, purchase_ok,
                                     service_tracking, tracking, invoice_policy, create_date, write_date)
       SELECT g.tmpl + n, jsonb_build_object('en_US', 'Product ' || n), 'consu', g.categ + 1 + n %% %(categories)s,
              g.unit, 10 + n %% 90, true, true, true, 'no', 'none', 'order', now(), now()
         FROM g, generate_series(1, %(products)s) n""",
    """INSERT INTO product_product (id, product_tmpl_id, active, create_date, write_date)
       SELECT g.product + n, g.tmpl + n, true, now(), now() FROM g, generate_series(1, %(products)s) n""",
    # an order every few minutes; a customer early in the list buys more often
    """INSERT INTO sale_order (id, name, partner_id, partner_invoice_id, partner_shipping_id, company_id, currency_id,
                               currency_rate, user_id, team_id, warehouse_id, state, date_order, create_date, write_date,
                               invoice_status, picking_policy, locked, origin)
       SELECT g.ord + n, 'B' || n, p.id, p.id, p.id, g.company, g.currency, 1,
              g.users + 1 + (p.country * 5 + p.rank %% 5) %% %(users)s, %(team)s + (p.country %% %(teams)s), g.warehouse,
              CASE WHEN n %% 20 = 0 THEN 'cancel' WHEN n %% 10 = 1 THEN 'draft' ELSE 'sale' END,
              d.day, d.day - (n %% 14) * INTERVAL '1 day', now(), 'no', 'direct', false, 'bench'
         FROM g, generate_series(1, %(orders)s) n,
              LATERAL (SELECT date_trunc('second', now() AT TIME ZONE 'UTC'
                              - (1 - n::float / %(orders)s) * %(days)s * INTERVAL '1 day') AS day) d,
              LATERAL (SELECT 1 + floor(%(customers)s * power(random() + n * 0, 2))::int AS c) pick,
              LATERAL (SELECT g.partner + %(users)s + pick.c AS id, pick.c AS rank, (pick.c * 7) %% %(countries)s AS country) p""",
    """INSERT INTO sale_order_line (id, order_id, company_id, currency_id, product_id, product_uom_id, name, sequence,
                                    product_uom_qty, qty_delivered, qty_invoiced, qty_to_invoice, price_unit, discount,
                                    price_subtotal, price_total, margin, purchase_price, untaxed_amount_to_invoice,
                                    untaxed_amount_invoiced, invoice_status, customer_lead, state, order_partner_id,
                                    salesman_id, is_downpayment, create_date, write_date)
       SELECT g.line + (s.id - g.ord - 1) * %(per_order)s + k, s.id, s.company_id, s.currency_id,
              g.product + x.product, g.unit, 'Product', k,
              x.qty, CASE WHEN s.state = 'sale' AND s.id %% 4 < 3 THEN x.qty ELSE 0 END, 0, 0, x.price, x.discount,
              a.subtotal, a.subtotal, a.subtotal - round(x.qty * x.price * 0.6, 2), round(x.price * 0.6, 2),
              0, 0, 'no', 0, s.state, s.partner_id, s.user_id, false, now(), now()
         FROM g, sale_order s, generate_series(1, %(per_order)s) k,
              LATERAL (SELECT 1 + floor(%(products)s * power(random() + s.id * 0 + k * 0, 2))::int AS product,
                              1 + (s.id * 7 + k * 3) %% 12 AS qty, round((10 + (s.id * 13 + k * 29) %% 9000 / 100.0)::numeric, 2) AS price,
                              ((s.id + k) %% 5 * 5)::numeric AS discount) x,
              LATERAL (SELECT round(x.qty * x.price * (1 - x.discount / 100), 2) AS subtotal) a
        WHERE s.origin = 'bench'""",
    # what was delivered is invoiced, and paid when it is old; one invoice in fifty is credited
    """CREATE TEMP TABLE g_move ON COMMIT DROP AS
       SELECT row_number() OVER (ORDER BY s.id, type.n) + (SELECT COALESCE(MAX(id), 0) FROM account_move) AS id,
              s.id AS order_id, s.partner_id, s.date_order::date AS day, type.name AS type,
              CASE WHEN type.n = 2 OR s.date_order < now() AT TIME ZONE 'UTC' - INTERVAL '45 days' THEN 0
                   WHEN s.id %% 3 = 0 THEN 0.5 ELSE 1 END AS open_share,
              (SELECT SUM(price_subtotal) FROM sale_order_line l WHERE l.order_id = s.id) AS total
         FROM sale_order s, (VALUES (1, 'out_invoice'), (2, 'out_refund')) type (n, name)
        WHERE s.origin = 'bench' AND s.state = 'sale' AND s.id %% 4 < 3 AND (type.n = 1 OR s.id %% 50 = 0)""",
    """INSERT INTO account_move (id, name, journal_id, company_id, currency_id, partner_id, commercial_partner_id, state,
                                 move_type, auto_post, date, invoice_date, amount_untaxed, amount_total,
                                 amount_residual, payment_state, create_date, write_date)
       SELECT m.id, 'BENCH/' || m.id, (SELECT id FROM account_journal WHERE type = 'sale' ORDER BY id LIMIT 1), g.company,
              g.currency, m.partner_id, m.partner_id, 'posted', m.type, 'no', m.day, m.day, m.total, m.total,
              round(m.total * m.open_share, 2),
              CASE m.open_share WHEN 0 THEN 'paid' WHEN 1 THEN 'not_paid' ELSE 'partial' END, now(), now()
         FROM g, g_move m""",
    """CREATE TEMP TABLE g_aml ON COMMIT DROP AS
       SELECT row_number() OVER (ORDER BY m.id, l.id) + (SELECT COALESCE(MAX(id), 0) FROM account_move_line) AS id,
              m.id AS move_id, m.type, m.day, m.partner_id, l.id AS line_id, l.product_id, l.product_uom_qty, l.price_subtotal
         FROM g_move m JOIN sale_order_line l ON l.order_id = m.order_id""",
    """INSERT INTO account_move_line (id, move_id, company_id, currency_id, account_id, display_type, date, partner_id,
                                      product_id, quantity, price_subtotal, balance, debit, credit, amount_currency,
                                      parent_state, create_date, write_date)
       SELECT a.id, a.move_id, g.company, g.currency, (SELECT MIN(id) FROM account_account), 'product', a.day, a.partner_id,
              a.product_id, a.product_uom_qty, a.price_subtotal, x.sign * a.price_subtotal,
              CASE WHEN x.sign > 0 THEN a.price_subtotal ELSE 0 END, CASE WHEN x.sign < 0 THEN a.price_subtotal ELSE 0 END,
              x.sign * a.price_subtotal, 'posted', now(), now()
         FROM g, g_aml a, LATERAL (SELECT CASE a.type WHEN 'out_invoice' THEN -1 ELSE 1 END AS sign) x""",
    "INSERT INTO sale_order_line_invoice_rel (order_line_id, invoice_line_id) SELECT line_id, id FROM g_aml",
    *(
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT MAX(id) FROM {table}))"  # noqa: S608
        for table in ('res_partner', 'res_users', 'product_category', 'product_template',
                      'product_product', 'sale_order', 'sale_order_line', 'account_move', 'account_move_line')
    ),
]
