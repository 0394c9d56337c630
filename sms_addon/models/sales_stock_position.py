from odoo import fields, models

STATUSES = [
    ('negative', "Negative"),
    ('out', "Out of Stock"),
    ('risk', "Running Out"),
    ('ok', "Healthy"),
    ('over', "Overstock"),
    ('slow', "Slow"),
    ('dead', "Dead Stock"),
]
CLASSES = [('a', "A"), ('b', "B"), ('c', "C")]
#: who sees what stock is worth, costs, brings and puts at risk; quantities are for whoever sees positions
VALUE_GROUPS = 'stock.group_stock_user,sales_team.group_sale_manager'
VARIABILITIES = [('x', "X"), ('y', "Y"), ('z', "Z")]


class SalesStockPosition(models.Model):
    """Where a storable product stands in a warehouse: what is there, what is wanted of it, and how long it lasts.

    Rows are written by SQL only. Quantities are in the unit of the product, amounts in the currency of the company,
    dates are days of the company.
    """
    _name = 'sales.stock.position'
    _description = "Stock Position"
    _log_access = False
    _order = 'status_sequence, stockout_date, id'
    _rec_name = 'product_id'
    _rec_names_search = ['product_id']

    product_id = fields.Many2one('product.product', required=True, readonly=True, ondelete='cascade', index=True)
    product_tmpl_id = fields.Many2one(
        'product.template', string="Product Template", required=True, readonly=True, ondelete='cascade')
    categ_id = fields.Many2one('product.category', string="Product Category", readonly=True)
    warehouse_id = fields.Many2one('stock.warehouse', required=True, readonly=True, ondelete='cascade', index=True)
    company_id = fields.Many2one('res.company', required=True, readonly=True, ondelete='cascade')
    currency_id = fields.Many2one(related='company_id.currency_id')
    uom_id = fields.Many2one('uom.uom', string="Unit", readonly=True)
    user_id = fields.Many2one('res.users', string="Responsible", readonly=True)

    # -- stock, as the host has it
    qty_on_hand = fields.Float(string="On Hand", digits='Product Unit', readonly=True)
    qty_reserved = fields.Float(string="Reserved", digits='Product Unit', readonly=True)
    qty_free = fields.Float(string="Free", digits='Product Unit', readonly=True, help="On hand and not reserved.")
    qty_incoming = fields.Float(string="Incoming", digits='Product Unit', readonly=True)
    qty_outgoing = fields.Float(string="Outgoing", digits='Product Unit', readonly=True)
    qty_forecast = fields.Float(
        string="Forecast Quantity", digits='Product Unit', readonly=True, help="On hand, plus incoming, less outgoing.")
    qty_uncovered = fields.Float(
        string="Promised, Not Covered", digits='Product Unit', readonly=True,
        help="What customers were promised that neither free stock nor receipts before that day cover.")
    qty_expiring = fields.Float(
        string="Expiring", digits='Product Unit', readonly=True,
        help="In lots that expire within 30 days, or did. Only with expiration dates.")
    next_incoming_date = fields.Date(string="Next Receipt", readonly=True)
    last_in_date = fields.Date(string="Last Received", readonly=True)
    last_out_date = fields.Date(string="Last Shipped", readonly=True)
    last_move_date = fields.Date(string="Last Move", readonly=True)
    age_days = fields.Integer(
        string="Age", aggregator='avg', readonly=True, help="Average days that what is on hand has been there.")
    value = fields.Monetary(
        string="Stock Value", readonly=True, groups=VALUE_GROUPS,
        help="On hand at cost, without what others own of it.")
    revenue_at_risk = fields.Monetary(
        string="Revenue at Risk", readonly=True, groups=VALUE_GROUPS,
        help="Untaxed amount of what was promised and is not covered.")
    customers_at_risk = fields.Integer(
        string="Customers at Risk", readonly=True, help="Customers who were promised what is not covered.")

    # -- demand, from the facts of the warehouse; days without stock do not count
    daily_demand = fields.Float(string="Demand per Day", digits=(16, 4), aggregator=None, readonly=True)
    demand_spread = fields.Float(
        string="Spread of Demand", digits=(16, 4), aggregator=None, readonly=True,
        help="Standard deviation of the demand of a day.")
    demand_days = fields.Integer(
        string="Days Counted", aggregator=None, readonly=True, help="Days with stock that the demand is from.")
    stockout_days = fields.Integer(string="Days Without Stock", readonly=True, help="Of the last 365 days.")
    demand_recent = fields.Float(string="Demand of 7 Days", digits='Product Unit', readonly=True)
    demand_surprise = fields.Float(
        digits=(16, 2), aggregator=None, readonly=True,
        help="How far the demand of the last 7 days is above the expected one, in its standard deviations.")

    # -- standing
    abc_revenue = fields.Selection(CLASSES, string="ABC by Revenue", readonly=True)
    abc_margin = fields.Selection(CLASSES, string="ABC by Margin", readonly=True, groups=VALUE_GROUPS)
    xyz = fields.Selection(VARIABILITIES, string="XYZ by Variability", readonly=True)
    demand_variation = fields.Float(
        string="Variation of Demand", digits=(16, 2), aggregator=None, readonly=True,
        help="Standard deviation of monthly demand over its mean.")
    revenue_12 = fields.Monetary(string="Revenue, 12 Months", readonly=True, groups=VALUE_GROUPS)
    margin_12 = fields.Monetary(string="Margin, 12 Months", readonly=True, groups=VALUE_GROUPS)
    turnover = fields.Float(
        digits=(16, 2), aggregator='avg', readonly=True,
        help="What left in the last 365 days over the average stock of these days.")
    lead_days = fields.Float(
        string="Lead Time", digits=(16, 1), aggregator='avg', readonly=True, help="Days a receipt takes, on average.")
    lead_spread = fields.Float(
        string="Spread of Lead Time", digits=(16, 1), aggregator=None, readonly=True,
        help="Standard deviation of the lead time, in days.")
    lead_count = fields.Integer(string="Receipts Counted", aggregator=None, readonly=True)
    lead_recent = fields.Float(
        string="Recent Lead Time", digits=(16, 1), aggregator='avg', readonly=True,
        help="That of the last three receipts.")
    service_level = fields.Float(
        aggregator='avg', readonly=True,
        help="Share of what was shipped in the last 365 days that was shipped by its day, 0 to 1.")
    service_count = fields.Integer(string="Deliveries Counted", aggregator=None, readonly=True)

    # -- what follows
    days_of_cover = fields.Float(
        string="Days of Cover", digits=(16, 1), aggregator='avg', readonly=True,
        help="How long the free stock lasts at the usual demand; empty without demand.")
    stockout_date = fields.Date(
        string="Projected Stock-out", readonly=True,
        help="The first day on which planned moves and usual demand leave nothing, within a year.")
    qty_overstock = fields.Float(
        string="Overstock Quantity", digits='Product Unit', readonly=True,
        help="What the demand of the coming half year does not need.")
    overstock_value = fields.Monetary(readonly=True, groups=VALUE_GROUPS)
    status = fields.Selection(STATUSES, readonly=True, index=True)
    status_sequence = fields.Integer(readonly=True, aggregator=None)
    refreshed_at = fields.Datetime(string="As Of", readonly=True)

    _product_uniq = models.UniqueIndex("(product_id, warehouse_id)", "The product has its position in the warehouse.")
