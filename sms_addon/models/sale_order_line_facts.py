from odoo import models

from .sales_rule_fact_field import FactBoolean, FactFloat, FactMonetary

QUANTITY = ['product_id', 'product_uom_qty', 'product_uom_id', 'order_id.partner_id', 'order_id.state',
            'order_id.date_order']
PRICE = [*QUANTITY, 'price_unit', 'discount', 'order_id.pricelist_id']


class SaleOrderLine(models.Model):
    """What rules may ask of an order line, as of the decision on its order."""
    _inherit = 'sale.order.line'

    sales_price_list = FactMonetary(
        string="Price of the Pricelist", family='price', depends=PRICE,
        help="What the pricelist asks for the unit of the line, after its own discounts, in the currency of the order."
             " For a quotation as the pricelist is now, by its rules of the order date; for a confirmed order from the"
             " price with which the line was entered.")
    sales_below_pricelist = FactFloat(
        string="Below Pricelist (%)", family='price', depends=PRICE,
        help="How far the price of the line, after its discount, is under what the pricelist asks, in percent of that.")
    sales_cost_missing = FactBoolean(
        string="Cost Missing", family='lines', depends=[*PRICE, 'purchase_price'],
        help="Goods, not services, that have a price and whose cost is zero.")
    sales_quantity_usual = FactFloat(
        string="Usual Quantity", family='quantity', depends=QUANTITY,
        help="In the unit of the product: the median of the last five confirmed lines of the customer (of three, where"
             " there are fewer than five); else of what all customers ordered in the latest of the twelve months before"
             " that saw three lines; 0 where there is neither.")
    sales_quantity_factor = FactFloat(
        string="Quantity Against Usual", family='quantity', depends=QUANTITY,
        help="The quantity divided by the usual one; 0 where nothing is usual yet.")
    sales_stock_short = FactFloat(
        string="Short of Stock", family='stock',
        depends=[*QUANTITY, 'qty_delivered', 'warehouse_id', 'order_id.commitment_date'],
        help="What of the quantity, in the unit of the product, neither the free stock of the warehouse, nor receipts"
             " until the delivery date, nor reservations for the order cover, as of today. What other orders want until"
             " then is not there; lines of one product share what is.")
