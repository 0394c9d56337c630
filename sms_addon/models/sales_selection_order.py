from odoo import models
from odoo.tools import SQL


class SalesSelectionOrder(models.AbstractModel):
    """A model whose stages come in the order in which one goes through them, not in that of their names."""
    _name = 'sales.selection.order'
    _description = "Stages in Their Order"

    #: the selection fields meant
    _stage_fields = ()

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        if field_name not in self._stage_fields:
            return super()._order_field_to_sql(alias, field_name, direction, nulls, query)
        place = self._stage_place(field_name, self._field_to_sql(alias, field_name, query))
        query._order_groupby.append(place)
        return SQL("%s %s %s", place, direction, nulls)

    def _read_group_orderby(self, order, groupby_terms, query):
        grouped = {name: groupby_terms[name] for name in self._stage_fields if name in groupby_terms}
        groupby_terms.update((name, self._stage_place(name, term)) for name, term in grouped.items())
        terms = super()._read_group_orderby(order, groupby_terms, query)
        groupby_terms.update(grouped)
        return terms

    def _stage_place(self, field_name, column):
        names = [name for name, _label in self._fields[field_name].selection]
        return SQL("array_position(%s::varchar[], %s)", names, column)
