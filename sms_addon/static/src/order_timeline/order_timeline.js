import { Component, onWillStart, onWillUnmount, onWillUpdateProps, useState } from "@odoo/owl";
import {
    deserializeDate,
    deserializeDateTime,
    formatDuration,
    toLocaleDateString,
    toLocaleDateTimeString,
} from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { debounce } from "@web/core/utils/timing";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** The story of an order, which goes on by itself while it is looked at. */
export class OrderTimeline extends Component {
    static template = "sms_addon.OrderTimeline";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.bus = useService("bus_service");
        this.state = useState({ timeline: null, details: false, failed: false });
        this.reload = debounce(() => this.load(), 300);
        this.onEvent = ({ order_id }) => order_id === this.orderId && this.reload();
        onWillStart(() => this.load());
        onWillUpdateProps((nextProps) => this.load(nextProps.record.resId));
        this.bus.subscribe("sms_addon.order_event", this.onEvent);
        onWillUnmount(() => {
            this.bus.unsubscribe("sms_addon.order_event", this.onEvent);
            this.listenTo(null);
        });
    }

    get steps() {
        return this.state.timeline.steps.filter((step) => step.milestone || this.state.details);
    }

    get hiddenCount() {
        return this.state.timeline.steps.filter((step) => !step.milestone).length;
    }

    get lateText() {
        const days = this.state.timeline.late_days;
        return days === 1 ? _t("1 day late") : _t("%s days late", days);
    }

    async load(orderId = this.props.record.resId) {
        this.listenTo(orderId);
        if (!orderId) {
            this.state.timeline = null;
            return;
        }
        const timeline = await this.orm.silent.call("sale.order", "get_timeline", [orderId]);
        if (orderId === this.orderId) {
            this.state.timeline = timeline;
        }
    }

    listenTo(orderId) {
        if (orderId === this.orderId) {
            return;
        }
        if (this.orderId) {
            this.bus.deleteChannel(`sales_order_timeline_${this.orderId}`);
        }
        this.orderId = orderId;
        if (orderId) {
            this.bus.addChannel(`sales_order_timeline_${orderId}`);
        }
    }

    /** Return a moment, or a day where there is no time. */
    formatDate(date) {
        if (!date) {
            return "";
        }
        return date.length > 10
            ? toLocaleDateTimeString(deserializeDateTime(date))
            : toLocaleDateString(deserializeDate(date));
    }

    formatDuration(seconds) {
        return formatDuration(seconds, true);
    }

    lateBy(days) {
        return days === 1 ? _t("1 day after the promised date") : _t("%s days after the promised date", days);
    }

    toggleDetails() {
        this.state.details = !this.state.details;
    }
}

registry.category("view_widgets").add("sales_order_timeline", { component: OrderTimeline });
