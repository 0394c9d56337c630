from collections import defaultdict
from datetime import UTC
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

PLACES = [
    ('quotation', "Quotation"), ('catalog', "Product Catalog"), ('customer', "Customer Page"), ('api', "API"),
]
#: why a product is suggested: as the recommender has it
KINDS = [('repeat', "Bought Before"), ('together', "Bought Together"), ('popular', "Popular")]
#: days for which a suggestion that was made outside of a quotation counts as the reason of what is ordered
LASTING_DAYS = 30


class SalesSuggestion(models.Model):
    """A product that was offered to whoever sells to a customer, and what became of it.

    A suggestion is taken when its product is added to the quotation, by whatever button, and sold once that is
    confirmed with the line. One that is shown again at the same place is the same suggestion.
    """
    _name = 'sales.suggestion'
    _description = "Sales Suggestion"
    _order = 'date desc, order_id desc, position, id'
    _log_access = False
    _rec_name = 'product_id'

    date = fields.Date(string="Shown On", required=True, readonly=True)
    place = fields.Selection(PLACES, required=True, readonly=True)
    kind = fields.Selection(KINDS, required=True, readonly=True)
    score = fields.Float(readonly=True, aggregator='avg')
    position = fields.Integer(readonly=True, aggregator='avg')
    partner_id = fields.Many2one('res.partner', string="Customer", required=True, readonly=True, ondelete='cascade')
    product_id = fields.Many2one(
        'product.product', required=True, readonly=True, ondelete='cascade', index=True)
    order_id = fields.Many2one(
        'sale.order', string="Shown For", readonly=True, ondelete='set null', index='btree_not_null')
    order_line_id = fields.Many2one('sale.order.line', readonly=True, ondelete='set null', index='btree_not_null')
    company_id = fields.Many2one('res.company', required=True, readonly=True, ondelete='cascade', index=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    user_id = fields.Many2one('res.users', string="Shown To", required=True, readonly=True, ondelete='cascade')
    state = fields.Selection([
        ('shown', "Shown"), ('added', "Added"), ('sold', "Sold"),
    ], compute='_compute_state', store=True)
    shown = fields.Integer(default=1, readonly=True)
    added = fields.Integer(compute='_compute_state', store=True)
    sold = fields.Integer(compute='_compute_state', store=True)
    added_rate = fields.Float(compute='_compute_state', store=True, aggregator='avg')
    sold_rate = fields.Float(string="Hit Rate", compute='_compute_state', store=True, aggregator='avg')
    amount = fields.Monetary(string="Sold For", compute='_compute_amount', store=True, help="Without taxes.")

    _order_place_uniq = models.UniqueIndex(
        "(order_id, product_id, place) WHERE order_id IS NOT NULL")
    _day_place_uniq = models.UniqueIndex(
        "(partner_id, product_id, company_id, user_id, place, date) WHERE order_id IS NULL")

    @api.depends('order_line_id.state')
    def _compute_state(self):
        for suggestion in self:
            line_state = suggestion.order_line_id.state
            suggestion.sold = line_state == 'sale'
            suggestion.added = bool(suggestion.order_line_id)
            suggestion.state = 'sold' if suggestion.sold else 'added' if suggestion.added else 'shown'
            suggestion.added_rate = suggestion.added
            suggestion.sold_rate = suggestion.sold

    @api.depends('order_line_id.price_subtotal', 'order_line_id.order_id.currency_rate', 'order_line_id.state')
    def _compute_amount(self):
        for suggestion in self:
            line = suggestion.order_line_id
            suggestion.amount = line.price_subtotal / (line.order_id.currency_rate or 1) if suggestion.sold else 0

    @api.model
    def _log(self, partner, suggestions, place, company, order=None):
        """Note what is shown, in one statement, and return product id -> id of the note.

        :param suggestions: dictionaries of the recommender, best first
        """
        if not suggestions:
            return {}
        day = fields.Datetime.now().replace(tzinfo=UTC).astimezone(ZoneInfo(company.sales_timezone)).date()
        rows = SQL(", ").join(
            SQL("(%s, %s::float8, %s, %s)", suggestion['kind'], suggestion['score'], position,
                suggestion['product_id'])
            for position, suggestion in enumerate(suggestions, 1))
        ids = dict(self.env.execute_query(SQL(
            """
            INSERT INTO sales_suggestion (
                   kind, score, position, product_id, date, place, partner_id, order_id, company_id, user_id,
                   state, shown, added, sold, added_rate, sold_rate, amount)
            SELECT v.kind, v.score, v.position, v.product_id, %(day)s, %(place)s, %(partner)s, %(order)s::int,
                   %(company)s, %(user)s, 'shown', 1, 0, 0, 0, 0, 0
              FROM (VALUES %(rows)s) v (kind, score, position, product_id)
                ON CONFLICT %(conflict)s DO UPDATE SET score = EXCLUDED.score
         RETURNING product_id, id
            """,
            rows=rows, day=day, place=place, partner=partner.commercial_partner_id.id, order=order and order.id,
            company=company.id, user=self.env.uid, conflict=SQL(
                "(order_id, product_id, place) WHERE order_id IS NOT NULL" if order else
                "(partner_id, product_id, company_id, user_id, place, date) WHERE order_id IS NULL"))))
        self.invalidate_model()
        return ids

    @api.model
    def _take(self, lines):
        """Note the order lines that were written after their products had been suggested.

        Outside of quotations the last time counts: a product is not sold as often as it was shown.
        """
        lines = lines.filtered(lambda line: line.product_id and line.state in ('draft', 'sent', 'sale'))
        if not lines:
            return
        customers = lines.order_id.partner_id.commercial_partner_id
        # whoever adds the line need not be the one who was shown the suggestion
        found = self.sudo().search([
            ('product_id', 'in', lines.product_id.ids), ('order_line_id', '=', False),
            ('company_id', 'in', lines.company_id.ids), '|', ('order_id', 'in', lines.order_id.ids),
            '&', '&', ('order_id', '=', False), ('partner_id', 'in', customers.ids),
            ('date', '>=', fields.Date.today() - relativedelta(days=LASTING_DAYS))], order='date desc, id desc')
        if not found:
            return
        open_suggestions = defaultdict(dict)
        for suggestion in found:
            owner = suggestion.order_id or (suggestion.partner_id, suggestion.company_id)
            open_suggestions[owner, suggestion.product_id].setdefault(suggestion.place, suggestion)
        for line in lines.sudo():
            for owner in (line.order_id, (line.order_id.partner_id.commercial_partner_id, line.company_id)):
                for suggestion in open_suggestions.pop((owner, line.product_id), {}).values():
                    suggestion.order_line_id = line
