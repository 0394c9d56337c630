from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL

CHANGED = 'stock.changed'
BUFFER = 'sales.event.stock'


class SalesEvent(models.Model):
    """Stock that changed is one event per product and flush, and none where an event of a move tells of it already.

    Goods that move are written many times over: until the flush no more is kept than which records that were.
    """
    _name = 'sales.event'
    _inherit = ['sales.event']

    @api.model
    def _note_stock(self, model, ids):
        """Note that records changed that a stock position is made of, or products themselves."""
        data = self.env.cr.precommit.data
        if BUFFER not in data:
            self._notes()  # has the flush call us
            data[BUFFER] = defaultdict(set)
        data[BUFFER][model].update(ids)

    @api.model
    def _prepare_rows(self, notes):
        rows = super()._prepare_rows(notes)
        changed = self.env.cr.precommit.data.pop(BUFFER, None)
        if not changed:
            return rows
        told = {
            row.get('product_id') for row in rows
            # nobody reads what is history, and the stock has changed today
            if row['type'].startswith('move.') and not row.get('history')}
        return rows + [
            {'type': CHANGED, 'model': 'product.product', 'res_id': product_id, 'product_id': product_id,
             'user_id': self.env.uid, 'payload': {}}
            for product_id in self._get_stock_products(changed) if product_id not in told]

    @api.model
    def _get_stock_products(self, changed):
        """Return the ids of products that records are of, by model; of those that positions are kept of."""
        product_ids = changed.pop('product.product', set())
        queries = [
            SQL("""
                SELECT source.product_id FROM %s source
                  JOIN product_product p ON p.id = source.product_id
                  JOIN product_template t ON t.id = p.product_tmpl_id
                 WHERE t.is_storable AND source.id = ANY(%s)""",
                SQL.identifier(self.env[model]._table), list(ids))
            for model, ids in changed.items()]
        if queries:
            # the cursor is being flushed, so the tables have it all
            self.env.cr.execute(SQL(" UNION ").join(queries))
            product_ids = product_ids.union(product_id for (product_id,) in self.env.cr.fetchall())
        return sorted(product_ids)
