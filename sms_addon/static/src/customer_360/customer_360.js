import { Component, onWillStart, onWillUpdateProps, useState } from "@odoo/owl";
import {
    deserializeDate,
    deserializeDateTime,
    toLocaleDateString,
    toLocaleDateTimeString,
} from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { formatMonetary } from "@web/views/fields/formatters";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { formatSalesRate } from "../formatters/sales_rate";
import { useDrillDown } from "../overview/drill_down";
import { REVENUE } from "../overview/figures";
import { KpiCard } from "../overview/kpi_card/kpi_card";
import { OverviewChart } from "../overview/overview_chart/overview_chart";
import { SuggestionList } from "../suggestions/suggestion_list";
import { getCards, getCategories, getPeriods, LIFECYCLE_COLORS } from "./customer_figures";
import { CustomerTimeline } from "./customer_timeline/customer_timeline";

/** Who a customer is, how they buy, what is open and what to offer next. */
export class Customer360 extends Component {
    static template = "sms_addon.Customer360";
    static components = { CustomerTimeline, KpiCard, OverviewChart, SuggestionList };
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.drillDown = useDrillDown();
        this.keepLast = new KeepLast();
        this.notification = useService("notification");
        this.state = useState({ page: null, suggestions: [] });
        onWillStart(() => this.load(this.props.record.resId));
        onWillUpdateProps(({ record }) => {
            // also after a save, which may have changed what is shown
            if (record.resId !== this.partnerId || record.data.write_date !== this.props.record.data.write_date) {
                return this.load(record.resId);
            }
        });
    }

    async load(partnerId) {
        if (partnerId !== this.partnerId) {
            Object.assign(this.state, { page: null, suggestions: [] });
        }
        this.partnerId = partnerId;
        if (!partnerId) {
            return;
        }
        const isNew = !this.state.page;
        const data = await this.keepLast.add(this.orm.silent.call("res.partner", "get_customer_360", [partnerId]));
        this.state.page = {
            ...data,
            cards: getCards(data),
            chart: getPeriods(data),
            ranking: getCategories(data),
            lists: this.getLists(data),
        };
        if (isNew && data.profile) {
            this.loadSuggestions(partnerId); // nobody waits for them
        }
    }

    async loadSuggestions(partnerId) {
        const suggestions = await this.orm.silent.call("res.partner", "get_customer_suggestions", [partnerId]);
        if (partnerId === this.partnerId) {
            this.state.suggestions = suggestions;
        }
    }

    async addSuggestion({ product_id, product }) {
        const order = await this.orm.call("res.partner", "add_customer_suggestion", [this.partnerId, product_id]);
        this.notification.add(_t("%(product)s is on %(order)s", { product, order: order.name }), {
            type: "success",
            buttons: [{ name: _t("Open"), onClick: () => this.openRecord({ model: "sale.order", id: order.id }) }],
        });
        await this.load(this.partnerId);
    }

    /** What is open with the customer: each list with what a row opens. */
    getLists({ quotations, activities, meetings, needs, issues }) {
        return [
            { name: "needs", title: _t("Needs"), icon: "fa-lightbulb-o", model: "sales.need", ...needs },
            { name: "quotations", title: _t("Open Quotations"), icon: "fa-file-text-o", model: "sale.order", ...quotations },
            { name: "activities", title: _t("Activities"), icon: "fa-clock-o", ...activities },
            { name: "meetings", title: _t("Meetings"), icon: "fa-calendar", model: "calendar.event", ...meetings },
            { name: "issues", title: _t("Data to Put Right"), icon: "fa-wrench", ...issues },
        ].filter((list) => list.count);
    }

    get rfmText() {
        const { r_score, f_score, m_score } = this.state.page.profile;
        return _t("Recency %(recency)s, frequency %(frequency)s, revenue %(revenue)s: 5 is the best fifth of the customers", {
            recency: r_score,
            frequency: f_score,
            revenue: m_score,
        });
    }

    get lifecycleClass() {
        return `text-bg-${LIFECYCLE_COLORS[this.state.page.profile.lifecycle]}`;
    }

    /** Run a button of the customer and show what it changed, or open what it says. */
    async run(method, ...args) {
        const action = await this.orm.call("res.partner", method, [[this.partnerId], ...args]);
        if (action?.type) {
            return this.action.doAction(action);
        }
        return this.load(this.partnerId);
    }

    formatMoney(amount, currencyId) {
        return formatMonetary(amount, { currencyId });
    }

    formatProbability(percent) {
        return formatSalesRate(percent / 100);
    }

    /** Return a moment, or a day where there is no time. */
    formatDate(date) {
        return date.length > 10
            ? toLocaleDateTimeString(deserializeDateTime(date))
            : toLocaleDateString(deserializeDate(date));
    }

    openRecord({ model, id }) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: model,
            res_id: id,
            views: [[false, "form"]],
        });
    }

    openRow(list, row) {
        if (list.name === "issues") {
            return this.drillDown.open("sms_addon.sales_customer_issue_action", {
                domain: [["commercial_partner_id", "=", this.state.page.partner_id]],
            });
        }
        return this.openRecord(list.model ? { model: list.model, id: row.id } : { model: row.model, id: row.res_id });
    }

    openSales({ name, domain = [], context = {} } = {}) {
        return this.drillDown.open(REVENUE, {
            name,
            domain: [["commercial_partner_id", "=", this.state.page.partner_id], ...domain],
            context,
        });
    }

    openPeriod(index) {
        const { unit, rows } = this.state.page.periods;
        const first = deserializeDate(rows[index].start);
        return this.openSales({
            name: this.state.page.chart.labels[index],
            domain: [
                ["date", ">=", rows[index].start],
                ["date", "<=", first.endOf(unit).toISODate()],
            ],
        });
    }

    openCategory(index) {
        const { id, label } = this.state.page.categories[index];
        return this.openSales({ name: label, domain: [["categ_id", "=", id]] });
    }
}

registry.category("view_widgets").add("sales_customer_360", {
    component: Customer360,
    fieldDependencies: [{ name: "write_date", type: "datetime" }],
});
