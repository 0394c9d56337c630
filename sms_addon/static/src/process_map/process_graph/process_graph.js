import { Component } from "@odoo/owl";
import { layOut } from "./layout";

/** Milestones as boxes and transitions as arrows, as thick as they are frequent; the slowest stand out. */
export class ProcessGraph extends Component {
    static template = "sms_addon.ProcessGraph";
    static props = {
        nodes: Array, // of sales.process, with texts
        edges: Array,
        onEdgeClick: Function,
    };

    get layout() {
        return layOut(window.dagre, this.props.nodes, this.props.edges);
    }

    onEdgeKeydown(ev, edge) {
        if (["Enter", " "].includes(ev.key)) {
            ev.preventDefault();
            this.props.onEdgeClick(edge);
        }
    }
}
