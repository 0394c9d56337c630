import { Component, onWillStart, onWillUnmount, useState } from "@odoo/owl";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { KpiCard } from "../overview/kpi_card/kpi_card";
import { useDrillDown } from "../overview/drill_down";
import { SimulationChart } from "./simulation_chart/simulation_chart";
import {
    byDecision,
    CAUGHT,
    DECISIONS,
    getBadge,
    getCards,
    getCaught,
    getComparison,
    getDecisionLabels,
    getHints,
    getMonths,
    makeFormats,
} from "./simulation_figures";

const MODEL = "sales.rule.simulation";
const LINES = "sms_addon.sales_rule_simulation_line_action";
const SECONDS = 2;

/** What rules would have decided: figures, charts, what is odd about the rules, and a way to every document. */
export class RuleSimulation extends Component {
    static template = "sms_addon.RuleSimulation";
    static components = { KpiCard, Layout, SimulationChart };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.drillDown = useDrillDown();
        this.decisions = DECISIONS;
        this.labels = getDecisionLabels();
        this.getBadge = getBadge;
        this.simulationId = this.props.action.context.active_id;
        this.state = useState({ data: null, side: "a" });
        onWillStart(() => this.load());
        onWillUnmount(() => clearTimeout(this.timer));
    }

    async load() {
        const [found] = this.simulationId ? await this.orm.search(MODEL, [["id", "=", this.simulationId]]) : [];
        if (!found) {
            this.state.data = { state: "gone" };
            return;
        }
        this.state.data = await this.orm.call(MODEL, "get_result", [[found]]);
        if (this.data.state === "running") {
            this.timer = setTimeout(() => this.load(), SECONDS * 1000);
        }
    }

    async stop() {
        await this.orm.call(MODEL, "action_stop", [[this.simulationId]]);
    }

    async change() {
        const [{ set_id }] = await this.orm.read(MODEL, [this.simulationId], ["set_id"]);
        return this.action.doAction("sms_addon.sales_rule_simulation_action", {
            additionalContext: { default_set_id: set_id[0] },
        });
    }

    get data() {
        return this.state.data;
    }

    get side() {
        return this.data.sides[this.state.side];
    }

    get sides() {
        return Object.entries(this.data.sides).map(([id, { label }]) => ({ id, label }));
    }

    get formats() {
        return makeFormats(this.data);
    }

    get cards() {
        return getCards(this.data);
    }

    get comparison() {
        return getComparison(this.data);
    }

    get hints() {
        return getHints(this.side);
    }

    get months() {
        return getMonths(this.side);
    }

    get progress() {
        const { done, total } = this.data.progress || {};
        return total ? Math.round((100 * done) / total) : 0;
    }

    get progressText() {
        const { done, total } = this.data.progress || {};
        return total
            ? _t("Rules asked: %(done)s of %(total)s", { done, total })
            : _t("The documents of the period are being gathered");
    }

    get period() {
        const [from, until] = this.data.period.map((day) => day && formatDate(deserializeDate(day)));
        if (from && until) {
            return _t("%(from)s to %(until)s", { from, until });
        }
        return from ? _t("since %s", from) : until ? _t("until %s", until) : _t("All History");
    }

    /** The answer in one sentence, for whoever reads nothing else. */
    get headline() {
        const { documents, sides, has_amount } = this.data;
        const { money, number, share } = this.formats;
        const caught = getCaught(sides.a);
        const values = {
            caught: number(caught.count),
            all: number(documents.count),
            share: share(caught.count, documents.count),
            amount: money(caught.amount),
            value: share(caught.amount, documents.amount),
        };
        if (!documents.count) {
            return _t("There are no documents in this period.");
        }
        if (!caught.count) {
            return _t("None of %(all)s documents would have been warned, held or stopped.", values);
        }
        return has_amount
            ? _t(
                  "%(caught)s of %(all)s documents (%(share)s) would have been warned, held or stopped: %(amount)s, %(value)s of the value.",
                  values
              )
            : _t("%(caught)s of %(all)s documents (%(share)s) would have been warned, held or stopped.", values);
    }

    get rules() {
        const most = Math.max(1, ...this.side.rules.map(({ count }) => count));
        return this.side.rules.map((rule) => ({ ...rule, width: `${(100 * rule.count) / most}%` }));
    }

    get salespeople() {
        const people = this.side.salespeople.filter(({ count }) => count);
        const most = Math.max(1, ...people.map(({ count }) => count));
        return people.map((person) => ({
            ...person,
            parts: DECISIONS.filter(({ id }) => CAUGHT.includes(id) && person.decisions[id]).map(({ id, badge }) => ({
                id,
                class: badge,
                title: `${this.labels[id]}: ${this.formats.number(person.decisions[id])}`,
                width: `${(100 * person.decisions[id]) / most}%`,
            })),
        }));
    }

    get isEmpty() {
        return !Object.values(byDecision(this.side)).some(({ count }) => count);
    }

    // -- what figures are made of

    open(name, domain, { side = this.state.side, context = {} } = {}) {
        return this.drillDown.open(LINES, {
            name,
            domain: [["simulation_id", "=", this.simulationId], ["side", "=", side], ...domain],
            context,
        });
    }

    openAll() {
        return this.open(_t("Simulated Decisions"), [], { context: { search_default_decisive: 1 } });
    }

    openCard(name) {
        if (name === "documents") {
            return this.openAll();
        }
        return this.open(this.labels[name], [["decision", "=", name]], {
            side: "a",
            context: { search_default_decisive: 1 },
        });
    }

    openMonth(index, decision) {
        const month = this.months.months[index];
        return this.open(month.toLocaleString({ month: "long", year: "numeric" }), [
            ["decisive", "=", true],
            ["decision", "=", decision],
            ["date", ">=", month.toISODate()],
            ["date", "<=", month.endOf("month").toISODate()],
        ]);
    }

    openRule({ id, name }) {
        return this.open(name, [["rule_id", "=", id]]);
    }

    openPerson({ id, name }) {
        return this.open(name, [
            ["user_id", "=", id],
            ["decisive", "=", true],
            ["decision", "in", CAUGHT],
        ]);
    }

    openChange({ id, label }) {
        const domain = [
            ["decisive", "=", true],
            ["change", "=", id],
        ];
        return this.open(label, domain, { side: id === "gone" ? "b" : "a" });
    }
}

registry.category("actions").add("sms_addon.rule_simulation", RuleSimulation);
