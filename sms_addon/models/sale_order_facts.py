from odoo import fields, models

from .sales_rule_fact_field import FactBoolean, FactFloat, FactInteger, FactMonetary

LINES = [
    'company_id', 'order_line.product_id', 'order_line.product_uom_qty', 'order_line.product_uom_id',
    'order_line.price_unit', 'order_line.discount', 'order_line.price_subtotal', 'order_line.purchase_price',
]
MOMENT = ['company_id', 'partner_id', 'state', 'date_order']
AMOUNTS = ['amount_untaxed', 'amount_total', 'currency_rate', 'company_id']


class SaleOrder(models.Model):
    """What rules may ask of an order, as of the decision: now for a quotation, the order date once confirmed."""
    _name = 'sale.order'
    _inherit = ['sale.order']

    sales_company_currency_id = fields.Many2one(related='company_id.currency_id', string="Company Currency")

    # -- prices and costs

    sales_discount = FactFloat(
        string="Discount Given (%)", family='lines', depends=LINES,
        help="Line discounts, and lines of the discount product, in percent of the untaxed total before them.")
    sales_line_discount_max = FactFloat(
        string="Highest Line Discount (%)", family='lines', depends=LINES,
        help="The highest discount of any line, in percent.")
    sales_line_margin_min = FactFloat(
        string="Lowest Line Margin (%)", family='lines', depends=LINES, nothing=100.0,
        help="The lowest margin of any line that has a cost, in percent of its untaxed amount: -100 for a line that is"
             " given away; 100 where no line has a cost.")
    sales_cost_missing_count = FactInteger(
        string="Lines Without Cost", family='lines', depends=LINES,
        help="Lines of goods, not of services, that have a price and whose cost is zero.")
    sales_below_pricelist = FactFloat(
        string="Below Pricelist (%)", family='price', depends=[*LINES, *MOMENT, 'pricelist_id'],
        help="How far the order, after all discounts, is under what the pricelist asks by its rules of the order date,"
             " in percent of that. Discounts that the pricelist gives do not count; lines above their price make up for"
             " others. For a confirmed order, the prices are those with which its lines were entered.")

    # -- amounts

    sales_amount_company = FactMonetary(
        string="Untaxed Amount in Company Currency", family='amounts', depends=AMOUNTS,
        currency_field='sales_company_currency_id', help="The untaxed amount, at the currency rate of the order.")
    sales_amount_total_company = FactMonetary(
        string="Total in Company Currency", family='amounts', depends=AMOUNTS,
        currency_field='sales_company_currency_id', help="The total with taxes, at the currency rate of the order.")
    sales_payment_days = FactInteger(
        string="Days to Pay", family='terms', depends=[*MOMENT, 'payment_term_id'],
        help="Days until the last part is due by the payment terms, were the order invoiced on the day of the"
             " decision.")

    # -- credit

    sales_credit_used = FactMonetary(
        string="Credit Used", family='credit', depends=[*MOMENT, *AMOUNTS],
        currency_field='sales_company_currency_id',
        help="What the customer, with all contacts of the company, owed without this order: posted receivables up to"
             " the day, and confirmed orders with what was not invoiced of them, taxes included. An order whose"
             " deliveries are done and invoiced, or which was settled elsewhere, has nothing left. Ordered and not yet"
             " delivered quantities count, other than in the credit warning of quotations.")
    sales_credit_after = FactMonetary(
        string="Credit Used with the Order", family='credit', depends=[*MOMENT, *AMOUNTS],
        currency_field='sales_company_currency_id', help="The credit used and the total of this order.")
    sales_credit_limit = FactMonetary(
        string="Credit Limit", family='credit', depends=[*MOMENT, *AMOUNTS],
        currency_field='sales_company_currency_id',
        help="The credit limit of the customer as it is today; 0 where the company does not use credit limits.")
    sales_credit_excess = FactMonetary(
        string="Above Credit Limit", family='credit', depends=[*MOMENT, *AMOUNTS],
        currency_field='sales_company_currency_id',
        help="By how much the credit used with the order exceeds the limit; 0 without a limit.")
    sales_overdue_days = FactInteger(
        string="Days Overdue", family='overdue', depends=MOMENT,
        help="Days since the oldest due date of what the customer had not paid: posted receivables that were not"
             " settled, by payments or credit notes, until the day of the decision.")
    sales_overdue_amount = FactMonetary(
        string="Overdue", family='overdue', depends=MOMENT, currency_field='sales_company_currency_id',
        help="What was open of posted receivables of the customer past their due date.")

    # -- history

    sales_first_order = FactBoolean(
        string="First Order", family='history', depends=MOMENT,
        help="The customer had not confirmed any order before, in this company.")
    sales_orders_before = FactInteger(
        string="Orders Before", family='history', depends=MOMENT,
        help="Orders that the customer had confirmed before, in this company.")
    sales_days_since_order = FactInteger(
        string="Days Since Last Order", family='history', depends=MOMENT,
        help="Days since the last confirmed order of the customer before this one; 0 for the first order.")
    sales_duplicate_count = FactInteger(
        string="Possible Duplicates", family='duplicates', depends=[*LINES, *MOMENT, 'client_order_ref'],
        help="Other orders and quotations of the customer, not cancelled, with the same customer reference, or with the"
             " same goods and quantities within 7 days; for a confirmed order, only those up to its date.")
    sales_quantity_factor_max = FactFloat(
        string="Quantity Against Usual", family='quantity', depends=[*LINES, *MOMENT],
        help="The largest quantity of a line divided by what is usual, see the lines; 0 where nothing is usual yet.")

    # -- delivery and documents

    sales_document_count = FactInteger(
        string="Documents", family='documents', depends=['state', 'date_order', 'message_attachment_count'],
        help="Files attached to the order, until its confirmation.")
    sales_stock_short_count = FactInteger(
        string="Lines Short of Stock", family='stock', depends=[*LINES, *MOMENT, 'commitment_date', 'warehouse_id'],
        help="Lines of stored goods that neither the free stock of the warehouse, nor receipts until the delivery date"
             " of the order, nor its own reservations cover. What other orders want until then is not there; without a"
             " delivery date, what they want whenever it is. Stock is that of today, also for a confirmed order, of"
             " which what is delivered counts no more.")
    sales_promise_late_days = FactInteger(
        string="Days Promised Too Early", family='promise',
        depends=[*MOMENT, 'commitment_date', 'picking_policy', 'order_line.customer_lead', 'order_line.product_id'],
        help="Days by which the delivery date of the order comes before the one that the lead times of its goods allow;"
             " 0 without a delivery date.")
