import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { ProgressBarField, progressBarField } from "@web/views/fields/progress_bar/progress_bar_field";
import { onWillUnmount, useEffect } from "@odoo/owl";

const SECONDS = 2;

/** A progress bar that looks again while the import is running, as long as nobody is typing in the form. */
export class SalesImportProgress extends ProgressBarField {
    setup() {
        super.setup();
        useEffect(
            (running) => {
                clearInterval(this.timer);
                if (running) {
                    this.timer = setInterval(() => this.lookAgain(), SECONDS * 1000);
                }
            },
            () => [this.props.record.data.state === "running"]
        );
        onWillUnmount(() => clearInterval(this.timer));
    }

    async lookAgain() {
        const { record } = this.props;
        if (!this.loading && !(await record.isDirty())) {
            this.loading = true;
            await record.load().finally(() => (this.loading = false));
        }
    }
}

registry.category("fields").add("sales_import_progress", {
    ...progressBarField,
    component: SalesImportProgress,
    displayName: _t("Live Progress Bar"),
    fieldDependencies: [{ name: "state", type: "selection" }],
});
