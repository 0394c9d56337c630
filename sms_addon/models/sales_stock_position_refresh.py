import logging
import time

from odoo import api, fields, models
from odoo.tools import SQL

from .sales_touch_reader import BUSY

_logger = logging.getLogger(__name__)

#: products that one statement reads
BATCH_PRODUCTS = 25_000
WORK_MEM = '256MB'
#: fewer products than these are found by index, whatever the planner thinks of what follows
MANY = 1000
PART = (
    'mean', 'spread', 'days', 'stockout_days', 'recent', 'mean_before', 'spread_before', 'days_before',
    'order_days_before', 'launched')


class SalesStockPosition(models.Model):
    """How the positions are kept up: products that the ledger tells of at once, all of them every night.

    Every row that is looked at is written, at least the time: a session with an older view of the database is then
    refused by PostgreSQL and tried again, and cannot put an older figure in the place of a newer one that needed no
    change.
    """
    _name = 'sales.stock.position'
    _inherit = ['sales.stock.position', 'sales.touch.reader']

    _touch_queue = 'sales.stock.touch'
    _touch_refresh_cron = 'sms_addon.ir_cron_sales_stock_refresh'
    _touch_rebuild_cron = 'sms_addon.ir_cron_sales_stock_rebuild'

    # -- the query

    def _select_fresh(self, scope):
        """Return the common table expressions of the positions of some products, and the SQL of each column."""
        parts = {
            **{name: query for name, query in self._ctes_stock(scope).items() if name != 'keys'},
            'sold': self._select_sold(scope),
            'keys': self._select_keys(scope),
        }
        # `sold` needs the places, and the keys need what was sold
        ordered = ['place', 'goods', 'quants', 'planned', 'done', 'sold', 'keys', 'plan', 'past', 'stock']
        ctes = {name: parts[name] for name in ordered}
        ctes.update(self._ctes_demand())
        ctes.update(self._ctes_standing(scope))
        ctes.update(self._ctes_derived())
        ctes['joined'] = self._select_joined()
        columns = {
            **self._columns_stock(), **self._columns_demand(), **self._columns_standing(), **self._columns_derived()}
        ctes['fresh'] = SQL(
            "SELECT %s FROM (SELECT judged.*, %s AS status FROM joined judged) f",
            SQL(", ").join(
                SQL("%s AS %s", self._as_stored(name, expression), SQL.identifier(name))
                for name, expression in columns.items()),
            self._status())
        return ctes, list(columns)

    def _select_joined(self):
        demand = SQL(", ").join(SQL.identifier('d', name) for name in PART)
        return SQL(
            """
            SELECT figures.*, %(overstock)s AS overstock,
                   GREATEST(figures.launched, figures.last_sold, figures.last_out, figures.last_in) AS idle_since
              FROM (SELECT s.*, %(demand)s, l.average, y.shipped, y.variation, o.last_sold,
                           COALESCE(y.revenue_12, 0) AS revenue_12, COALESCE(y.margin_12, 0) AS margin_12,
                           COALESCE(t.lead_days, 0) AS lead_days, COALESCE(t.lead_spread, 0) AS lead_spread,
                           COALESCE(t.lead_count, 0) AS lead_count, COALESCE(t.lead_recent, 0) AS lead_recent,
                           COALESCE(v.service_level, 0) AS service_level,
                           COALESCE(v.service_count, 0) AS service_count,
                           r.stockout_date, n.uncovered, n.customers, n.at_risk,
                           sc.a_revenue, sc.b_revenue, sc.a_margin, sc.b_margin
                      FROM stock s
                      JOIN demand d USING (product_id, warehouse_id)
                      LEFT JOIN level l USING (product_id, warehouse_id)
                      LEFT JOIN yearly y USING (product_id, warehouse_id)
                      LEFT JOIN lead t USING (product_id, warehouse_id)
                      LEFT JOIN service v USING (product_id, warehouse_id)
                      LEFT JOIN runout r USING (product_id, warehouse_id)
                      LEFT JOIN uncovered n USING (product_id, warehouse_id)
                      LEFT JOIN (SELECT product_id, warehouse_id, MAX(day) AS last_sold FROM sold
                                  GROUP BY product_id, warehouse_id) o USING (product_id, warehouse_id)
                      LEFT JOIN sales_stock_scale sc ON sc.company_id = s.company_id) figures
            """, overstock=self._overstock(), demand=demand)

    def _as_stored(self, name, expression):
        """Return an expression in the type of its column, with no more decimals than the column shows."""
        field = self._fields[name]
        if field.type == 'monetary':
            return SQL("ROUND((%s)::numeric, f.decimal_places)", expression)
        if field.type == 'float':
            digits = field.get_digits(self.env)
            if digits:
                return SQL("ROUND((%s)::numeric, %s)", expression, digits[1])
            return SQL("ROUND((%s)::numeric, 6)::float8", expression)
        if field.type == 'integer':
            return SQL("ROUND((%s)::numeric)::int", expression)
        return SQL("(%s)::%s", expression, SQL(field.column_type[1]))

    # -- filling

    @api.model
    def _refresh_products(self, product_ids):
        """Read the positions of some products again.

        :return: ids of the positions that changed, that are new or that are gone
        """
        product_ids = sorted(set(product_ids))
        if not product_ids:
            return []
        changed = []
        for start in range(0, len(product_ids), BATCH_PRODUCTS):
            batch = product_ids[start:start + BATCH_PRODUCTS]
            changed += self._replace(lambda column: SQL("%s = ANY(%s)", column, batch), len(batch))  # noqa: B023
        if changed:
            self._notify_changed(changed)
        return changed

    @api.model
    def _rebuild_all(self):
        """Read all positions again and return how many were not as the host has it."""
        start = time.monotonic()
        self.env['sales.stock.scale']._measure()
        changed = 0
        bounds = self._get_batches()
        for number, (first, last) in enumerate(bounds, 1):
            changed += len(self._replace(
                lambda column: SQL("%s BETWEEN %s AND %s", column, first, last), BATCH_PRODUCTS))  # noqa: B023
            _logger.info("%s: %s of %s parts read", self._description, number, len(bounds))
        _logger.info("%s: %s rows were not as the host has it, read in %.1f s", self._description, changed,
                     time.monotonic() - start)
        self._notify_changed(None)
        return changed

    @api.model
    def _get_batches(self):
        """Return the first and the last product of each batch."""
        return self.env.execute_query(SQL(
            """
            SELECT MIN(id), MAX(id)
              FROM (SELECT p.id, (ROW_NUMBER() OVER (ORDER BY p.id) - 1) / %s AS batch
                      FROM product_product p JOIN product_template t ON t.id = p.product_tmpl_id
                     WHERE t.is_storable OR EXISTS (SELECT FROM sales_stock_position s WHERE s.product_id = p.id)) p
             GROUP BY batch ORDER BY batch
            """, BATCH_PRODUCTS))

    def _replace(self, scope, size):
        """Write the positions of the products of a scope, and return the ids of those that changed."""
        self.env.flush_all()
        ctes, columns = self._select_fresh(scope)
        if size >= MANY:
            self._plan_for_many()
        rows = self.env.execute_query(SQL(
            """
            WITH %(ctes)s,
                 compared AS MATERIALIZED (
                    SELECT fresh.*, p.id AS known, (%(old)s) IS DISTINCT FROM (%(new)s) AS differs
                      FROM fresh
                      LEFT JOIN sales_stock_position p ON p.product_id = fresh.product_id
                                                      AND p.warehouse_id = fresh.warehouse_id),
                 updated AS (
                    UPDATE sales_stock_position p SET (%(columns)s, refreshed_at) = ROW(%(values)s, %(now)s)
                      FROM compared c WHERE p.id = c.known
                    RETURNING p.id, c.differs),
                 inserted AS (
                    INSERT INTO sales_stock_position (%(columns)s, refreshed_at)
                    SELECT %(values)s, %(now)s FROM compared c WHERE c.known IS NULL
                        ON CONFLICT (product_id, warehouse_id) DO NOTHING
                    RETURNING id),
                 deleted AS (
                    DELETE FROM sales_stock_position p
                     WHERE %(scope)s AND NOT EXISTS (SELECT FROM compared c WHERE c.known = p.id)
                    RETURNING id)
            SELECT id FROM updated WHERE differs UNION ALL SELECT id FROM inserted UNION ALL SELECT id FROM deleted
            """,
            ctes=SQL(", ").join(
                SQL("%s AS MATERIALIZED (%s)", SQL.identifier(name), query) for name, query in ctes.items()),
            old=SQL(", ").join(SQL.identifier('p', name) for name in columns),
            new=SQL(", ").join(SQL.identifier('fresh', name) for name in columns),
            columns=SQL(", ").join(map(SQL.identifier, columns)),
            values=SQL(", ").join(SQL.identifier('c', name) for name in columns),
            scope=scope(SQL("p.product_id")), now=fields.Datetime.now().replace(microsecond=0)))
        if size >= MANY:
            self._plan_for_many(reset=True)
        # a warehouse that was swapped since this transaction began looks empty to it
        self.env['sales.fact']._check_tables_visible()
        self.invalidate_model()
        return [row_id for (row_id,) in rows]

    @api.model
    def _plan_for_many(self, reset=False):
        # how many rows come out of all these steps is guessed far too low, and PostgreSQL would rather loop
        for name, value in (('work_mem', WORK_MEM), ('jit', 'off'), ('enable_nestloop', 'off')):
            self.env.cr.execute(SQL(
                "SET LOCAL %s TO %s", SQL.identifier(name), SQL("DEFAULT") if reset else SQL("%s", value)))

    @api.model
    def _notify_changed(self, ids):
        """Tell whoever follows the positions that they changed; others override it.

        :param ids: ids of the positions, those of deleted ones among them; ``None`` when all may have changed
        """

    # -- waking

    @api.model
    def _read_touched(self, ids):
        self._refresh_products(ids)

    @api.model
    def _cron_refresh(self):
        """Read touched products again, unless the facts that their demand is from are to be made anew first."""
        if self.env['sales.warehouse']._is_stale() == 'empty':
            return None  # the rebuild of the warehouse asks again
        return super()._cron_refresh()

    @api.model
    def _cron_rebuild(self):
        """Have all positions read again, batch by batch: what depends on the day, and what nobody told of."""
        if self.env['sales.warehouse']._is_stale() == 'empty':
            return
        try:
            self.env['sales.stock.scale']._measure()
            self.env['sales.stock.touch']._touch_all()
            self._wake()
        except BUSY as error:
            self._try_again(error, self._request_rebuild)
