from odoo import api, models
from odoo.tools import SQL


class SalesReaderNeeds(models.AbstractModel):
    """Finds the needs that lines of new and changed orders answer: of the customer, for the product or its category.

    It reads the ledger, so that entering an order takes no longer for it.
    """
    _name = 'sales.reader.needs'
    _inherit = ['sales.event.reader']
    _description = "Needs that orders answer"

    _reader_types = ('order.created', 'order.confirmed', 'order.reset', 'line.')
    _reader_from_start = False

    def _consume(self, events):
        if events.order_id:
            self._link(events.order_id.ids)

    @api.model
    def _link(self, order_ids):
        """Link lines that answer no need yet to the open need that fits best: its product before its category."""
        self.env.flush_all()
        rows = self.env.execute_query(SQL(
            """
            SELECT DISTINCT ON (l.id) l.id, n.id
              FROM sale_order_line l
              JOIN sale_order s ON s.id = l.order_id
              JOIN res_partner customer ON customer.id = s.partner_id
              JOIN sales_need n ON n.commercial_partner_id = customer.commercial_partner_id
                               AND n.company_id = s.company_id
              JOIN product_product p ON p.id = l.product_id
              JOIN product_template t ON t.id = p.product_tmpl_id
              LEFT JOIN product_category c ON c.id = t.categ_id
              LEFT JOIN product_category wanted ON wanted.id = n.categ_id
              LEFT JOIN product_product_sales_need_rel rel ON rel.sales_need_id = n.id AND rel.product_product_id = p.id
             WHERE s.id = ANY(%s) AND s.state IN ('draft', 'sent', 'sale') AND l.sales_need_id IS NULL
               AND n.active AND n.state IN ('open', 'quoted') AND s.create_date >= n.create_date
               AND (rel.sales_need_id IS NOT NULL
                    OR c.parent_path LIKE wanted.parent_path || '%%'
                    AND NOT EXISTS (SELECT FROM product_product_sales_need_rel other WHERE other.sales_need_id = n.id))
             ORDER BY l.id, rel.sales_need_id IS NULL, length(wanted.parent_path) DESC, n.id
            """, list(order_ids)))
        lines_of = {}
        for line_id, need_id in rows:
            lines_of.setdefault(need_id, []).append(line_id)
        for need_id, line_ids in lines_of.items():
            self.env['sale.order.line'].browse(line_ids).sales_need_id = need_id
