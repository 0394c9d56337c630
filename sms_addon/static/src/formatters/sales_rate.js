import { registry } from "@web/core/registry";
import { formatPercentage } from "@web/views/fields/formatters";

/**
 * A share or a change as a percentage with one decimal, and nothing where there is nothing to compare with.
 *
 * @param {number|false} value
 * @returns {string}
 */
export function formatSalesRate(value) {
    return typeof value === "number" ? formatPercentage(value, { digits: [16, 1] }) : "";
}

registry.category("formatters").add("sales_rate", formatSalesRate);
