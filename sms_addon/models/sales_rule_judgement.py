import logging
from dataclasses import dataclass, replace
from functools import partial

from odoo import api, models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from .sales_rule_engine import ACCEPTED, PART_OF_ORDER, Hit

_logger = logging.getLogger(__name__)

#: how often rules on orders, lines and customers are asked in turns; what is a circle is found before
ROUNDS = 20


@dataclass
class Verdict:
    """What the rules say to the confirmation of one order."""

    order: models.BaseModel
    hits: list[Hit]
    #: those that keep the order from being confirmed
    stops: list[Hit]
    holds: list[Hit]

    @property
    def is_stopped(self):
        return bool(self.stops)

    @property
    def message(self):
        """Why the order cannot be confirmed now, in a sentence for each rule; nothing if it can."""
        engine, order = self.order.env['sales.rule.engine'], self.order
        reasons = " ".join(engine._get_reason(hit) for hit in self.stops or self.holds)
        if self.stops:
            return order.env._("%(order)s cannot be confirmed. %(reasons)s", order=order.display_name, reasons=reasons)
        if self.holds:
            return order.env._("%(order)s waits for approval. %(reasons)s", order=order.display_name, reasons=reasons)
        return ''

    def prepare_rows(self):
        """Return what was decided as rows of the log, for when what it was decided on may be undone."""
        decisions = self.order.env['sales.rule.decision']
        return [decisions._prepare_row(self.order, hit, 'confirm') for hit in self.hits]

    def record(self, accepted=False):
        """Write down what was decided, and ask for the approvals that are missing."""
        if self.hits:
            self.order.env['sales.rule.decision']._write_down(self.order, self.hits, ('confirm',), accepted)

    def record_later(self):
        """The same when this transaction fails for it: once it is rolled back, or if somebody catches the error."""
        self.order.env['sales.rule.decision']._write_down_later(self.order, self.hits, 'confirm')


