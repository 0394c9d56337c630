from odoo import api, fields, models
from odoo.tools import SQL


class SalesProductAffinity(models.Model):
    """What customers buy besides a product: its closest neighbours, as the last study of a company found them.

    A product's row with itself has the number of its buyers, and how likely a buyer's next order has it again.
    """
    _name = 'sales.product.affinity'
    _description = "Similar Product"
    _inherit = ['sales.star']
    _auto = False
    _log_access = False
    _order = 'similarity desc, id'
    _rec_name = 'neighbour_id'

    product_id = fields.Many2one('product.product', readonly=True)
    neighbour_id = fields.Many2one('product.product', string="Similar Product", readonly=True)
    company_id = fields.Many2one('res.company', readonly=True)
    is_own = fields.Boolean(string="The Product Itself", readonly=True)
    similarity = fields.Float(readonly=True, aggregator='max', help="1 for the two products that are most alike.")
    customer_count = fields.Integer(string="Customers", readonly=True, help="How many bought both.")
    customer_share = fields.Float(string="Share of Customers", readonly=True, aggregator='avg')
    study_id = fields.Many2one('sales.study', readonly=True)

    _star_indexes = {
        'pkey': (True, '(id)'),
        'product': (True, '(company_id, product_id, neighbour_id)'),
        'popular': (False, '(company_id, customer_count) WHERE is_own'),
    }

    def _columns(self):
        return [
            'id', 'product_id', 'neighbour_id', 'company_id', 'is_own', 'similarity', 'customer_count',
            'customer_share', 'study_id',
        ]

    def _column_type(self, name):
        return SQL('bigserial') if name == 'id' else super()._column_type(name)

    def _star_empty(self):
        """The tables of the warehouse are none the worse for it."""

    def _star_changed(self):
        """The next study fills it."""

    @api.model
    def _replace(self, study, neighbours, customer_count):
        """Put what a study found in the place of what an earlier one of its company had.

        :param neighbours: ``tools.affinity.Neighbours``
        """
        fresh = study._write_matrix('sales_product_affinity_fresh', {
            'product_id': neighbours.product, 'neighbour_id': neighbours.neighbour,
            'similarity': neighbours.similarity, 'customer_count': neighbours.customers})
        table = SQL.identifier(self._table)
        self.env.cr.execute(SQL("DELETE FROM %s WHERE company_id = %s", table, study.company_id.id))
        self.env.cr.execute(SQL(
            """
            INSERT INTO %(table)s (product_id, neighbour_id, company_id, is_own, similarity, customer_count,
                                   customer_share, study_id)
            SELECT product_id, neighbour_id, %(company)s, product_id = neighbour_id, similarity, customer_count,
                   customer_count / %(customers)s::float8, %(study)s
              FROM %(fresh)s
            """, table=table, company=study.company_id.id, customers=customer_count, study=study.id, fresh=fresh))
        self.invalidate_model(flush=False)
