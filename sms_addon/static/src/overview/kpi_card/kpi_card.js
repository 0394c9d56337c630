import { Component } from "@odoo/owl";

/** One figure with its change; opens what it is made of. */
export class KpiCard extends Component {
    static template = "sms_addon.KpiCard";
    static props = {
        name: String,
        title: String,
        value: String,
        change: { type: Number, optional: true },
        changeText: { type: String, optional: true },
        note: { type: String, optional: true },
        onClick: Function,
    };

    get changeClass() {
        const { change } = this.props;
        return change > 0 ? "text-success" : change < 0 ? "text-danger" : "text-muted";
    }
}
