import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { Component } from "@odoo/owl";

/** The first rows of the file, as they are understood. */
export class SalesImportPreview extends Component {
    static template = "sms_addon.SalesImportPreview";
    static props = { ...standardFieldProps };

    get preview() {
        return this.props.record.data[this.props.name];
    }

    get hasProblems() {
        return this.preview.rows.some((row) => row.problem);
    }
}

registry.category("fields").add("sales_import_preview", {
    component: SalesImportPreview,
    displayName: _t("Preview of a Sales File"),
    supportedTypes: ["json"],
});
