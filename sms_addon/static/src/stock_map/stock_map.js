import { Component, onWillStart, onWillUpdateProps, useState } from "@odoo/owl";
import { deserializeDate, toLocaleDateString } from "@web/core/l10n/dates";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { formatFloat } from "@web/views/fields/formatters";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { useStockChanges } from "../stock_board/stock_changes";

/** Where a product is: warehouses, their locations and lots, each with a bar of how much of all is there. */
export class StockMap extends Component {
    static template = "sms_addon.StockMap";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ map: null, folded: {} });
        onWillStart(() => this.load());
        onWillUpdateProps((nextProps) => {
            if (nextProps.record.resId !== this.resId) {
                return this.load(nextProps.record.resId);
            }
        });
        useStockChanges(async (change) => {
            if (await this.concerns(change)) {
                await this.load();
            }
        });
    }

    /** The map shows all warehouses: it follows every position of the product, one that is new as well. */
    async concerns({ ids, all }) {
        if (all || ids.has(this.resId)) {
            return true;
        }
        const domain = [
            ["id", "in", [...ids]],
            ["product_id", "=", this.props.record.data.product_id.id],
        ];
        return (await this.orm.silent.searchCount("sales.stock.position", domain, { limit: 1 })) > 0;
    }

    async load(resId = this.props.record.resId) {
        this.resId = resId;
        const map = resId && (await this.orm.silent.call("sales.stock.position", "get_stock_map", [resId]));
        if (resId === this.resId) {
            this.state.map = map;
        }
    }

    /** The rows to show: {key, level, place, foldable}. */
    get rows() {
        const rows = [];
        for (const warehouse of this.state.map.warehouses) {
            this.addRows(rows, 0, `w${warehouse.id}`, warehouse, [
                ["locations", "l"],
                ["lots", "s"],
            ]);
        }
        return rows;
    }

    addRows(rows, level, key, place, [[children, letter], ...deeper] = [[]]) {
        const inside = (children && place[children]) || [];
        rows.push({ key, level, place, foldable: inside.length > 0 });
        if (!this.state.folded[key]) {
            for (const child of inside) {
                this.addRows(rows, level + 1, `${key}-${letter}${child.id}`, child, deeper.length ? deeper : undefined);
            }
        }
    }

    toggle(key) {
        this.state.folded[key] = !this.state.folded[key];
    }

    /** The fullest place of all has the whole width. */
    width(quantity) {
        const most = Math.max(...this.state.map.warehouses.map((warehouse) => warehouse.quantity), 0);
        return most ? Math.max(0, Math.min(100, (100 * quantity) / most)) : 0;
    }

    format(value) {
        return formatFloat(value, { trailingZeros: false });
    }

    formatDay(day) {
        return toLocaleDateString(deserializeDate(day));
    }
}

registry.category("view_widgets").add("sales_stock_map", { component: StockMap });
