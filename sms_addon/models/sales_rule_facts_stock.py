from odoo import models
from odoo.tools import SQL


class SalesRuleFactsStock(models.AbstractModel):
    """Whether the goods of an order are there, or will be in time. Stock is read as it is now, and never locked."""
    _name = 'sales.rule.facts.stock'
    _inherit = ['sales.rule.family']
    _description = "Facts of Sales: Stock"

    def _fields_read(self):
        return super()._fields_read() | {
            'stock': {
                'sale.order.line': [
                    'display_type', 'order_id', 'product_id', 'product_uom_id', 'product_uom_qty', 'qty_delivered',
                    'sequence', 'warehouse_id'],
                'product.template': ['is_storable', 'type', 'uom_id'],
                'uom.uom': ['factor'],
                'stock.quant': ['location_id', 'product_id', 'quantity', 'reserved_quantity'],
                'stock.location': ['usage', 'warehouse_id'],
                'stock.move': [
                    'date', 'location_dest_id', 'location_final_id', 'location_id', 'product_id', 'product_qty',
                    'product_uom_qty', 'quantity', 'sale_line_id', 'state'],
            },
        }

    def _select_line_stock(self, docs):
        """Return what of each line neither free stock nor receipts in time cover, in the unit of the product.

        What other orders want until then and is not reserved for them yet is not there either. Without a promised
        date, that is all they want beyond what is received before; receipts are not waited for.

        Lines of one order and product share what there is, the first ones first. What is reserved for the order
        itself covers it, and what is delivered is needed no more.
        """
        return SQL(
            """
            WITH docs AS NOT MATERIALIZED (%(docs)s),
            wanted AS (
                SELECT l.id, docs.id AS order_id, l.product_id,
                       COALESCE(l.warehouse_id, docs.warehouse_id) AS warehouse_id, docs.commitment_date,
                       l.sequence, x.quantity
                  FROM docs
                  JOIN sale_order_line l ON l.order_id = docs.id
                  JOIN product_product p ON p.id = l.product_id
                  JOIN product_template t ON t.id = p.product_tmpl_id
                  LEFT JOIN uom_uom u ON u.id = l.product_uom_id
                  LEFT JOIN uom_uom unit ON unit.id = t.uom_id
                 CROSS JOIN LATERAL (
                        SELECT (l.product_uom_qty
                                - CASE WHEN docs.is_confirmed THEN COALESCE(l.qty_delivered, 0) ELSE 0 END)
                               * COALESCE(u.factor / unit.factor, 1) AS quantity) x
                 WHERE l.display_type IS NULL AND t.type = 'consu' AND t.is_storable AND x.quantity > 0),
            products AS (SELECT DISTINCT warehouse_id, product_id FROM wanted),
            free AS MATERIALIZED (
                SELECT p.warehouse_id, p.product_id, SUM(q.quantity - q.reserved_quantity) AS quantity
                  FROM products p
                  JOIN stock_quant q ON q.product_id = p.product_id
                  JOIN stock_location place ON place.id = q.location_id
                 WHERE place.usage = 'internal' AND place.warehouse_id = p.warehouse_id
                 GROUP BY p.warehouse_id, p.product_id),
            moves AS MATERIALIZED (
                SELECT p.warehouse_id, p.product_id, m.date, m.sale_line_id,
                       CASE WHEN x.comes THEN m.product_qty ELSE -GREATEST(0, m.product_qty - CASE
                            WHEN m.state IN ('partially_available', 'assigned')
                            THEN m.quantity * COALESCE(m.product_qty / NULLIF(m.product_uom_qty, 0), 1) ELSE 0 END)
                       END AS quantity
                  FROM products p
                  JOIN stock_move m ON m.product_id = p.product_id
                  JOIN stock_location source ON source.id = m.location_id
                  JOIN stock_location target ON target.id = COALESCE(m.location_final_id, m.location_dest_id)
                 CROSS JOIN LATERAL (
                        SELECT COALESCE(target.usage = 'internal' AND target.warehouse_id = p.warehouse_id, FALSE)
                                   AS comes,
                               COALESCE(source.usage = 'internal' AND source.warehouse_id = p.warehouse_id, FALSE)
                                   AS goes) x
                 WHERE m.state IN ('waiting', 'confirmed', 'partially_available', 'assigned') AND x.comes <> x.goes),
            promised AS (
                SELECT order_id, warehouse_id, product_id, commitment_date AS date
                  FROM wanted
                 WHERE commitment_date IS NOT NULL AND EXISTS (SELECT FROM moves)
                 GROUP BY order_id, warehouse_id, product_id, commitment_date),
            expected AS MATERIALIZED (
                SELECT order_id, warehouse_id, product_id,
                       SUM(quantity) OVER (PARTITION BY warehouse_id, product_id ORDER BY date) AS quantity
                  FROM (SELECT NULL::int AS order_id, warehouse_id, product_id, date, quantity FROM moves
                        UNION ALL
                        SELECT order_id, warehouse_id, product_id, date, 0 FROM promised) happening),
            lowest AS MATERIALIZED (
                SELECT warehouse_id, product_id, MIN(quantity) AS quantity
                  FROM expected
                 GROUP BY warehouse_id, product_id),
            own AS MATERIALIZED (
                SELECT w.order_id, w.warehouse_id, w.product_id, -SUM(m.quantity) AS quantity
                  FROM wanted w
                  JOIN moves m ON m.sale_line_id = w.id AND m.product_id = w.product_id
                              AND m.warehouse_id = w.warehouse_id
                 WHERE m.quantity < 0 AND (w.commitment_date IS NULL OR m.date <= w.commitment_date)
                 GROUP BY w.order_id, w.warehouse_id, w.product_id),
            reserved AS MATERIALIZED (
                SELECT w.order_id, w.product_id,
                       SUM(m.quantity * COALESCE(m.product_qty / NULLIF(m.product_uom_qty, 0), 1)) AS quantity
                  FROM wanted w
                  JOIN stock_move m ON m.sale_line_id = w.id AND m.product_id = w.product_id
                  JOIN stock_location source ON source.id = m.location_id
                 WHERE m.state IN ('partially_available', 'assigned') AND source.usage = 'internal'
                 GROUP BY w.order_id, w.product_id)
            SELECT w.id, w.order_id, GREATEST(0, LEAST(
                       w.quantity,
                       SUM(w.quantity) OVER (PARTITION BY w.order_id, w.warehouse_id, w.product_id
                                             ORDER BY w.sequence, w.id)
                       - GREATEST(0, GREATEST(COALESCE(free.quantity, 0), 0) + CASE
                            WHEN w.commitment_date IS NULL
                            THEN LEAST(0, COALESCE(lowest.quantity, 0) + COALESCE(own.quantity, 0))
                            ELSE COALESCE(expected.quantity, 0) + COALESCE(own.quantity, 0) END)
                       - COALESCE(reserved.quantity, 0))) AS sales_stock_short
              FROM wanted w
              LEFT JOIN free ON free.warehouse_id = w.warehouse_id AND free.product_id = w.product_id
              LEFT JOIN expected ON expected.order_id = w.order_id AND expected.warehouse_id = w.warehouse_id
                                AND expected.product_id = w.product_id
              LEFT JOIN lowest ON lowest.warehouse_id = w.warehouse_id AND lowest.product_id = w.product_id
              LEFT JOIN own ON own.order_id = w.order_id AND own.warehouse_id = w.warehouse_id
                           AND own.product_id = w.product_id
              LEFT JOIN reserved ON reserved.order_id = w.order_id AND reserved.product_id = w.product_id
            """, docs=docs)

    def _select_order_stock(self, docs):
        return SQL(
            """
            SELECT order_id AS id, COUNT(*) FILTER (WHERE sales_stock_short > 0) AS sales_stock_short_count
              FROM (%s) l
             GROUP BY order_id
            """, self._select_line_stock(docs))
