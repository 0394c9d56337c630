"""Fields whose values the SQL of ``sales.rule.facts`` gives: computed by it and searched by it."""
from functools import cache

from odoo import fields


@cache
def _compute_of(family):
    """Return the method of a family; the ORM computes together, and so reads once, the fields that share one."""
    def compute_facts(records):
        records.env['sales.rule.facts']._compute(records, family)
    return compute_facts


@cache
def _search_of(name):
    def search_fact(records, operator, value):
        return records.env['sales.rule.facts']._search_fact(records._name, name, operator, value)
    return search_fact


class Fact:
    """What the fields of facts have in common.

    A fact is never empty: what there is nothing to tell of is 0 (or ``nothing``), in SQL as in Python, and it is
    not rounded other than where it is shown. So a search and a comparison in Python give the same verdict.

    :param family: the SQL that gives it, see ``sales.rule.facts``
    :param nothing: its value where there is nothing to tell of
    """
    family = None
    nothing = 0

    def _get_attrs(self, model_class, name):
        attrs = super()._get_attrs(model_class, name)
        if 'family' not in attrs:  # users have the fields of their contacts
            return attrs
        return attrs | {
            'store': False, 'copy': False, 'readonly': True, 'compute_sudo': False,
            'compute': _compute_of(attrs['family']), 'search': _search_of(name),
            'groups': 'sales_team.group_sale_salesman',
        }


class FactFloat(Fact, fields.Float):
    """A percentage, a quantity, a factor."""
    column = 'float8'
    aggregator = None


class FactInteger(Fact, fields.Integer):
    """A number of days or of documents."""
    column = 'int4'
    aggregator = None


class FactBoolean(Fact, fields.Boolean):
    """Whether something is so."""
    column = 'bool'
    nothing = False


class FactMonetary(Fact, fields.Monetary):
    """An amount."""
    column = 'float8'
    aggregator = None

    def convert_to_cache(self, value, record, validate=True):
        return float(value or 0.0)
