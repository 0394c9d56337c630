import { deserializeDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { formatFloat, formatInteger, formatMonetary } from "@web/views/fields/formatters";
import { formatSalesRate } from "../formatters/sales_rate";

export const REVENUE = "sms_addon.sales_analysis_action_revenue";
const TEAM = "sms_addon.sales_analysis_action_team";
const PRODUCT = "sms_addon.sales_analysis_action_product";

/**
 * The cards of the screen, as KpiCard takes them.
 *
 * @param {Object} data the answer of sales.overview
 * @returns {Object[]}
 */
export function getCards({ cards, currency_id }) {
    const money = (value) => formatMonetary(value, { currencyId: currency_id, digits: [16, 0] });
    return [
        getCard("ordered", _t("Ordered"), cards.ordered, money),
        getCard("orders", _t("Orders"), cards.orders, formatInteger),
        getCard("average_order", _t("Average Order"), cards.average_order, money),
        getCard("margin_rate", _t("Margin"), cards.margin_rate, formatSalesRate, true),
        getCard("win_rate", _t("Win Rate"), cards.win_rate, formatSalesRate, true),
        {
            name: "quotations",
            title: _t("Open Quotations"),
            value: money(cards.quotations.value),
            note: _t("%s quotations", formatInteger(cards.quotations.count)),
        },
        {
            name: "to_invoice",
            title: _t("To Invoice"),
            value: money(cards.to_invoice.value),
            note: _t("Untaxed, all orders"),
        },
        {
            name: "worklist",
            title: _t("Needs You Today"),
            value: formatInteger(cards.worklist.value),
            note: _t("Your orders"),
        },
    ];
}

function getCard(name, title, { value, before }, format, isRate = false) {
    const card = { name, title, value: value === false ? "–" : format(value) };
    if (!before) {
        card.note = _t("Nothing last year");
    } else if (value !== false) {
        card.change = isRate ? value - before : value / before - 1;
        const sign = card.change > 0 ? "+" : "";
        card.changeText = isRate
            ? _t("%s pt on last year", sign + formatFloat(card.change * 100, { digits: [16, 1] }))
            : _t("%s on last year", sign + formatSalesRate(card.change));
    }
    return card;
}

/**
 * The line of twelve months and that of the year before.
 *
 * @returns {{ labels: string[], series: Object[] }}
 */
export function getMonths({ months }, period) {
    const isCalendarYear = period !== "last_12_months";
    const year = deserializeDate(months[0].month).year;
    const format = isCalendarYear ? { month: "short" } : { month: "short", year: "2-digit" };
    return {
        labels: months.map(({ month }) => deserializeDate(month).toLocaleString(format)),
        series: [
            { label: isCalendarYear ? `${year}` : _t("Last 12 months"), data: months.map((m) => m.value) },
            { label: isCalendarYear ? `${year - 1}` : _t("12 months before"), data: months.map((m) => m.before) },
        ],
    };
}

/**
 * Who and what brought most: each with the field it goes by and the report that tells more.
 *
 * @returns {Object[]}
 */
export function getRankings(data) {
    return [
        { name: "customers", title: _t("Top Customers"), field: "commercial_partner_id", action: REVENUE },
        { name: "teams", title: _t("Sales Teams"), field: "team_id", action: TEAM },
        { name: "categories", title: _t("Product Categories"), field: "categ_id", action: PRODUCT },
    ].map((ranking) => ({
        ...ranking,
        rows: data[ranking.name],
        labels: data[ranking.name].map(({ label }) => label),
        series: [{ label: _t("Ordered"), data: data[ranking.name].map(({ value }) => value) }],
    }));
}
