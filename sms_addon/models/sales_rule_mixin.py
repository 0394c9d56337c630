from contextlib import contextmanager

from odoo import api, models

SAVING = 'sales.rule.saving'


class SalesRuleMixin(models.AbstractModel):
    """A document on which rules decide.

    A model joins by inheriting this and naming, where they differ, the fields from which the engine knows whose the
    document is and what it is worth. It is asked about once the outermost create or write that touched it is done.
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
    #: whether the model asks the rules itself, about all documents that something concerns together
    _rule_set_based = False
    #: for the simulation: what a document is worth, and when it was
    _rule_amount_field = None
    _rule_date_field = 'create_date'

    @api.model_create_multi
    def create(self, vals_list):
        with self._rule_saving() as touched:
            records = super().create(vals_list)
            records._rule_touch(touched)
        return records

    def write(self, vals):
        with self._rule_saving() as touched:
            self._rule_touch(touched)
            return super().write(vals)

    def unlink(self):
        with self._rule_saving() as touched:
            self._rule_touch(touched)
            return super().unlink()

    @contextmanager
    def _rule_saving(self):
        """Collect the documents that are touched within, and ask the rules about them when the outermost is done."""
        cache = self.env.cr.cache
        if SAVING in cache:
            yield cache[SAVING]
            return
        touched = cache[SAVING] = {}
        try:
            yield touched
        finally:
            del cache[SAVING]
        engine = self.env['sales.rule.engine']
        for model, ids in touched.items():
            documents = self.env[model].browse(ids).exists()
            documents.filtered(lambda document: not engine._is_deciding(document, 'save'))._rule_saved()

    def _rule_touch(self, touched):
        """Add the documents that a change of these records is about."""
        if self and self.env['sales.rule.engine']._is_asked(self._name, ('save',)):
            touched.setdefault(self._name, {}).update(dict.fromkeys(self.ids))

    def _rule_saved(self):
        """Have the rules decide about documents that have just been saved."""
        if self:
            self.env['sales.rule.engine']._decide_saved(self)

    # -- what decisions say about a document

    def _rule_context(self):
        """Return whose the document is, as columns of ``sales.rule.decision``."""
        self.ensure_one()
        record = self.sudo()  # a decision is written whoever met it, and shows no more than the document itself
        path = self._rule_order_field
        partner = record if self._rule_partner_field == 'id' else record[self._rule_partner_field]
        return {
            'model': self._name,
            'res_id': self.id,
            'order_id': self.id if path == 'id' else record[path].id if path else False,
            'partner_id': partner.id,
            'company_id': (record[self._rule_company_field] or self.env.company).id,
            'salesman_id': record[self._rule_user_field].id,
        }
