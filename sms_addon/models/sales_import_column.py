from odoo import fields, models

TARGETS = [
    ('order_ref', "Order reference"),
    ('line_ref', "Line reference"),
    ('date', "Order date"),
    ('customer_ref', "Customer code"),
    ('customer_name', "Customer name"),
    ('segment', "Customer segment (tag)"),
    ('country', "Country"),
    ('state', "State or province"),
    ('city', "City"),
    ('zip', "Postal code"),
    ('product_code', "Product code"),
    ('product_name', "Product name"),
    ('category', "Product category"),
    ('subcategory', "Product sub-category"),
    ('quantity', "Quantity"),
    ('unit_price', "Unit price"),
    ('discount', "Discount"),
    ('total', "Line total without taxes"),
    ('unit_cost', "Unit cost"),
    ('profit', "Line margin"),
    ('currency', "Currency"),
    ('team', "Sales team"),
    ('salesperson', "Salesperson"),
    ('status', "Status (cancelled or not)"),
]


class SalesImportColumn(models.Model):
    """A column of the file, and what it means."""

    _name = 'sales.import.column'
    _description = "Sales Import Column"
    _order = 'sequence, id'

    import_id = fields.Many2one('sales.import', required=True, ondelete='cascade', index=True)
    company_id = fields.Many2one(related='import_id.company_id', store=True)
    sequence = fields.Integer()
    name = fields.Char(string="Column of the File", required=True, readonly=True)
    sample = fields.Char(string="First Values", readonly=True)
    target = fields.Selection(TARGETS, string="Means")
