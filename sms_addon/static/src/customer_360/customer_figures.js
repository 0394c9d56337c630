import { deserializeDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { formatInteger, formatMonetary } from "@web/views/fields/formatters";

/**
 * The cards of the page, as KpiCard takes them.
 *
 * @param {Object} data the answer of get_customer_360
 * @returns {Object[]}
 */
export function getCards({ sales, currency_id }) {
    const money = (value) => formatMonetary(value, { currencyId: currency_id, digits: [16, 0] });
    return [
        { name: "revenue", title: _t("Revenue"), value: money(sales.revenue), note: _t("All confirmed orders, untaxed") },
        { name: "orders", title: _t("Orders"), value: formatInteger(sales.order_count) },
    ];
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
