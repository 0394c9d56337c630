"""What a published set of rules says, and which of its rules decide; nothing here knows Odoo."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

#: decisions from the mildest to the strictest
SEVERITY = ('allow', 'note', 'warn', 'hold', 'stop')


class RuleLoop(Exception):
    """Rules change each other's facts for ever.

    :param chain: names of the rules, in the order in which they fired
    """

    def __init__(self, chain: Iterable[str]):
        self.chain = tuple(chain)
        super().__init__(' → '.join(self.chain))


@dataclass(frozen=True)
class Rule:
    """One rule as it was published; of one version, two are the same by their ids."""

    id: int
    names: Mapping[str, str] = field(compare=False)
    domain: str = field(compare=False)
    decision: str = field(compare=False)
    messages: Mapping[str, str] = field(compare=False)
    date_from: date | None = field(default=None, compare=False)
    date_to: date | None = field(default=None, compare=False)
    company_id: int | None = field(default=None, compare=False)
    policy_id: int | None = field(default=None, compare=False)
    actions: tuple = field(default=(), compare=False)

    def name(self, lang: str | None = None) -> str:
        return _translated(self.names, lang)

    def message(self, lang: str | None = None) -> str:
        """Return the sentence of the rule before its placeholders are filled in; its name where it has none."""
        return _translated(self.messages, lang) or self.name(lang)

    def is_valid(self, day: date, company_id: int) -> bool:
        """Return whether the rule counts on a day for the documents of a company."""
        return (
            (self.date_from is None or self.date_from <= day)
            and (self.date_to is None or day <= self.date_to)
            and self.company_id in (None, company_id)
        )


@dataclass(frozen=True)
class RuleSet:
    """The rules of a published version, in their order."""

    model: str
    when: str
    hit_policy: str = 'all'
    on_error: str = 'block'
    event_types: tuple = ()
    company_id: int | None = None
    rules: tuple = field(default_factory=tuple)

    @classmethod
    def load(cls, definition: Mapping) -> 'RuleSet':
        """Return what a definition says; unknown keys of later versions are left alone."""
        return cls(
            model=definition['model'],
            when=definition['when'],
            hit_policy=definition['hit_policy'],
            on_error=definition['on_error'],
            event_types=_split(definition.get('event_types')),
            company_id=definition.get('company_id') or None,
            rules=tuple(map(_load_rule, definition['rules'])),
        )

    def wants(self, types: Iterable[str]) -> bool:
        """Return whether the rules are asked when something of one of these types happens."""
        return not self.event_types or any(
            type_ == name or type_.startswith(f'{name}.') for type_ in types for name in self.event_types)

    def valid_rules(self, day: date, company_id: int) -> list[Rule]:
        if self.company_id not in (None, company_id):
            return []
        return [rule for rule in self.rules if rule.is_valid(day, company_id)]


def pick(matches: Mapping[Hashable, Iterable[Rule]], hit_policy: str) -> dict[Hashable, list[Rule]]:
    """Return the rules that decide, for each document with the rules that hold for it in their order.

    With ``first`` that is the first one alone. With ``all`` every one, but a rule that lets the document through ends
    the list: what comes after it is not asked.
    """
    picked = {}
    for key, rules in matches.items():
        taken = []
        for rule in rules:
            taken.append(rule)
            if hit_policy == 'first' or rule.decision == 'allow':
                break
        if taken:
            picked[key] = taken
    return picked


def soften(decision: str, mode: str) -> str:
    """Return what comes of a decision in a mode: nothing but a note in the shadow, at most a warning in ``warn``."""
    if mode == 'shadow':
        return 'logged'
    if mode == 'warn' and decision in ('hold', 'stop'):
        return 'warn'
    return decision


class LoopGuard:
    """Tells when rules whose actions change facts go round in a circle."""

    def __init__(self, limit: int = 20):
        self.limit = limit
        self.seen = {}
        self.fired = {}

    def look(self, key: Hashable, rules: Iterable[Rule]) -> list[Rule]:
        """Return the rules that fire now for a document: those that did not hold when it was last looked at.

        :raise RuleLoop: the same rules hold as some time before, others having held in between
        """
        now = tuple(rules)
        before = self.seen.setdefault(key, [()])
        fresh = [rule for rule in now if rule not in before[-1]]
        chain = self.fired.setdefault(key, [])
        chain.extend(fresh)
        if now != before[-1] and (now and now in before or len(before) > self.limit):
            raise RuleLoop(rule.name() for rule in chain)
        if now != before[-1]:
            before.append(now)
        return fresh


def _load_rule(values):
    return Rule(
        id=values['id'],
        names=values['name'],
        domain=values['domain'],
        decision=values['decision'],
        messages=values['message'] or {},
        date_from=_load_date(values.get('date_from')),
        date_to=_load_date(values.get('date_to')),
        company_id=values.get('company_id') or None,
        policy_id=values.get('policy_id') or None,
        actions=tuple(values.get('actions') or ()),
    )


def _split(text):
    names = (name.strip().strip('.*') for name in (text or '').split(','))
    return tuple(name for name in names if name)


def _load_date(text):
    return date.fromisoformat(text) if text else None


def _translated(texts, lang):
    return texts.get(lang) or texts.get('en_US') or next(iter(texts.values()), '')
