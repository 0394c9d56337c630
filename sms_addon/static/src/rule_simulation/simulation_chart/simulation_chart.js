import { Component } from "@odoo/owl";
import { getChartColors, pickColor, useChart } from "../../chart/chart";

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
        useChart(
            () => this.config,
            () => [this.props.labels, this.props.series]
        );
    }

    get config() {
        const { text, grid } = getChartColors();
        const { labels, series, onPointClick } = this.props;
        return {
            type: "bar",
            data: {
                labels,
                datasets: series.map(({ label, colors, data }) => ({
                    label,
                    data,
                    backgroundColor: pickColor(...colors),
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
                        grid: { color: grid },
                    },
                },
            },
        };
    }
}
