from odoo import api, fields, models

from ..tools.tree_rules import Condition, to_domain


class SalesStudyRule(models.Model):
    """One rule that a study found: what customers it is about, and what a share of them did.

    Kept as data, so that it reads in the language of whoever reads it, and so that its customers of today can be shown
    and made a segment.
    """
    _name = 'sales.study.rule'
    _inherit = ['sales.study.sentence']
    _description = "Rule Found by a Study"
    _order = 'study_id desc, categ_id, sequence, id'
    _log_access = False

    study_id = fields.Many2one('sales.study', required=True, readonly=True, ondelete='cascade', index=True)
    kind = fields.Selection(related='study_id.kind', store=True)
    company_id = fields.Many2one(related='study_id.company_id', store=True, index=True)
    is_current = fields.Boolean(related='study_id.is_current', string="In Use")
    sequence = fields.Integer(readonly=True)
    categ_id = fields.Many2one(
        'product.category', string="Product Category", readonly=True, ondelete='cascade', index='btree_not_null')
    disjuncts = fields.Json(readonly=True, help="Conditions (feature, operator, number), all true in one of the lists.")
    name = fields.Char(string="Customers", compute='_compute_name')
    domain = fields.Char(
        compute='_compute_domain', help="The customers of whom the conditions are true today, as a filter.")
    support = fields.Integer(string="Cases", readonly=True, help="How many past cases the conditions were true of.")
    rate = fields.Float(readonly=True, aggregator='avg', help="The share of these cases in which it happened.")
    lift = fields.Float(
        string="Times the Average", digits=(16, 2), readonly=True, aggregator='avg',
        help="How much more often it happened than in all cases.")

    @api.depends('disjuncts')
    @api.depends_context('lang')
    def _compute_name(self):
        for rule in self:
            rule.name = rule._describe(rule._get_conditions(), rule.company_id)

    @api.depends('disjuncts', 'company_id')
    def _compute_domain(self):
        for rule in self:
            terms = to_domain(rule._get_conditions(), self._to_term)
            rule.domain = repr([('company_id', '=', rule.company_id.id), *terms])

    def _get_conditions(self):
        return [[Condition(*condition) for condition in terms] for terms in self.disjuncts or []]

    @api.model
    def _prepare_lines(self, study, rules, **values):
        """Return the values of the records of ``decision_tree.TreeRule``."""
        return [{
            'study_id': study.id,
            'sequence': number,
            'disjuncts': [rule.conditions],
            'support': rule.support,
            'rate': rule.rate,
            'lift': rule.lift,
            **values,
        } for number, rule in enumerate(rules)]

    def action_open_customers(self):
        """Show the customers of whom the conditions are true today."""
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_customer_profile_action'),
            'name': self.name,
            'domain': self.domain,
            'context': {},
        }

    def action_make_segment(self):
        """Keep the filter as a segment, and show it."""
        self.ensure_one()
        segment = self.env['sales.segment'].create({
            'name': self.name,
            'domain': self.domain,
            'company_id': self.company_id.id,
            'description': self.env._(
                "Found by %(study)s: happened in %(rate)s %% of %(support)s cases, %(lift)s times the average.",
                study=self.study_id.display_name, rate=round(100 * self.rate), support=self.support,
                lift=round(self.lift, 1)),
        })
        return segment._get_records_action()
