import { Component } from "@odoo/owl";
import { formatInteger } from "@web/views/fields/formatters";

/** The transitions as a table. */
export class ProcessTransitions extends Component {
    static template = "sms_addon.ProcessTransitions";
    static props = { edges: Array, onEdgeClick: Function };

    setup() {
        this.formatInteger = formatInteger;
    }
}
