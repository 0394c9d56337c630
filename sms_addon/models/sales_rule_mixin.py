from odoo import models


class SalesRuleMixin(models.AbstractModel):
    """A document on which rules decide.

    A model joins by inheriting this and naming, where they differ, the fields from which the engine knows whose the
    document is and what it is worth.
    """
    _name = 'sales.rule.mixin'
    _description = "Document with Rules"

    #: when rules on this kind of document may be asked
    _rule_moments = ('save', 'event', 'schedule')
    _rule_company_field = 'company_id'
    _rule_user_field = 'user_id'
    #: the customer, and the order that a decision is about ('id': the document itself)
    _rule_partner_field = 'partner_id'
    _rule_order_field = None
    #: for the simulation: what a document is worth, and when it was
    _rule_amount_field = None
    _rule_date_field = 'create_date'
