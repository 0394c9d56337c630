from odoo import api, fields, models
from odoo.tools import float_compare
from odoo.tools.misc import formatLang

#: digits after which two values of a measure are the same
DIGITS = 4


class SalesStudyMeasure(models.Model):
    """How good a study is in one respect, on data it has not seen, beside what a naive rule reaches there."""
    _name = 'sales.study.measure'
    _description = "Quality of a Study"
    _order = 'study_id desc, sequence, id'
    _log_access = False

    study_id = fields.Many2one('sales.study', required=True, readonly=True, ondelete='cascade', index=True)
    company_id = fields.Many2one(related='study_id.company_id', store=True, index=True)
    kind = fields.Selection(related='study_id.kind', store=True)
    date = fields.Datetime(related='study_id.finished_at', store=True)
    sequence = fields.Integer(readonly=True)
    name = fields.Char(string="Measure", required=True, readonly=True)
    value = fields.Float(digits=(16, DIGITS), readonly=True, aggregator='avg')
    naive_value = fields.Float(string="Naive Rule", digits=(16, DIGITS), readonly=True, aggregator='avg')
    has_naive = fields.Boolean(readonly=True)
    value_text = fields.Char(string="Shown Value", compute='_compute_texts')
    naive_text = fields.Char(string="Shown Naive Rule", compute='_compute_texts')
    naive_name = fields.Char(string="Compared With", readonly=True)
    direction = fields.Selection([
        ('higher', "Higher is better"), ('lower', "Lower is better"),
    ], required=True, readonly=True, default='higher')
    data = fields.Char(string="Measured On", readonly=True)
    verdict = fields.Selection([
        ('better', "Better"), ('same', "Same"), ('worse', "Worse"),
    ], string="Against Naive Rule", compute='_compute_verdict', store=True)
    other_value = fields.Float(
        string="Other Run", digits=(16, DIGITS), compute='_compute_other', aggregator=None,
        help="The same measure in the run compared with; in the run before if none was chosen.")
    has_other = fields.Boolean(compute='_compute_other')
    change = fields.Selection([
        ('better', "Better"), ('same', "Same"), ('worse', "Worse"),
    ], string="Against Other Run", compute='_compute_other')

    @api.depends('value', 'naive_value', 'has_naive')
    @api.depends_context('lang')
    def _compute_texts(self):
        for measure in self:
            measure.value_text = measure._format(measure.value)
            measure.naive_text = measure._format(measure.naive_value) if measure.has_naive else False

    def _format(self, value):
        """Return a value with as many digits as people read: measures are shares, errors and amounts."""
        size = abs(value)
        return formatLang(self.env, value, digits=0 if size >= 1000 else 2 if size >= 10 else DIGITS)

    @api.depends('value', 'naive_value', 'has_naive', 'direction')
    def _compute_verdict(self):
        for measure in self:
            measure.verdict = measure.has_naive and measure._judge(measure.naive_value)

    @api.depends('value', 'direction', 'study_id.previous_id')
    @api.depends_context('compare_study_id')
    def _compute_other(self):
        chosen = self.env['sales.study'].browse(self.env.context.get('compare_study_id', []))
        values = {
            (other.study_id, other.name): other.value
            for other in self.search([('study_id', 'in', (chosen or self.study_id.previous_id).ids)])
        }
        for measure in self:
            other = values.get((chosen or measure.study_id.previous_id, measure.name))
            measure.has_other = other is not None
            measure.other_value = other or 0
            measure.change = measure.has_other and measure._judge(other)

    def _judge(self, other):
        """Return whether the value is better, the same or worse than another."""
        order = float_compare(self.value, other, precision_digits=DIGITS)
        if not order:
            return 'same'
        return 'better' if (order > 0) == (self.direction == 'higher') else 'worse'
