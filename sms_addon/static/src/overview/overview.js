import { Component, onWillStart, useState } from "@odoo/owl";
import { deserializeDate, deserializeDateTime, formatDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useSetupAction } from "@web/search/action_hook";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { useDrillDown } from "./drill_down";
import { getCards, getMonths, getRankings, REVENUE } from "./figures";
import { KpiCard } from "./kpi_card/kpi_card";
import { OverviewChart } from "./overview_chart/overview_chart";

/** How sales stand: figures against last year, charts, and a way from each to the orders behind it. */
export class SalesOverview extends Component {
    static template = "sms_addon.Overview";
    static components = { KpiCard, Layout, OverviewChart };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.drillDown = useDrillDown();
        this.keepLast = new KeepLast();
        this.periods = [
            { id: "month", label: _t("This Month") },
            { id: "quarter", label: _t("This Quarter") },
            { id: "year", label: _t("This Year") },
            { id: "last_12_months", label: _t("12 Months") },
        ];
        this.state = useState({ period: this.props.state?.period ?? "month", isRefreshing: false, figures: null });
        useSetupAction({ getLocalState: () => ({ period: this.state.period }) });
        onWillStart(() => this.load(this.state.period));
    }

    async load(period) {
        const data = await this.keepLast.add(this.orm.call("sales.overview", "get_overview", [period]));
        const figures = { cards: getCards(data), months: getMonths(data, period), rankings: getRankings(data) };
        this.data = data;
        Object.assign(this.state, { period, figures });
    }

    async refresh() {
        this.state.isRefreshing = true;
        try {
            await this.orm.call("sales.warehouse", "action_refresh", [[this.data.warehouse_id]]);
            await this.load(this.state.period);
        } finally {
            this.state.isRefreshing = false;
        }
    }

    get freshness() {
        const { as_of, warehouse_state } = this.data;
        const moment = as_of ? formatDateTime(deserializeDateTime(as_of), { format: "HH:mm" }) : "–";
        return {
            fresh: _t("Figures as of %s", moment),
            behind: _t("Figures as of %s, reading changes", moment),
            stale: _t("Figures as of %s, a rebuild is waiting", moment),
            rebuilding: _t("Figures as of %s, rebuilding", moment),
        }[warehouse_state];
    }

    openCard(name) {
        if (name === "quotations") {
            const domain = [["state", "in", ["draft", "sent"]]];
            return this.drillDown.open("sale.action_quotations_with_onboarding", {
                name: _t("Open Quotations"),
                domain,
                context: {},
            });
        }
        if (name === "to_invoice") {
            return this.drillDown.open("sale.action_orders_to_invoice");
        }
        if (name === "worklist") {
            return this.drillDown.open("sms_addon.sales_worklist_action");
        }
        const measure = { ordered: "amount_ordered", orders: "order_count" }[name] ?? name;
        return this.drillDown.openPeriod(REVENUE, this.state.period, { context: { graph_measure: measure } });
    }

    openMonth(index) {
        const { month } = this.data.months[index];
        const first = deserializeDate(month);
        return this.drillDown.open(REVENUE, {
            name: first.toLocaleString({ month: "long", year: "numeric" }),
            domain: [
                ["date", ">=", month],
                ["date", "<=", first.endOf("month").toISODate()],
            ],
            context: { graph_groupbys: ["user_id"], graph_mode: "bar" },
        });
    }

    openRanking({ title, field, action }) {
        return this.drillDown.openPeriod(action, this.state.period, {
            name: title,
            context: { graph_groupbys: [field], graph_mode: "bar", pivot_row_groupby: [field] },
        });
    }

    openRow({ field, action, rows }, index) {
        const { id, label } = rows[index];
        return this.drillDown.openPeriod(action, this.state.period, { name: label, domain: [[field, "=", id]] });
    }
}

registry.category("actions").add("sms_addon.overview", SalesOverview);
