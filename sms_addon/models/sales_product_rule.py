from odoo import api, fields, models


class SalesProductRule(models.Model):
    """What else is in the orders that have some products, as a study found it."""
    _name = 'sales.product.rule'
    _description = "Bought Together"
    _order = 'lift desc, support desc, id'
    _log_access = False

    name = fields.Char(string="Rule", compute='_compute_name')
    study_id = fields.Many2one('sales.study', required=True, readonly=True, ondelete='cascade', index=True)
    company_id = fields.Many2one(related='study_id.company_id', store=True, index=True)
    is_current = fields.Boolean(related='study_id.is_current', string="In Use")
    antecedent_ids = fields.Many2many(
        'product.product', 'sales_product_rule_antecedent_rel', string="Who Buys", readonly=True)
    consequent_id = fields.Many2one(
        'product.product', string="Also Buys", required=True, readonly=True, ondelete='cascade', index=True)
    order_count = fields.Integer(string="Orders", readonly=True, aggregator='max')
    support = fields.Float(
        string="Share of Orders", readonly=True, aggregator='max', help="Orders that have all of these products.")
    confidence = fields.Float(
        readonly=True, aggregator='avg', help="Of the orders with the first products, those that have the other, too.")
    lift = fields.Float(
        string="Times the Average", digits=(16, 2), readonly=True, aggregator='max',
        help="How much more often the other is there than in all orders.")

    @api.depends('antecedent_ids', 'consequent_id')
    def _compute_name(self):
        for rule in self:
            products = " + ".join(rule.antecedent_ids.mapped('display_name'))
            rule.name = f"{products} → {rule.consequent_id.display_name}"

    @api.model
    def _replace(self, study, rules, order_count):
        """Put the rules of a study in the place of those of an earlier one of its company.

        :param rules: list of ``tools.affinity.Rule``
        :param order_count: orders that they were found in
        """
        self.search([('company_id', '=', study.company_id.id)]).unlink()
        self.create([{
            'study_id': study.id,
            'antecedent_ids': list(rule.antecedent),
            'consequent_id': rule.consequent,
            'order_count': round(rule.support * order_count),
            'support': rule.support,
            'confidence': rule.confidence,
            'lift': rule.lift,
        } for rule in rules])
