"""Recognising how a column writes its numbers: from all of its cells, as a single one may be read in two ways."""

from __future__ import annotations

from collections import defaultdict

from .sales_import import DECIMALS, Rules
from .sales_values import ValueProblem, find_separator, parse_number


class Styles:
    """What the numeric columns of a file give away of themselves, row by row."""

    def __init__(self, mapping: dict[str, str], rules: Rules):
        self.headers = {name: mapping[name] for name in DECIMALS if name in mapping}
        self.rules = rules
        self.separators = defaultdict(set)  # target: the decimal separators seen
        self.above_one = self.between = False  # discounts without a percent sign

    @property
    def open(self) -> bool:
        """Whether the rules leave anything to recognise."""
        auto = self.rules.decimal_separator == 'auto'
        return bool(self.headers) and (auto or ('discount' in self.headers and self.rules.discount_as_fraction is None))

    def see(self, cells: dict):
        """Take a row into account."""
        if self.rules.decimal_separator == 'auto':
            for name, header in self.headers.items():
                value = cells.get(header)
                if isinstance(value, str) and (separator := find_separator(value)):
                    self.separators[name].add(separator)
        if 'discount' in self.headers:
            self._see_discount(cells.get(self.headers['discount']))

    def _see_discount(self, value):
        if value in (None, '') or '%' in str(value):
            return
        try:
            # a number that may be read in two ways is above 1 in both
            number = abs(parse_number(value, self.rules.decimal_separator))
        except ValueProblem as problem:
            self.above_one |= problem.code == 'ambiguous_number'
            return
        self.above_one |= number > 1
        self.between |= 0 < number < 1

    def settle(self) -> dict:
        """Return the rules that follow, as JSON can hold them; what stays open is left out."""
        found = {}
        if self.rules.decimal_separator == 'auto':
            found['separators'] = self._settle_separators()
        if self.rules.discount_as_fraction is None and (self.above_one or self.between):
            found['discount_as_fraction'] = not self.above_one
        return found

    def _settle_separators(self):
        """A column that shows none goes by the other ones, if they agree: a program writes a file in one way."""
        everywhere = set().union(*self.separators.values())
        settled = {}
        for name in self.headers:
            seen = self.separators[name] or everywhere
            if len(seen) == 1:
                [settled[name]] = seen
        return settled
