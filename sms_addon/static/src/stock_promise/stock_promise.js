import { Component, onWillStart, useState } from "@odoo/owl";
import { deserializeDate, toLocaleDateString } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { useService } from "@web/core/utils/hooks";
import { patch } from "@web/core/utils/patch";
import { formatFloat } from "@web/views/fields/formatters";
import { QtyAtDatePopover } from "@sale_stock/widgets/qty_at_date_widget";

/** What each warehouse has of the goods of an order line, and when it can ship them. */
export class StockPromise extends Component {
    static template = "sms_addon.StockPromise";
    static props = { record: Object };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ promise: null });
        onWillStart(() => this.load());
    }

    /** The line as it is on the screen, saved or not. */
    get request() {
        const { data, resId, _parentRecord: order } = this.props.record;
        return {
            line_id: resId || false,
            product_id: data.product_id.id,
            uom_id: data.product_uom_id.id,
            quantity: data.qty_to_deliver,
            lead: data.customer_lead || 0,
            warehouse_id: data.warehouse_id?.id || false,
            company_id: order?.data.company_id?.id || false,
        };
    }

    async load() {
        const { product_id, product_uom_id } = this.props.record.data;
        if (product_id && product_uom_id) {
            [this.state.promise] = await this.orm.silent.call("sale.order.line", "get_stock_promises", [[this.request]]);
        }
    }

    format(value) {
        return formatFloat(value, { trailingZeros: false });
    }

    formatDay(day) {
        return day ? toLocaleDateString(deserializeDate(day)) : _t("Not known");
    }

    sourceText({ source }) {
        return {
            stock: _t("From stock"),
            receipt: _t("From planned receipts"),
            lead: _t("When ordered today"),
            unknown: _t("No stock, nothing planned"),
        }[source];
    }
}

patch(QtyAtDatePopover, { components: { ...QtyAtDatePopover.components, StockPromise } });
