from odoo import api, fields, models


class SalesStockPosition(models.Model):
    """The board: columns in the order of urgency, and where one goes from a position."""
    _name = 'sales.stock.position'
    _inherit = ['sales.stock.position', 'sales.selection.order']

    _stage_fields = ('status',)

    status = fields.Selection(group_expand=True)

    def action_open_movements(self):
        """Open the movements of the product in the warehouse."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_stock_movement_action')
        return {
            **action,
            'domain': [('product_id', '=', self.product_id.id), ('warehouse_id', '=', self.warehouse_id.id)],
            'context': {},
        }

    @api.readonly
    def get_stock_map(self):
        """Return where the product is, in all warehouses of the user's companies; see ``product.product``."""
        self.ensure_one()
        self.check_access('read')
        return self.product_id._get_stock_map(self.env.companies | self.company_id)
