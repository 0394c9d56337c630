import { onWillStart, useEffect, useRef } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { cookie } from "@web/core/browser/cookie";
import { getColor, getCustomColor } from "@web/core/colors/colors";

/**
 * Draw a chart on the canvas `t-ref="canvas"` of a component, and draw it anew when what it depends on changes.
 *
 * @param {() => Object} getConfig of Chart.js
 * @param {() => Array} getDependencies
 */
export function useChart(getConfig, getDependencies) {
    const canvas = useRef("canvas");
    onWillStart(() => loadBundle("web.chartjs_lib"));
    useEffect(
        () => {
            if (canvas.el) {
                const chart = new Chart(canvas.el, getConfig());
                return () => chart.destroy();
            }
        },
        () => [canvas.el, ...getDependencies()]
    );
}

/** Return the color that suits what the user has: a light screen or a dark one. */
export function pickColor(light, dark) {
    return getCustomColor(cookie.get("color_scheme"), light, dark);
}

/** What all charts have in common; asked for when one is drawn, as the bundle knows no color scheme before. */
export function getChartColors() {
    return {
        main: getColor(0, cookie.get("color_scheme"), "odoo"),
        text: pickColor("#374151", "#D1D5DB"),
        grid: pickColor("rgba(0,0,0,.08)", "rgba(255,255,255,.15)"),
    };
}

/**
 * Options of lines over time: the legend below, and one tooltip for all that is known of a day.
 *
 * @param {Object} own
 * @param {(item: Object, data: Object) => boolean} own.isInLegend
 * @param {Object} own.callbacks of the tooltip
 * @param {Object} [own.x] ticks of the days
 * @param {Object} [own.y] axis of the values
 */
export function getTimeOptions({ isInLegend, callbacks, x = {}, y = {} }) {
    const { text, grid } = getChartColors();
    return {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        plugins: {
            legend: { position: "bottom", labels: { color: text, usePointStyle: true, boxHeight: 7, filter: isInLegend } },
            tooltip: { filter: ({ raw }) => raw !== null, callbacks },
        },
        scales: {
            x: { grid: { display: false }, ticks: { color: text, maxRotation: 0, autoSkipPadding: 24, ...x } },
            y: { grid: { color: grid }, ...y, ticks: { color: text, maxTicksLimit: 7, ...y.ticks } },
        },
    };
}
