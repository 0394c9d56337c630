import { Component } from "@odoo/owl";
import { formatMonetary } from "@web/views/fields/formatters";
import { getChartColors, pickColor, useChart } from "../../chart/chart";

/** Amounts as lines or bars; a click on a point tells which one it was. */
export class OverviewChart extends Component {
    static template = "sms_addon.OverviewChart";
    static props = {
        name: String,
        title: String,
        type: { type: String, validate: (type) => ["line", "bar"].includes(type) },
        labels: Array,
        series: Array, // of { label, data }, the most important first
        currencyId: Number,
        onTitleClick: Function,
        onPointClick: Function,
    };

    setup() {
        useChart(
            () => this.config,
            () => [this.props.labels, this.props.series]
        );
    }

    get isEmpty() {
        return this.props.series.every(({ data }) => data.every((value) => !value));
    }

    get config() {
        const { type, labels, series } = this.props;
        const isLine = type === "line";
        const { text, grid } = getChartColors();
        return {
            type,
            data: { labels, datasets: series.map((serie, index) => this.getDataset(serie, index)) },
            options: {
                animation: false,
                indexAxis: isLine ? "x" : "y",
                maintainAspectRatio: false,
                interaction: isLine ? { mode: "index", intersect: false } : { mode: "nearest" },
                onClick: (ev, elements) => elements.length && this.props.onPointClick(elements[0].index),
                plugins: {
                    legend: { display: series.length > 1, position: "bottom", labels: { color: text } },
                    tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${this.format(item.raw)}` } },
                },
                scales: {
                    [isLine ? "y" : "x"]: {
                        beginAtZero: true,
                        grid: { color: grid },
                        ticks: { color: text, maxTicksLimit: 6, callback: (v) => this.format(v, true) },
                    },
                    [isLine ? "x" : "y"]: { grid: { display: false }, ticks: { color: text } },
                },
            },
        };
    }

    getDataset({ label, data }, index) {
        const color = index ? pickColor("#B0B7C3", "#6B7280") : getChartColors().main;
        return {
            label,
            data: data.map((value) => (value === false ? null : value)),
            borderColor: color,
            backgroundColor: color,
            borderWidth: this.props.type === "line" ? 2 : 0,
            borderDash: index ? [5, 5] : [],
            borderRadius: 3,
            maxBarThickness: 22,
            pointRadius: index ? 0 : 3,
            tension: 0.2,
        };
    }

    format(value, short = false) {
        const options = short ? { humanReadable: true, digits: [16, 0] } : {};
        return formatMonetary(value, { currencyId: this.props.currencyId, ...options });
    }
}
