import { Component, onWillStart, onWillUpdateProps, useState } from "@odoo/owl";
import { deserializeDate, toLocaleDateString } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { formatFloat } from "@web/views/fields/formatters";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { getChartColors, getTimeOptions, pickColor, useChart } from "../chart/chart";
import { useStockChanges } from "../stock_board/stock_changes";

const RANGES = [
    { back: 30, ahead: 30 },
    { back: 90, ahead: 60 },
    { back: 365, ahead: 180 },
];

/** The stock of a position: days past, days to come with an interval of 80 %, and planned receipts. */
export class StockCurve extends Component {
    static template = "sms_addon.StockCurve";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.ranges = RANGES;
        this.state = useState({ curve: null, range: 1 });
        onWillStart(() => this.load());
        onWillUpdateProps((nextProps) => {
            if (nextProps.record.resId !== this.resId) {
                return this.load(nextProps.record.resId);
            }
        });
        useStockChanges(({ ids, all }) => {
            if (all || ids.has(this.resId)) {
                return this.load();
            }
        });
        useChart(
            () => this.config,
            () => [this.state.curve]
        );
    }

    async load(resId = this.props.record.resId) {
        this.resId = resId;
        if (!resId) {
            this.state.curve = null;
            return;
        }
        const { back, ahead } = RANGES[this.state.range];
        const curve = await this.orm.silent.call("sales.stock.position", "get_stock_curve", [resId], {
            days_back: back,
            days_ahead: ahead,
        });
        if (resId === this.resId) {
            this.state.curve = curve;
        }
    }

    setRange(index) {
        this.state.range = index;
        return this.load();
    }

    rangeLabel({ back, ahead }) {
        return _t("%(back)s days back, %(ahead)s ahead", { back, ahead });
    }

    formatDay(day) {
        return toLocaleDateString(deserializeDate(day));
    }

    format(value) {
        return formatFloat(value, { trailingZeros: false });
    }

    get demandText() {
        const { demand, unit } = this.state.curve;
        return _t("Demand per day: %(demand)s %(unit)s", { demand: formatFloat(demand, { digits: [16, 2] }), unit });
    }

    get receiptsByDay() {
        return Object.fromEntries(this.state.curve.receipts.map((receipt) => [receipt.day, receipt]));
    }

    get datasets() {
        const { days, past, future, low, high } = this.state.curve;
        const { main: color } = getChartColors();
        const band = pickColor("rgba(113,75,103,.15)", "rgba(160,120,150,.3)");
        const receipts = this.receiptsByDay;
        const line = { pointRadius: 0, borderWidth: 2, borderColor: color, backgroundColor: color, stepped: "before" };
        const edge = { pointRadius: 0, borderWidth: 0, backgroundColor: band, stepped: "before" };
        return [
            { ...line, label: _t("On Hand"), data: past },
            { ...line, label: _t("Projected"), data: future, borderDash: [5, 5], backgroundColor: "transparent" },
            { ...edge, label: _t("Low"), data: low, fill: "+1" },
            { ...edge, label: _t("High"), data: high, fill: false },
            {
                label: _t("Planned Receipt"),
                data: days.map((day, index) => (receipts[day] ? future[index] : null)),
                showLine: false,
                pointStyle: "triangle",
                pointRadius: 6,
                borderColor: color,
                backgroundColor: pickColor("#198754", "#5dd39e"),
            },
        ];
    }

    get config() {
        const { days, today } = this.state.curve;
        const { grid } = getChartColors();
        const zero = pickColor("rgba(220,53,69,.7)", "rgba(255,120,130,.8)");
        return {
            type: "line",
            data: { labels: days, datasets: this.datasets },
            options: getTimeOptions({
                isInLegend: ({ datasetIndex }) => ![2, 3].includes(datasetIndex),
                callbacks: {
                    title: ([item]) => item && this.formatDay(item.label),
                    label: (item) => this.tooltip(item),
                },
                x: {
                    callback: (_value, index) => (days[index] === today ? _t("Today") : this.formatDay(days[index])),
                },
                y: {
                    grid: { color: ({ tick }) => (tick?.value === 0 ? zero : grid) },
                    ticks: { callback: (value) => this.format(value) },
                    suggestedMin: 0,
                },
            }),
        };
    }

    tooltip({ dataset, datasetIndex, raw, label }) {
        const receipt = datasetIndex === 4 && this.receiptsByDay[label];
        if (receipt) {
            const names = receipt.names.join(", ");
            return _t("Planned Receipt: %(quantity)s (%(names)s)", { quantity: this.format(receipt.quantity), names });
        }
        return `${dataset.label}: ${this.format(raw)} ${this.state.curve.unit}`;
    }
}

registry.category("view_widgets").add("sales_stock_curve", { component: StockCurve });
