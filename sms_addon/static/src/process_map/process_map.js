import { Component, onWillStart, useState } from "@odoo/owl";
import { loadJS } from "@web/core/assets";
import { DateTimeInput } from "@web/core/datetime/datetime_input";
import { deserializeDate, serializeDate, today } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { MultiRecordSelector } from "@web/core/record_selectors/multi_record_selector";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { Layout } from "@web/search/layout";
import { formatInteger } from "@web/views/fields/formatters";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { countOrders, getTransitions, getVariants, getVisible } from "./paths";
import { ProcessGraph } from "./process_graph/process_graph";
import { ProcessTransitions } from "./process_transitions/process_transitions";
import { ProcessVariants } from "./process_variants/process_variants";

const LIBRARY = "/sms_addon/static/lib/dagre/dagre.min.js";
const NO_FILTERS = { dateFrom: false, dateTo: false, team_ids: [], partner_ids: [], user_ids: [] };

/** The paths that orders really take from quotation to payment, as a graph and as a table. */
export class SalesProcessMap extends Component {
    static template = "sms_addon.ProcessMap";
    static components = {
        DateTimeInput,
        Layout,
        MultiRecordSelector,
        ProcessGraph,
        ProcessTransitions,
        ProcessVariants,
    };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.keepLast = new KeepLast();
        this.periods = [
            { id: 30, label: _t("30 Days") },
            { id: 90, label: _t("90 Days") },
            { id: 365, label: _t("1 Year") },
            { id: "all", label: _t("All") },
            { id: "custom", label: _t("Custom") },
        ];
        this.selectors = [
            { name: "team_ids", resModel: "crm.team", placeholder: _t("Any team") },
            { name: "partner_ids", resModel: "res.partner", placeholder: _t("Any customer") },
            { name: "user_ids", resModel: "res.users", placeholder: _t("Any salesperson") },
        ];
        const local = this.props.state ?? { period: 90, filters: { ...NO_FILTERS }, minShare: 5, shape: "graph" };
        this.state = useState({ ...local, data: null });
        useSetupAction({
            getLocalState: () => ({
                period: this.state.period,
                filters: { ...this.state.filters },
                minShare: this.state.minShare,
                shape: this.state.shape,
            }),
        });
        onWillStart(() => Promise.all([this.loadLibrary(), this.load()]));
    }

    async loadLibrary() {
        try {
            await loadJS(LIBRARY);
        } catch {
            // the table shows the same, and a line above it says what is missing
        }
        this.hasLibrary = Boolean(window.dagre);
    }

    /** Read the paths for a change of period or filters; both are shown once it is there. */
    async load({ period = this.state.period, filters = {} } = {}) {
        const changed = { ...this.state.filters, ...filters };
        if (typeof period === "number") {
            Object.assign(changed, { dateFrom: serializeDate(today().minus({ days: period })), dateTo: false });
        } else if (period === "all") {
            Object.assign(changed, { dateFrom: false, dateTo: false });
        }
        const data = await this.keepLast.add(
            this.orm.call("sales.process", "get_process_map", [this.getServerFilters(changed)])
        );
        Object.assign(this.state, { period, filters: changed, data });
    }

    getServerFilters({ dateFrom, dateTo, ...ids } = this.state.filters) {
        return { date_from: dateFrom, date_to: dateTo, ...ids };
    }

    getDate(name) {
        return this.state.filters[name] ? deserializeDate(this.state.filters[name]) : false;
    }

    setDate(name, value) {
        return this.load({ filters: { [name]: value ? serializeDate(value) : false } });
    }

    setIds(name, resIds) {
        return this.load({ filters: { [name]: resIds } });
    }

    showAll() {
        return this.load({ period: "all", filters: { ...NO_FILTERS } });
    }

    get isGraph() {
        return this.hasLibrary && this.state.shape === "graph";
    }

    get transitions() {
        return getTransitions(this.state.data);
    }

    get visible() {
        return getVisible(this.state.data, this.transitions, this.state.minShare / 100);
    }

    get variants() {
        return getVariants(this.state.data);
    }

    get slowest() {
        return this.transitions.filter((edge) => edge.slow_rank).sort((a, b) => a.slow_rank - b.slow_rank);
    }

    get summary() {
        const { orders, variant_count } = this.state.data;
        return _t("%(orders)s, different paths: %(paths)s", {
            orders: countOrders(orders),
            paths: formatInteger(variant_count),
        });
    }

    get hiddenText() {
        const hidden = this.transitions.length - this.visible.edges.length;
        return hidden ? _t("Rare transitions hidden: %s", formatInteger(hidden)) : "";
    }

    openTransition({ source, target }) {
        return this.open("get_transition_orders", [source, target]);
    }

    openVariant({ types }) {
        return this.open("get_variant_orders", [types]);
    }

    async open(method, args) {
        return this.action.doAction(await this.orm.call("sales.process", method, [...args, this.getServerFilters()]));
    }
}

registry.category("actions").add("sms_addon.process_map", SalesProcessMap);
