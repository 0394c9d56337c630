import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/** A number of days late in words, and nothing when it is none. */
export class DaysLateField extends Component {
    static template = "sms_addon.DaysLateField";
    static props = { ...standardFieldProps };

    get days() {
        return this.props.record.data[this.props.name] || 0;
    }

    get text() {
        return this.days === 1 ? _t("1 day late") : _t("%s days late", this.days);
    }

    /** Still late, or delivered late once. */
    get textClass() {
        return this.props.record.data.is_late === false ? "text-muted" : "text-danger fw-bold";
    }
}

registry.category("fields").add("sales_days_late", {
    component: DaysLateField,
    displayName: _t("Days Late"),
    supportedTypes: ["integer"],
});
