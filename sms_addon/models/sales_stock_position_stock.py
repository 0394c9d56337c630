from odoo import models
from odoo.tools import SQL

#: states of moves that are yet to come, for the host
OPEN = SQL("('waiting', 'confirmed', 'assigned', 'partially_available')")
#: days ahead in which a lot that expires is told of
EXPIRY_DAYS = 30
#: days after its last move that a product without stock keeps its position
KEPT_DAYS = 365


class SalesStockPosition(models.Model):
    """What is there, and what is planned to come and go: the figures that the host has, too.

    They are those of ``product.with_context(warehouse_id=…)``: every location below the view location of the
    warehouse counts, and a move that is not done yet counts for where it ends (``location_final_id``).

    All parts of a position are common table expressions of one statement. ``scope`` says for which products it is: a
    function that turns the SQL of a product's id into a condition.
    """
    _name = 'sales.stock.position'
    _inherit = ['sales.stock.position']

    def _ctes_stock(self, scope):
        return {
            'place': self._select_places(),
            'goods': self._select_goods(scope),
            'quants': self._select_quants(scope),
            'planned': self._select_planned(scope),
            'done': self._select_done(scope),
            'keys': self._select_keys(scope),
            'plan': SQL("""
                SELECT product_id, warehouse_id,
                       SUM(qty) FILTER (WHERE incoming) AS incoming, SUM(qty) FILTER (WHERE NOT incoming) AS outgoing,
                       MIN(day) FILTER (WHERE incoming) AS next_in
                  FROM planned GROUP BY product_id, warehouse_id"""),
            'past': SQL("""
                SELECT product_id, warehouse_id, MIN(day) AS first_day, MAX(day) AS last_day,
                       MAX(day) FILTER (WHERE qty_in <> 0) AS last_in, MAX(day) FILTER (WHERE qty_out <> 0) AS last_out
                  FROM done GROUP BY product_id, warehouse_id"""),
            'stock': self._select_stock(),
        }

    def _columns_stock(self):
        """Return the SQL of the columns of this part, of the alias ``f``."""
        return {
            'product_id': SQL("f.product_id"),
            'product_tmpl_id': SQL("f.product_tmpl_id"),
            'categ_id': SQL("f.categ_id"),
            'warehouse_id': SQL("f.warehouse_id"),
            'company_id': SQL("f.company_id"),
            'uom_id': SQL("f.uom_id"),
            'user_id': SQL("f.user_id"),
            'qty_on_hand': SQL("f.on_hand"),
            'qty_reserved': SQL("f.reserved"),
            'qty_free': SQL("f.free"),
            'qty_incoming': SQL("f.incoming"),
            'qty_outgoing': SQL("f.outgoing"),
            'qty_forecast': SQL("f.on_hand + f.incoming - f.outgoing"),
            'qty_expiring': SQL("f.expiring"),
            'next_incoming_date': SQL("f.next_in"),
            'last_in_date': SQL("f.last_in"),
            'last_out_date': SQL("f.last_out"),
            'last_move_date': SQL("f.last_day"),
            'age_days': SQL("f.age"),
            # what others have given into consignment is there, and is not the company's
            'value': SQL("f.owned * f.cost"),
        }

    def _select_places(self):
        """Return the warehouses that each location is in; a warehouse may lie within another."""
        return SQL(
            """
            SELECT l.id AS location_id, w.id AS warehouse_id, w.company_id, c.partner_id AS owner_id,
                   c.sales_timezone AS tz, %s AS today
              FROM stock_location l
             CROSS JOIN LATERAL unnest(string_to_array(l.parent_path, '/')) AS parent (id)
              JOIN stock_warehouse w ON w.view_location_id::text = parent.id
              JOIN res_company c ON c.id = w.company_id
             WHERE w.active
            """, self.env['sales.order.tracking']._today(SQL("w.company_id")))

    def _select_goods(self, scope):
        """Return the products that may have positions."""
        return SQL(
            """
            SELECT p.id AS product_id, p.product_tmpl_id, t.categ_id, t.uom_id, p.standard_price, t.responsible_id,
                   p.active
              FROM product_product p
              JOIN product_template t ON t.id = p.product_tmpl_id
             WHERE t.is_storable AND t.type = 'consu' AND %s
            """, scope(SQL("p.id")))

    def _is_no_kit(self, company):
        """Return the condition on goods ``g``: a kit has no position in a company, its components do."""
        if 'mrp.bom' not in self.env:
            return SQL("TRUE")
        return SQL(
            """
            NOT EXISTS (SELECT FROM mrp_bom b
                         WHERE b.active AND b.type = 'phantom' AND b.product_tmpl_id = g.product_tmpl_id
                           AND (b.product_id IS NULL OR b.product_id = g.product_id)
                           AND (b.company_id IS NULL OR b.company_id = %s))
            """, company)

    def _select_quants(self, scope):
        expiring = SQL("0")
        if 'expiration_date' in self.env['stock.lot']._fields:
            expiring = SQL(
                "SUM(q.quantity) FILTER (WHERE q.quantity > 0 AND lot.expiration_date"
                " < now() AT TIME ZONE 'UTC' + %s * interval '1 day')", EXPIRY_DAYS)
        return SQL(
            """
            SELECT q.product_id, pl.warehouse_id, SUM(q.quantity) AS on_hand, SUM(q.reserved_quantity) AS reserved,
                   SUM(q.quantity) FILTER (WHERE q.owner_id IS NULL OR q.owner_id = pl.owner_id) AS owned,
                   %s AS expiring,
                   SUM(q.quantity * EXTRACT(EPOCH FROM now() AT TIME ZONE 'UTC' - q.in_date) / 86400)
                   FILTER (WHERE q.quantity > 0) / SUM(q.quantity) FILTER (WHERE q.quantity > 0) AS age
              FROM stock_quant q
              JOIN place pl ON pl.location_id = q.location_id
              LEFT JOIN stock_lot lot ON lot.id = q.lot_id
             WHERE %s
             GROUP BY q.product_id, pl.warehouse_id
            """, expiring, scope(SQL("q.product_id")))

    def _select_planned(self, scope):
        """Return open moves into and out of a warehouse; what is due already is due today."""
        return SQL(
            """
            SELECT m.id, m.product_id, pl.warehouse_id, %(incoming)s AS incoming, m.product_qty AS qty,
                   COALESCE(m.quantity * m.product_qty / NULLIF(m.product_uom_qty, 0), 0) AS reserved,
                   GREATEST((m.date AT TIME ZONE 'UTC' AT TIME ZONE pl.tz)::date, pl.today) AS day,
                   m.sale_line_id, COALESCE(m.location_final_id, m.location_dest_id) AS target_id
              FROM stock_move m
              JOIN place pl ON pl.location_id = COALESCE(m.location_final_id, m.location_dest_id)
             WHERE %(where)s
               AND NOT EXISTS (SELECT FROM place other WHERE other.location_id = m.location_id
                                                         AND other.warehouse_id = pl.warehouse_id)
             UNION ALL
            SELECT m.id, m.product_id, pl.warehouse_id, %(outgoing)s, m.product_qty,
                   COALESCE(m.quantity * m.product_qty / NULLIF(m.product_uom_qty, 0), 0),
                   GREATEST((m.date AT TIME ZONE 'UTC' AT TIME ZONE pl.tz)::date, pl.today),
                   m.sale_line_id, COALESCE(m.location_final_id, m.location_dest_id)
              FROM stock_move m
              JOIN place pl ON pl.location_id = m.location_id
             WHERE %(where)s
               AND NOT EXISTS (SELECT FROM place other
                                WHERE other.location_id = COALESCE(m.location_final_id, m.location_dest_id)
                                  AND other.warehouse_id = pl.warehouse_id)
            """,
            incoming=True, outgoing=False,
            where=SQL("m.state IN %s AND %s", OPEN, scope(SQL("m.product_id"))))

    def _select_done(self, scope):
        """Return what came and went each day; goods that moved within the warehouse are a day with neither."""
        return SQL(
            """
            SELECT product_id, warehouse_id, day, SUM(qty_in) AS qty_in, SUM(qty_out) AS qty_out
              FROM (SELECT ml.product_id, pl.warehouse_id,
                           (ml.date AT TIME ZONE 'UTC' AT TIME ZONE pl.tz)::date AS day,
                           CASE WHEN other.location_id IS NULL THEN ml.quantity_product_uom ELSE 0 END AS qty_in,
                           0 AS qty_out
                      FROM stock_move_line ml
                      JOIN place pl ON pl.location_id = ml.location_dest_id
                      LEFT JOIN place other ON other.location_id = ml.location_id
                                           AND other.warehouse_id = pl.warehouse_id
                     WHERE %(where)s
                     UNION ALL
                    SELECT ml.product_id, pl.warehouse_id,
                           (ml.date AT TIME ZONE 'UTC' AT TIME ZONE pl.tz)::date, 0, ml.quantity_product_uom
                      FROM stock_move_line ml
                      JOIN place pl ON pl.location_id = ml.location_id
                      LEFT JOIN place other ON other.location_id = ml.location_dest_id
                                           AND other.warehouse_id = pl.warehouse_id
                     WHERE %(where)s AND other.location_id IS NULL) lines
             GROUP BY product_id, warehouse_id, day
            """, where=SQL("ml.state = 'done' AND %s", scope(SQL("ml.product_id"))))

    def _select_keys(self, scope):
        """Return the products and warehouses that have something to say to each other.

        A product that was archived has only what is still there and what is still to come and go.
        """
        return SQL(
            """
            SELECT k.product_id, k.warehouse_id
              FROM (SELECT product_id, warehouse_id, on_hand <> 0 OR reserved <> 0 AS present FROM quants
                     UNION SELECT product_id, warehouse_id, TRUE FROM planned
                     UNION SELECT d.product_id, d.warehouse_id, FALSE
                             FROM done d JOIN (SELECT DISTINCT warehouse_id, today FROM place) pl USING (warehouse_id)
                            WHERE d.day > pl.today - %s
                     UNION SELECT product_id, warehouse_id, FALSE FROM sold
                     UNION SELECT product_id, warehouse_id, FALSE
                             FROM stock_warehouse_orderpoint op WHERE op.active AND %s) k
              JOIN goods g ON g.product_id = k.product_id
             WHERE g.active OR k.present
             GROUP BY k.product_id, k.warehouse_id
            """, KEPT_DAYS, scope(SQL("op.product_id")))

    def _select_stock(self):
        """Return one row per position, rounded as the host rounds."""
        digits = self.env['decimal.precision'].precision_get('Product Unit')

        def rounded(expression):
            return SQL("ROUND((%s)::numeric, %s)", expression, digits)

        return SQL(
            """
            SELECT k.product_id, k.warehouse_id, g.product_tmpl_id, g.categ_id, g.uom_id, u.id AS user_id,
                   w.company_id, w.today, cur.decimal_places,
                   COALESCE((g.standard_price ->> w.company_id::text)::numeric, 0) AS cost,
                   %(on_hand)s AS on_hand, %(owned)s AS owned, %(reserved)s AS reserved, %(free)s AS free,
                   %(incoming)s AS incoming, %(outgoing)s AS outgoing, %(expiring)s AS expiring,
                   GREATEST(q.age, 0) AS age, pn.next_in, pa.first_day, pa.last_day, pa.last_in, pa.last_out,
                   EXISTS (SELECT FROM stock_warehouse_orderpoint op
                            WHERE op.active AND op.product_id = k.product_id AND op.warehouse_id = k.warehouse_id)
                   AS has_orderpoint
              FROM keys k
              JOIN goods g ON g.product_id = k.product_id
              JOIN (SELECT DISTINCT warehouse_id, company_id, today FROM place) w ON w.warehouse_id = k.warehouse_id
              JOIN res_company c ON c.id = w.company_id
              JOIN res_currency cur ON cur.id = c.currency_id
              LEFT JOIN res_users u ON u.id = (g.responsible_id ->> w.company_id::text)::int
              LEFT JOIN quants q ON q.product_id = k.product_id AND q.warehouse_id = k.warehouse_id
              LEFT JOIN plan pn ON pn.product_id = k.product_id AND pn.warehouse_id = k.warehouse_id
              LEFT JOIN past pa ON pa.product_id = k.product_id AND pa.warehouse_id = k.warehouse_id
             WHERE %(no_kit)s
            """,
            no_kit=self._is_no_kit(SQL("w.company_id")),
            owned=rounded(SQL("COALESCE(q.owned, 0)")),
            on_hand=rounded(SQL("COALESCE(q.on_hand, 0)")),
            reserved=rounded(SQL("COALESCE(q.reserved, 0)")),
            free=rounded(SQL("COALESCE(q.on_hand - q.reserved, 0)")),
            incoming=rounded(SQL("COALESCE(pn.incoming, 0)")),
            outgoing=rounded(SQL("COALESCE(pn.outgoing, 0)")),
            expiring=rounded(SQL("COALESCE(q.expiring, 0)")))
