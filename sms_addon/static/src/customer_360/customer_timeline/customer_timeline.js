import { Component, onWillUpdateProps, useState } from "@odoo/owl";
import { deserializeDateTime, toLocaleDateTimeString } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";

/** What happened with a customer, newest first, a page at a time. */
export class CustomerTimeline extends Component {
    static template = "sms_addon.CustomerTimeline";
    static props = {
        partnerId: Number,
        firstPage: Object, // of { entries, next }
        openRecord: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.kinds = [
            { id: null, label: _t("All") },
            { id: "order", label: _t("Orders") },
            { id: "delivery", label: _t("Deliveries") },
            { id: "invoice", label: _t("Invoices") },
            { id: "lead", label: _t("Opportunities") },
            { id: "meeting", label: _t("Meetings") },
            { id: "message", label: _t("Messages") },
        ];
        this.state = useState({ kind: null, isLoading: false, ...this.props.firstPage });
        onWillUpdateProps((nextProps) => {
            if (nextProps.firstPage !== this.props.firstPage) {
                Object.assign(this.state, { kind: null, ...nextProps.firstPage });
            }
        });
    }

    async show(kind) {
        this.state.kind = kind;
        const page = await this.load(kind, null);
        Object.assign(this.state, page);
    }

    async showMore() {
        const page = await this.load(this.state.kind, this.state.next);
        Object.assign(this.state, { entries: [...this.state.entries, ...page.entries], next: page.next });
    }

    async load(kind, place) {
        this.state.isLoading = true;
        try {
            return await this.keepLast.add(
                this.orm.silent.call("res.partner", "get_customer_timeline", [this.props.partnerId], { kind, place })
            );
        } finally {
            this.state.isLoading = false;
        }
    }

    formatDate(date) {
        return toLocaleDateTimeString(deserializeDateTime(date));
    }
}
