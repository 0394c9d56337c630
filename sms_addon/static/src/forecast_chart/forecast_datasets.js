import { _t } from "@web/core/l10n/translation";

const orNull = (value) => (value === false || value === undefined ? null : value);

/**
 * The lines of a forecast chart, as Chart.js takes them. The bounds of the interval fill what is between them, and are
 * not in the legend but for the first.
 *
 * @param {Object[]} points of get_forecast_chart
 * @param {Object} colors by what they are for
 * @returns {Object[]}
 */
export function getDatasets(points, colors) {
    const line = (label, name, options) => ({
        label,
        data: points.map((point) => orNull(point[name])),
        borderWidth: 2,
        pointRadius: 2,
        tension: 0.2,
        spanGaps: false,
        ...options,
    });
    const mark = (label, data, color, pointStyle) => ({
        label,
        data,
        showLine: false,
        borderColor: color,
        backgroundColor: color,
        pointStyle,
        pointRadius: 6,
    });
    const bound = { borderWidth: 0, pointRadius: 0, borderColor: colors.band, backgroundColor: colors.band };
    const datasets = [
        line(_t("Sold"), "actual", { borderColor: colors.sold, backgroundColor: colors.sold }),
        line(_t("Forecast"), "mean", {
            borderColor: colors.expected,
            backgroundColor: colors.expected,
            borderDash: [5, 5],
        }),
        line(_t("Low"), "lo", { ...bound, isBound: true }),
        line(_t("High"), "hi", { ...bound, fill: "-1", isBound: true }),
    ];
    if (points.some(({ by_hand }) => by_hand)) {
        const data = points.map(({ by_hand, final }) => (by_hand ? final : null));
        datasets.push(mark(_t("Changed by Hand"), data, colors.byHand, "triangle"));
    }
    if (points.some(({ excluded }) => excluded)) {
        const data = points.map(({ excluded }) => excluded || null);
        datasets.push(mark(_t("Left Out"), data, colors.excluded, "crossRot"));
    }
    return datasets;
}