class SalesRuleEngine(models.AbstractModel):
    _name = 'sales.rule.engine'
    _inherit = ['sales.rule.engine']

    # -- orders

    @api.model
    def _judge(self, orders):
        """Return order id -> :class:`Verdict` on its confirmation."""
        found = self._settle(orders, 'confirm')
        if any(self._is_asked(model, ('save',)) for model in PART_OF_ORDER):
            # an order may never have been saved since rules on saving were published, or not have been let off yet
            for order, hits in self._collect(orders, 'save', self._ask).items():
                found.setdefault(order, []).extend(
                    hit for hit in hits if hit.effect in ('held', 'stopped') or self._blocks(hit))
        released = self._get_released(orders, found)
        return {
            order.id: self._make_verdict(order, found.get(order, []), released.get(order.id, ())) for order in orders}

    def _make_verdict(self, order, hits, released):
        holds = []
        for hit in hits:
            if hit.effect == 'held' and hit.rule.id in released:
                hit.effect = 'let_through'
            elif hit.effect == 'held':
                holds.append(hit)
        stops = [hit for hit in hits if hit.effect == 'stopped' or self._blocks(hit)]
        return Verdict(order, hits, stops, holds)

    def _get_released(self, orders, found):
        held = orders.filtered(lambda order: any(hit.rule.decision == 'hold' for hit in found.get(order, ())))
        return self.env['sales.order.hold']._get_released(held) if held else {}

    def _settle(self, orders, when):
        """Have the rules on orders, lines and customers decide and act, until what they did changes nothing more."""
        run = self._start_run(orders, when)
        with self._deciding(orders, when):
            for _round in range(ROUNDS):
                before = sum(map(len, run.acted.values()))
                found = self._collect(orders, when, partial(self._decide, run=run))
                if sum(map(len, run.acted.values())) == before:
                    break
        return found

    def _collect(self, orders, when, ask):
        """Return order -> hits of the rules on the order, on its lines and on its customer."""
        found = {order: list(hits) for order, hits in ask(orders, when).items()}
        if self._is_asked('sale.order.line', (when,)):
            lines = orders.order_line.filtered(lambda line: not line.display_type)
            self._add_lines(found, ask(lines, when))
        if self._is_asked('res.partner', (when,)):
            for company, of_company in orders.grouped(self._get_company).items():
                of_partner = of_company.grouped(lambda order: order.partner_id.commercial_partner_id)
                hits = ask(self.env['res.partner'].concat(*of_partner), when, company=company)
                for partner, of_this in of_partner.items():
                    for order in of_this:
                        found.setdefault(order, []).extend(replace(hit) for hit in hits.get(partner, ()))
        return found

    def _add_lines(self, found, hits_of_lines):
        """Add the hits on lines to those of their orders, of each rule one for all lines."""
        merged = {}
        for line, hits in hits_of_lines.items():
            for hit in hits:
                key = (line.order_id, hit.rule.id, hit.effect)
                if key in merged:
                    merged[key].records += line
                else:
                    merged[key] = replace(hit)
                    found.setdefault(line.order_id, []).append(merged[key])

    @api.model
    def _decide_orders(self, orders):
        """Ask the rules about quotations that have just been saved, and foresee what they say at the confirmation."""
        if not orders:
            return
        decisions = self.env['sales.rule.decision']
        with self._deciding(orders, 'save'):  # looking at them may work out values that are then saved
            saved = self._settle(orders, 'save')
            foreseen = self._collect(orders, 'confirm', partial(self._ask, foresee=True))
        released = self._get_released(orders, foreseen)
        entries = []
        for order in orders:
            hits = saved.get(order, [])
            self._check_saving(order, hits)
            expected = [
                hit for hit in foreseen.get(order, ())
                if hit.effect in ('foreseen', 'error')
                and not (hit.rule.decision == 'hold' and hit.rule.id in released.get(order.id, ()))
            ]
            entries.append((order, [
                *(decisions._prepare_row(order, hit, 'save') for hit in hits),
                *(decisions._prepare_row(order, hit, 'confirm') for hit in expected)]))
        decisions._insert(entries, ('save', 'confirm'))

    @api.model
    def _decide_saved(self, records):
        """Ask the rules about other documents that have just been saved."""
        decisions = self.env['sales.rule.decision']
        with self._deciding(records, 'save'):
            found = self._decide(records, 'save', run=self._start_run(records, 'save'))
        entries = []
        for record in records:
            hits = found.get(record, [])
            self._check_saving(record, hits)
            entries.append((record, [decisions._prepare_row(record, hit, 'save') for hit in hits]))
        decisions._insert(entries, ('save',))

    def _check_saving(self, record, hits):
        """Take the saving back where a rule stops it; what a customer does stays done, and somebody is told."""
        stops = [hit for hit in hits if hit.effect == 'stopped' or self._blocks(hit)]
        if not stops:
            return
        reasons = " ".join(map(self._get_reason, stops))
        if self.env.cr.cache.get(ACCEPTED) or not self.env.user._is_internal():
            for hit in stops:
                hit.effect = 'error' if hit.error else 'warned'
            if record._name == 'sale.order':
                record._tell_accepted(reasons)
            return
        self.env['sales.rule.decision']._write_down_later(record, hits, 'save')
        raise UserError(self.env._(
            "%(document)s cannot be saved like this. %(reasons)s", document=record.display_name, reasons=reasons))

    # -- reasons

    def _get_reason(self, hit):
        """Return in one sentence why a rule decided as it did."""
        if hit.error:
            return self.env._(
                "The rule %(rule)s failed: %(error)s", rule=hit.rule.name(self.env.lang), error=hit.error)
        text = self._guard(self._render, hit) or hit.rule.name(self.env.lang)
        text = text if text.endswith(('.', '!', '?', '。')) else f"{text}."
        if len(hit.records) > 1:
            text += " " + self.env._("(And on %(count)s more lines.)", count=len(hit.records) - 1)
        return text

    def _guard(self, show, hit):
        """Return what is shown of a hit; nothing where its publisher may not see it any more: the decision stands."""
        try:
            return show(hit)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception:
            _logger.warning("What rule %s says cannot be shown", hit.rule.name(), exc_info=True)
            return None

    def _render(self, hit):
        record = hit.records[0]
        publisher = self._as_publisher(record, hit.version_id, self._get_company(record))
        return self.env['sales.rule.execution']._render(publisher, hit.rule)

    def _get_inputs(self, hit):
        """Return what a rule saw: label -> value, as the publisher reads it."""
        return {} if hit.error else self._guard(self._read_inputs, hit) or {}

    def _read_inputs(self, hit):
        record = hit.records[0]
        publisher = self._as_publisher(record, hit.version_id, self._get_company(record))
        rules, condition = self.env['sales.rule'], self._load(hit.version_id)[1][hit.rule.id]
        message = hit.rule.message(self.env.lang)
        paths = dict.fromkeys((*rules._iter_paths(condition), *rules._get_placeholders(message)))
        return {rules._label_path(publisher, path): rules._show_value(publisher, path) for path in paths}
