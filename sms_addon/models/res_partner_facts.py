from odoo import models

from .sales_rule_fact_field import FactInteger, FactMonetary

COMPANY = {'depends': ['commercial_partner_id'], 'depends_context': ['company']}


class ResPartner(models.Model):
    """What rules may ask of a customer: as of now, in the current company, a contact as its company."""
    _inherit = 'res.partner'

    sales_credit_used = FactMonetary(
        string="Credit Used", family='credit', **COMPANY,
        help="Posted receivables up to today, and confirmed orders with what is not invoiced of them, taxes included.")
    sales_overdue_days = FactInteger(
        string="Days Overdue", family='overdue', **COMPANY,
        help="Days since the oldest due date of what is not paid.")
    sales_overdue_amount = FactMonetary(
        string="Overdue", family='overdue', **COMPANY, help="What is open of receivables past their due date.")
    sales_order_count = FactInteger(
        string="Confirmed Orders", family='history', **COMPANY, help="Orders confirmed so far.")
    sales_days_since_order = FactInteger(
        string="Days Since Last Order", family='history', **COMPANY,
        help="Days since the last confirmed order; 0 without one.")
