from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

PLANNERS = ('stock.group_stock_user', 'sales_team.group_sale_manager')


class SalesForecastExclusion(models.Model):
    """What was sold but says nothing of what will be: a promotion, or an order that comes once.

    A study leaves out those that somebody has confirmed. Of a promotion, which is a product within some days, it takes
    the demand of the other days for these; an order, or a line of one, counts as if it had never come.
    """
    _name = 'sales.forecast.exclusion'
    _description = "Left Out of Forecasts"
    _order = 'id desc'
    _check_company_auto = True

    kind = fields.Selection([
        ('one_off', "One-off Order"), ('promotion', "Promotion"),
    ], required=True, default='one_off')
    state = fields.Selection([
        ('proposed', "Proposed"), ('confirmed', "Confirmed"), ('rejected', "Rejected"),
    ], required=True, default=lambda self: self._default_state(), copy=False, index=True, readonly=True)
    order_id = fields.Many2one('sale.order', ondelete='cascade', index='btree_not_null', check_company=True)
    order_line_id = fields.Many2one(
        'sale.order.line', ondelete='cascade', index='btree_not_null', domain="[('order_id', '=', order_id)]",
        help="All lines of the order if empty.")
    product_id = fields.Many2one('product.product', ondelete='cascade', index='btree_not_null', check_company=True)
    warehouse_id = fields.Many2one(
        'stock.warehouse', ondelete='cascade', check_company=True, help="All warehouses if empty.")
    date_from = fields.Date(string="From")
    date_to = fields.Date(string="Until")
    reason = fields.Char(required=True)
    score = fields.Float(
        string="Times the Usual Spread", digits=(16, 1), readonly=True, copy=False, aggregator=None,
        help="How far a proposal is above the usual line of the product, in robust standard deviations.")
    user_id = fields.Many2one(
        'res.users', string="Decided by", readonly=True, copy=False, default=lambda self: self._default_user())
    company_id = fields.Many2one('res.company', required=True, default=lambda self: self.env.company, index=True)
    touched_product_ids = fields.Many2many(
        'product.product', string="Products", compute='_compute_touched', search='_search_touched')
    quantity = fields.Float(compute='_compute_touched', digits='Product Unit', help="What is left out.")

    _line_uniq = models.UniqueIndex("(order_line_id)", "The order line is in the list already.")
    _order_uniq = models.UniqueIndex(
        "(order_id) WHERE order_line_id IS NULL", "The order is in the list already.")
    _target = models.Constraint(
        'CHECK(order_id IS NOT NULL OR product_id IS NOT NULL AND date_from IS NOT NULL AND date_to IS NOT NULL)',
        "Choose an order, or a product and its days.")
    _dates = models.Constraint('CHECK(date_from <= date_to)', "The period ends before it begins.")

    def _default_state(self):
        return 'confirmed' if self._is_planner() else 'proposed'

    def _default_user(self):
        return self.env.uid if self._is_planner() else False

    @api.model
    def _is_planner(self):
        return self.env.su or any(map(self.env.user.has_group, PLANNERS))

    @api.depends('order_id', 'order_line_id', 'product_id', 'date_from', 'date_to')
    def _compute_display_name(self):
        for exclusion in self:
            exclusion.display_name = (
                exclusion.order_line_id.display_name or exclusion.order_id.display_name
                or exclusion.product_id.display_name)

    @api.depends('order_id', 'order_line_id', 'product_id', 'warehouse_id', 'date_from', 'date_to', 'state')
    def _compute_touched(self):
        rows = self.env.execute_query(SQL(
            """
            SELECT marked.exclusion, f.product_id, SUM(f.product_uom_qty) / 1000000.0
              FROM (%s) marked JOIN sales_fact f ON f.id = marked.fact
             WHERE f.state = 'sale' AND f.product_id IS NOT NULL GROUP BY 1, 2
            """, self._select_marked(SQL("e.id = ANY(%s)", self.ids)))) if self.ids else []
        for exclusion in self:
            own = [(product, quantity) for key, product, quantity in rows if key == exclusion._origin.id]
            exclusion.touched_product_ids = [product for product, _quantity in own] or exclusion.product_id.ids
            exclusion.quantity = sum(quantity for _product, quantity in own)

    def _search_touched(self, operator, value):
        if operator != 'in':
            return NotImplemented
        lines = self.env['sale.order.line'].sudo()._search([('product_id', 'in', value)])
        orders = self.env['sale.order'].sudo()._search([('order_line.product_id', 'in', value)])
        return Domain('product_id', 'in', value) | Domain('order_line_id', 'in', lines) | (
            Domain('order_line_id', '=', False) & Domain('order_id', 'in', orders))

    @api.constrains('order_id', 'order_line_id')
    def _check_line(self):
        for exclusion in self:
            if exclusion.order_line_id and exclusion.order_line_id.order_id != exclusion.order_id:
                raise ValidationError(self.env._("The line is of another order."))

    @api.onchange('order_id')
    def _onchange_order(self):
        if self.order_id:
            self.company_id = self.order_id.company_id
            self.product_id = self.date_from = self.date_to = False
        if self.order_line_id.order_id != self.order_id:
            self.order_line_id = False

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if not vals.get('order_id') and vals.get('order_line_id'):
                vals['order_id'] = self.env['sale.order.line'].browse(vals['order_line_id']).order_id.id
            if vals.get('order_id') and not vals.get('company_id'):
                vals['company_id'] = self.env['sale.order'].browse(vals['order_id']).company_id.id
            if vals.get('state', 'proposed') != 'proposed' and not self._is_planner():
                raise AccessError(self.env._("A planner or a sales manager decides what is left out."))
        exclusions = super().create(vals_list)
        exclusions._touch_positions()
        return exclusions

    def write(self, vals):
        if not self._is_planner() and ('state' in vals or self.filtered(lambda mark: mark.state != 'proposed')):
            raise AccessError(self.env._("A planner or a sales manager decides what is left out."))
        self._touch_positions()
        written = super().write(vals)
        self._touch_positions()
        return written

    def unlink(self):
        self._touch_positions()
        return super().unlink()

    def _touch_positions(self):
        """Have the stock positions follow: what is left out is no demand of a day."""
        confirmed = self.filtered(lambda mark: mark.state == 'confirmed')
        if not confirmed:
            return
        self.flush_model()
        self.env.cr.execute(SQL(
            """
            WITH touched AS MATERIALIZED (%s)
            INSERT INTO sales_stock_touch (product_id)
            SELECT f.product_id FROM touched t JOIN sales_fact f ON f.id = t.fact WHERE f.product_id IS NOT NULL
             UNION
            SELECT m.product_id FROM touched t JOIN stock_move m ON m.sale_line_id = t.fact
             UNION
            SELECT product_id FROM sales_forecast_exclusion WHERE id = ANY(%s) AND product_id IS NOT NULL
            """, self._select_marked(SQL("e.id = ANY(%s)", confirmed.ids)), confirmed.ids))
        self.env['sales.stock.position']._wake()

    # -- buttons

    def action_confirm(self):
        """Leave it out of the next study."""
        self.write({'state': 'confirmed', 'user_id': self.env.uid})

    def action_reject(self):
        """Have it count, and not be proposed again."""
        self.write({'state': 'rejected', 'user_id': self.env.uid})

    # -- for studies and charts

    @api.model
    def _select_marked(self, condition):
        """Return the query of (exclusion, fact) of the exclusions for which a condition on ``e`` holds.

        A fact has the id of its order line. The three ways to mark one are joins of their own: each has its index.
        """
        return SQL(
            """
            SELECT e.id AS exclusion, e.order_line_id AS fact
              FROM sales_forecast_exclusion e WHERE %(condition)s AND e.order_line_id IS NOT NULL
             UNION
            SELECT e.id, f.id FROM sales_forecast_exclusion e JOIN sales_fact f ON f.order_id = e.order_id
             WHERE %(condition)s AND e.order_line_id IS NULL
             UNION
            SELECT e.id, f.id FROM sales_forecast_exclusion e JOIN sales_fact f
                ON f.product_id = e.product_id AND f.company_id = e.company_id
               AND f.date BETWEEN e.date_from AND e.date_to
               AND (e.warehouse_id IS NULL OR f.warehouse_id = e.warehouse_id)
             WHERE %(condition)s AND e.order_id IS NULL
            """, condition=condition)

    @api.model
    def _select_excluded(self, company):
        """Return the query of the ids of facts that are left out of forecasts of a company."""
        return SQL("SELECT fact FROM (%s) marked", self._select_marked(SQL(
            "e.state = 'confirmed' AND e.company_id = %s", company.id)))

    @api.model
    def _is_once(self, fact):
        """Return the condition that a fact is of an order, or a line of one, that is left out.

        :param fact: the alias of ``sales_fact``
        """
        return SQL(
            """
            (%(fact)s.id IN (SELECT e.order_line_id FROM sales_forecast_exclusion e
                              WHERE e.state = 'confirmed' AND e.order_line_id IS NOT NULL)
             OR %(fact)s.order_id IN (SELECT e.order_id FROM sales_forecast_exclusion e
                                       WHERE e.state = 'confirmed' AND e.order_id IS NOT NULL
                                         AND e.order_line_id IS NULL))
            """, fact=fact)

    @api.model
    def _propose(self, company, lines):
        """Propose to leave out order lines that are far above what is usual; those that were decided on stay.

        :param lines: dictionaries with ``order_line_id``, ``score`` and ``reason``
        """
        self.flush_model()
        self.env.cr.execute(SQL(
            """
            INSERT INTO sales_forecast_exclusion (kind, state, order_id, order_line_id, reason, score, company_id,
                                                  create_uid, create_date, write_uid, write_date)
            SELECT 'one_off', 'proposed', l.order_id, l.id, given.reason, given.score, %(company)s, %(user)s,
                   now() AT TIME ZONE 'UTC', %(user)s, now() AT TIME ZONE 'UTC'
              FROM unnest(%(ids)s::int[], %(scores)s::float8[], %(reasons)s::text[]) AS given (id, score, reason)
              JOIN sale_order_line l ON l.id = given.id
             WHERE NOT EXISTS (
                SELECT 1 FROM sales_forecast_exclusion e WHERE e.order_id = l.order_id AND e.order_line_id IS NULL)
            ON CONFLICT DO NOTHING
            """, company=company.id, user=self.env.uid, ids=[line['order_line_id'] for line in lines],
            scores=[line['score'] for line in lines], reasons=[line['reason'] for line in lines]))
        self.invalidate_model(flush=False)
