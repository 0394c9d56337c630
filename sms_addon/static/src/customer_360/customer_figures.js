import { deserializeDate, toLocaleDateString } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { formatFloat, formatInteger, formatMonetary } from "@web/views/fields/formatters";
import { formatSalesRate } from "../formatters/sales_rate";

/** Paid invoices from which on an average says something of how a customer pays. */
const FEWEST_INVOICES = 3;

/** The colour of a stage, as a badge has it. */
export const LIFECYCLE_COLORS = {
    new: "info",
    active: "success",
    slowing: "warning",
    at_risk: "danger",
    lost: "secondary",
    won_back: "primary",
};

/**
 * The cards of the page, as KpiCard takes them: each says what it rests on, and is left out where that is too little.
 *
 * @param {Object} data the answer of get_customer_360
 * @returns {Object[]}
 */
export function getCards({ profile, sales, currency_id }) {
    const money = (value) => formatMonetary(value, { currencyId: currency_id, digits: [16, 0] });
    if (!profile) {
        const note = sales.is_whole ? undefined : _t("Of orders that you may see");
        return sales.order_count
            ? [
                  { name: "revenue", title: _t("Revenue"), value: money(sales.revenue), note },
                  { name: "orders", title: _t("Orders"), value: formatInteger(sales.order_count), note },
              ]
            : [];
    }
    return [
        getRevenueCard(profile, money),
        {
            name: "orders",
            title: _t("Orders"),
            value: formatInteger(profile.order_count),
            note: _t("since %s", formatDay(profile.first_order_date)),
        },
        {
            name: "average_order",
            title: _t("Average Order"),
            value: money(profile.average_order),
            note: _t("%s in all", money(profile.revenue)),
        },
        ...getRhythmCards(profile),
        ...getStakeCards(profile, money),
        ...getOutlookCards(profile, money),
        ...getPaymentCards(profile),
    ];
}

function getRevenueCard(profile, money) {
    const card = { name: "revenue", title: _t("Revenue, 12 Months"), value: money(profile.revenue_12) };
    if (profile.trend === "unknown" || !profile.trend_rate) {
        return { ...card, note: _t("%s the year before", money(profile.revenue_before_12)) };
    }
    const change = profile.trend_rate - 1;
    return {
        ...card,
        change: profile.trend === "steady" ? 0 : change,
        changeText: _t("%s on the year before", (change > 0 ? "+" : "") + formatSalesRate(change)),
    };
}

function getRhythmCards(profile) {
    if (profile.rhythm_basis === "none") {
        return [];
    }
    const { days_to_expected: days } = profile;
    return [
        {
            name: "rhythm",
            title: _t("Orders Every"),
            value: formatDays(Math.round(profile.rhythm_days)),
            note:
                profile.rhythm_basis === "own"
                    ? _t("± %s, by their own orders", formatDays(Math.round(profile.rhythm_spread)))
                    : _t("As customers here usually do"),
        },
        {
            name: "expected",
            title: _t("Next Order"),
            value: formatDay(profile.expected_date),
            ...(days < 0 ? { change: -1, changeText: _t("%s overdue", formatDays(-days)) } : {}),
            ...(days > 0 ? { note: _t("in %s", formatDays(days)) } : {}),
            ...(days === 0 ? { note: _t("today") } : {}),
        },
    ];
}

function getStakeCards(profile, money) {
    if (!["slowing", "at_risk"].includes(profile.lifecycle) || !profile.value_at_stake) {
        return [];
    }
    return [
        {
            name: "stake",
            title: _t("At Stake"),
            value: money(profile.value_at_stake),
            note: _t("Orders that should have come"),
        },
    ];
}

function getOutlookCards(profile, money) {
    if (!profile.outlook_horizon) {
        return [];
    }
    const horizon = formatDays(profile.outlook_horizon);
    const cards = [];
    if (profile.p_alive || profile.expected_orders) {
        const foreseen = profile.expected_value
            ? _t("%(value)s foreseen in %(days)s", { value: money(profile.expected_value), days: horizon })
            : _t("in %s", horizon);
        const orders = formatFloat(profile.expected_orders, { digits: [16, 1] });
        // who leaves cannot always be told; what to expect of them all can
        cards.push(
            profile.p_alive
                ? { name: "outlook", title: _t("Chance to Buy Again"), value: formatSalesRate(profile.p_alive), note: foreseen }
                : { name: "outlook", title: _t("Orders Foreseen"), value: orders, note: foreseen }
        );
    }
    if (profile.churn_probability) {
        cards.push({
            name: "churn",
            title: _t("Chance to Leave"),
            value: formatSalesRate(profile.churn_probability),
            note: _t("No order in %s", horizon),
        });
    }
    return cards;
}

function getPaymentCards(profile) {
    const cards = [];
    if (profile.paid_invoice_count >= FEWEST_INVOICES) {
        const days = Math.round(profile.days_late_avg);
        cards.push({
            name: "payment",
            title: _t("Pays"),
            value: days > 0 ? _t("%s late", formatDays(days)) : _t("On time"),
            note: _t("Average of %s paid invoices", formatInteger(profile.paid_invoice_count)),
        });
    }
    if (profile.return_rate) {
        cards.push({
            name: "returns",
            title: _t("Returned"),
            value: formatSalesRate(profile.return_rate),
            note: _t("Of what was invoiced"),
        });
    }
    return cards;
}

function formatDays(days) {
    return days === 1 ? _t("1 day") : _t("%s days", formatInteger(days));
}

function formatDay(date) {
    return toLocaleDateString(deserializeDate(date));
}

/**
 * Revenue by month beside the year before, or by year.
 *
 * @returns {{ title: string, labels: string[], series: Object[] }}
 */
export function getPeriods({ periods: { unit, rows } }) {
    const format = unit === "year" ? { year: "numeric" } : { month: "short", year: "2-digit" };
    const values = rows.map(({ value }) => value);
    return {
        title: unit === "year" ? _t("Revenue by Year") : _t("Revenue by Month"),
        labels: rows.map(({ start }) => deserializeDate(start).toLocaleString(format)),
        series:
            unit === "year"
                ? [{ label: _t("Revenue"), data: values }]
                : [
                      { label: _t("Last 12 months"), data: values },
                      { label: _t("12 months before"), data: rows.map(({ before }) => before) },
                  ],
    };
}

/** What the customer buys, largest first. */
export function getCategories({ categories }) {
    return {
        labels: categories.map(({ label }) => label),
        series: [{ label: _t("Revenue"), data: categories.map(({ value }) => value) }],
    };
}
