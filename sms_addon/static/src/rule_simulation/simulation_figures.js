import { deserializeDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { formatInteger, formatMonetary, formatPercentage } from "@web/views/fields/formatters";

/** What happens to a document, from the strictest to the mildest, with its colours by day and by night. */
export const DECISIONS = [
    { id: "blocked", colors: ["#842029", "#b3525b"], badge: "text-bg-danger" },
    { id: "stop", colors: ["#dc3545", "#e46e78"], badge: "text-bg-danger" },
    { id: "hold", colors: ["#ffac00", "#f0b23c"], badge: "text-bg-warning" },
    { id: "warn", colors: ["#17a2b8", "#4fb9ca"], badge: "text-bg-info" },
    { id: "allow", colors: ["#28a745", "#4fbf68"], badge: "text-bg-success" },
    { id: "failed", colors: ["#d63384", "#e07bac"], badge: "text-bg-danger" },
    { id: "note", colors: ["#b0b7c3", "#7c8590"], badge: "text-bg-secondary" },
];
export const CAUGHT = ["blocked", "stop", "hold", "warn"];
/** What has a card only if it happened: a rule that fails. */
const RARE = ["blocked"];

/** What people call a decision once it has been taken. */
export function getDecisionLabels() {
    return {
        blocked: _t("Blocked by a failing rule"),
        failed: _t("Passed by a failing rule"),
        stop: _t("Blocked"),
        hold: _t("Held"),
        warn: _t("Warned"),
        allow: _t("Let through"),
        note: _t("Only acted"),
    };
}

export function getBadge(decision) {
    return DECISIONS.find(({ id }) => id === decision).badge;
}

/** The figures of one side by decision: { stop: { count, amount }, ... }. */
export function byDecision(side) {
    const found = Object.fromEntries(DECISIONS.map(({ id }) => [id, { count: 0, amount: 0 }]));
    for (const { keys, count, amount } of side.decisions) {
        found[keys[0]] = { count, amount };
    }
    return found;
}

export function getCaught(side) {
    const found = byDecision(side);
    return CAUGHT.reduce(
        (sum, id) => ({ count: sum.count + found[id].count, amount: sum.amount + found[id].amount }),
        { count: 0, amount: 0 }
    );
}

export function makeFormats({ currency_id, has_amount }) {
    const money = (value) => formatMonetary(value, { currencyId: currency_id, digits: [16, 0] });
    return {
        money: has_amount ? money : () => "",
        number: formatInteger,
        share: (part, whole) => formatPercentage(whole ? part / whole : 0, { digits: [16, 1] }),
    };
}

/** The cards above everything else, as KpiCard takes them. */
export function getCards(data) {
    const { documents, sides } = data;
    const { money, number, share } = makeFormats(data);
    const figures = byDecision(sides.a);
    const before = sides.b && byDecision(sides.b);
    const labels = getDecisionLabels();
    const worth = (amount) => (data.has_amount ? _t("worth %s", money(amount)) : "");
    const cards = [
        {
            name: "documents",
            title: _t("Documents Looked At"),
            value: number(documents.count),
            note: worth(documents.amount),
        },
    ];
    for (const { id } of DECISIONS) {
        const { count, amount } = figures[id];
        if ((CAUGHT.includes(id) && !RARE.includes(id)) || count || (before && before[id].count)) {
            const card = { name: id, title: labels[id], value: number(count) };
            const values = { share: share(count, documents.count), amount: money(amount) };
            card.note = data.has_amount
                ? _t("%(share)s of documents, worth %(amount)s", values)
                : _t("%(share)s of documents", values);
            cards.push(card);
        }
    }
    return cards;
}

/** The bars by month: one label per month of the period that has a hit, and those between. */
export function getMonths(side) {
    const months = [...new Set(side.months.map(({ keys }) => keys[0]))].filter(Boolean).sort();
    if (!months.length) {
        return { months: [], labels: [], series: [] };
    }
    const all = [];
    const last = deserializeDate(months.at(-1));
    for (let month = deserializeDate(months[0]); month <= last; month = month.plus({ months: 1 })) {
        all.push(month);
    }
    const labels = getDecisionLabels();
    const series = DECISIONS.map(({ id, colors }) => ({
        id,
        colors,
        label: labels[id],
        data: all.map((month) => {
            const date = month.toISODate();
            return side.months.find(({ keys }) => keys[0] === date && keys[1] === id)?.count || 0;
        }),
    })).filter(({ data }) => data.some(Boolean));
    return {
        months: all,
        labels: all.map((month) => month.toLocaleString({ month: "short", year: "2-digit" })),
        series,
    };
}

/** The rows of the comparison, and those of the documents that changed sides. */
export function getComparison(data) {
    const { sides, changes } = data;
    if (!sides.b) {
        return false;
    }
    const { money, number } = makeFormats(data);
    const [now, before, labels] = [byDecision(sides.a), byDecision(sides.b), getDecisionLabels()];
    const sign = (value, text) => (value > 0 ? `+${text}` : text);
    const rows = DECISIONS.filter(({ id }) => now[id].count || before[id].count).map(({ id }) => ({
        id,
        label: labels[id],
        now: number(now[id].count),
        before: number(before[id].count),
        change: sign(now[id].count - before[id].count, number(now[id].count - before[id].count)),
        value: sign(now[id].amount - before[id].amount, money(now[id].amount - before[id].amount)),
    }));
    const names = {
        new: _t("newly caught"),
        gone: _t("no longer caught"),
        stricter: _t("decided more strictly"),
        milder: _t("decided more mildly"),
        same: _t("caught as before"),
    };
    return {
        rows,
        changes: Object.entries(names).map(([id, label]) => ({
            id,
            label,
            count: number(changes[id]?.count || 0),
            amount: money(changes[id]?.amount || 0),
            isEmpty: !changes[id],
        })),
    };
}

/** Rules that never hold, that hold and never come to a word, that fail. */
export function getHints({ rules, together }) {
    const names = (list) => list.map(({ name }) => name);
    return {
        silent: names(rules.filter(({ holds, error }) => !holds && !error)),
        shadowed: names(rules.filter(({ holds, count, error }) => holds && !count && !error)),
        failed: rules.filter(({ error }) => error),
        together: together.map((group) => group.join(" + ")),
    };
}
