import { Component, onWillStart, useEffect, useRef } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { cookie } from "@web/core/browser/cookie";
import { getCustomColor } from "@web/core/colors/colors";

/** Documents by month, one bar upon the other by what would have happened to them. */
export class SimulationChart extends Component {
    static template = "sms_addon.SimulationChart";
    static props = {
        title: String,
        labels: Array,
        series: Array, // of { id, label, colors, data }
        onPointClick: Function,
    };

    setup() {
        this.canvas = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => {
                if (this.canvas.el) {
                    const chart = new Chart(this.canvas.el, this.config);
                    return () => chart.destroy();
                }
            },
            () => [this.props.labels, this.props.series]
        );
    }

    get config() {
        const scheme = cookie.get("color_scheme");
        const text = getCustomColor(scheme, "#374151", "#D1D5DB");
        const { labels, series, onPointClick } = this.props;
        return {
            type: "bar",
            data: {
                labels,
                datasets: series.map(({ label, colors, data }) => ({
                    label,
                    data,
                    backgroundColor: getCustomColor(scheme, ...colors),
                    maxBarThickness: 48,
                })),
            },
            options: {
                animation: false,
                maintainAspectRatio: false,
                interaction: { mode: "nearest", intersect: true },
                onClick: (_ev, [point]) => point && onPointClick(point.index, series[point.datasetIndex].id),
                plugins: { legend: { position: "bottom", labels: { color: text } } },
                scales: {
                    x: { stacked: true, grid: { display: false }, ticks: { color: text } },
                    y: {
                        stacked: true,
                        beginAtZero: true,
                        ticks: { color: text, precision: 0, maxTicksLimit: 6 },
                        grid: { color: getCustomColor(scheme, "rgba(0,0,0,.08)", "rgba(255,255,255,.15)") },
                    },
                },
            },
        };
    }
}
