import { Component } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const UNITS = [
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
];

/**
 * Seconds as people say them, in the largest unit that fits: "3.2 days", "45 min".
 *
 * @param {number|false} seconds
 * @returns {string}
 */
export function formatSalesDuration(seconds) {
    if (typeof seconds !== "number") {
        return "";
    }
    const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? UNITS.at(-1);
    const value = seconds / size;
    const maximumFractionDigits = value < 10 && unit !== "second" ? 1 : 0;
    const options = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits };
    return new Intl.NumberFormat(luxon.Settings.defaultLocale, options).format(value);
}

/** A number of seconds in a view. */
export class SalesDurationField extends Component {
    static template = "sms_addon.SalesDurationField";
    static props = { ...standardFieldProps };

    get value() {
        return formatSalesDuration(this.props.record.data[this.props.name]);
    }
}

registry.category("formatters").add("sales_duration", formatSalesDuration);
registry.category("fields").add("sales_duration", { component: SalesDurationField, supportedTypes: ["float"] });
