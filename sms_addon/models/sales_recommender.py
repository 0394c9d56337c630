from odoo import api, models


class SalesRecommender(models.AbstractModel):
    """Stand-in until the real one is merged."""
    _name = 'sales.recommender'
    _description = "Recommender"

    @api.model
    def _suggest(self, partner, n=10, exclude=(), order=None):
        return []
