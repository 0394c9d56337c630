from odoo import models


class ResUsers(models.Model):
    _name = 'res.users'
    _inherit = ['res.users']

    def _init_store_data(self, store):
        result = super()._init_store_data(store)
        # the chatter offers to note a need to whoever may
        store.add_global_values(sales_can_note_needs=self.env.user.has_group('sales_team.group_sale_salesman'))
        return result
