"""The figures an approval is given for, and when they got worse; nothing here knows Odoo."""

import math
from collections.abc import Mapping

#: what must not change at all, as an approval is for this one
IDENTITIES = ('customer',)
#: by figure, whether more of it is worse (1) or less of it is (-1)
DIRECTIONS = {'total': 1, 'discount': 1, 'margin': -1, 'credit': 1, 'payment_days': 1}


def worse(before: Mapping[str, float | None], now: Mapping[str, float | None]) -> list[str]:
    """Return the names of the figures that got worse, in a fixed order; another customer comes first.

    A figure that is not known (``None``, a margin without any cost) is worse than any known one, and no worse than
    itself. A figure that either side does not name is not compared: it was added to the list later. There is no
    tolerance, as what is let pass once could be let pass again and again; round before.
    """
    changed = [name for name in IDENTITIES if name in before and name in now and before[name] != now[name]]
    return changed + [
        name for name, direction in DIRECTIONS.items()
        if name in before and name in now and _badness(now[name], direction) > _badness(before[name], direction)
    ]


def _badness(value, direction):
    return math.inf if value is None else direction * value
