import { Component, onWillStart, useEffect, useRef } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { cookie } from "@web/core/browser/cookie";
import { getColor, getCustomColor } from "@web/core/colors/colors";
import { formatMonetary } from "@web/views/fields/formatters";

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
        this.canvas = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => {
                if (this.isEmpty) {
                    return;
                }
                const chart = new Chart(this.canvas.el, this.config);
                return () => chart.destroy();
            },
            () => [this.props.labels, this.props.series]
        );
    }

    get isEmpty() {
        return this.props.series.every(({ data }) => data.every((value) => !value));
    }

    get config() {
        const { type, labels, series } = this.props;
        const isLine = type === "line";
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
                    legend: { display: series.length > 1, position: "bottom", labels: { color: this.textColor } },
                    tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${this.format(item.raw)}` } },
                },
                scales: {
                    [isLine ? "y" : "x"]: {
                        beginAtZero: true,
                        grid: { color: this.gridColor },
                        ticks: { color: this.textColor, maxTicksLimit: 6, callback: (v) => this.format(v, true) },
                    },
                    [isLine ? "x" : "y"]: { grid: { display: false }, ticks: { color: this.textColor } },
                },
            },
        };
    }

    getDataset({ label, data }, index) {
        const scheme = cookie.get("color_scheme");
        const color = index ? getCustomColor(scheme, "#B0B7C3", "#6B7280") : getColor(0, scheme, "odoo");
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

    get textColor() {
        return getCustomColor(cookie.get("color_scheme"), "#374151", "#D1D5DB");
    }

    get gridColor() {
        return getCustomColor(cookie.get("color_scheme"), "rgba(0,0,0,.08)", "rgba(255,255,255,.15)");
    }

    format(value, short = false) {
        const options = short ? { humanReadable: true, digits: [16, 0] } : {};
        return formatMonetary(value, { currencyId: this.props.currencyId, ...options });
    }
}
