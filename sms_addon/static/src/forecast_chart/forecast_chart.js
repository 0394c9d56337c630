import { Component, useState } from "@odoo/owl";
import { deserializeDate, toLocaleDateString } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { formatFloat, formatMonetary } from "@web/views/fields/formatters";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { getChartColors, getTimeOptions, pickColor, useChart } from "../chart/chart";
import { getDatasets } from "./forecast_datasets";

/** What was sold of it, and what is expected: with the interval, changes by hand, and what was left out. */
export class ForecastChart extends Component {
    static template = "sms_addon.ForecastChart";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ data: null });
        // what was changed by hand is in it as soon as it is saved
        useRecordObserver((record) => record.data && !record.dirty && this.load(record.resId));
        useChart(
            () => this.config,
            () => [this.state.data]
        );
    }

    async load(forecastId = this.props.record.resId) {
        this.forecastId = forecastId;
        const data = forecastId && (await this.orm.call("sales.forecast", "get_forecast_chart", [[forecastId]]));
        if (forecastId !== this.forecastId) {
            return; // another one is looked at by now
        }
        // a chart that is drawn again for nothing flickers
        if (JSON.stringify(data) !== JSON.stringify(this.state.data)) {
            this.state.data = data;
        }
    }

    get isEmpty() {
        return !this.state.data?.points.some(({ actual, final }) => actual || final !== false);
    }

    get config() {
        const { points } = this.state.data;
        return {
            type: "line",
            data: {
                labels: points.map(({ date }) => this.formatPeriod(date)),
                datasets: getDatasets(points, {
                    sold: getChartColors().main,
                    expected: pickColor("#D97706", "#FBBF24"),
                    band: pickColor("rgba(217, 119, 6, .15)", "rgba(251, 191, 36, .2)"),
                    byHand: pickColor("#2563EB", "#60A5FA"),
                    excluded: pickColor("#9CA3AF", "#6B7280"),
                }),
            },
            options: getTimeOptions({
                isInLegend: (item, { datasets }) => !datasets[item.datasetIndex].isBound,
                callbacks: {
                    label: ({ dataset, raw }) => `${dataset.label}: ${this.format(raw)}`,
                    footer: ([item]) => (item && points[item.dataIndex].reason) || "",
                },
                y: { beginAtZero: true, ticks: { callback: (value) => this.format(value, true) } },
            }),
        };
    }

    formatPeriod(date) {
        const day = deserializeDate(date);
        return this.state.data.period === "month"
            ? day.toLocaleString({ month: "short", year: "numeric" })
            : toLocaleDateString(day);
    }

    format(value, short = false) {
        const { currency_id, unit } = this.state.data;
        if (currency_id) {
            const options = short ? { humanReadable: true, digits: [16, 0] } : {};
            return formatMonetary(value, { currencyId: currency_id, ...options });
        }
        const number = formatFloat(value, { digits: [16, Number.isInteger(value) ? 0 : 1], humanReadable: short });
        return short || !unit ? number : _t("%(number)s %(unit)s", { number, unit });
    }
}

registry.category("view_widgets").add("sales_forecast_chart", { component: ForecastChart });
