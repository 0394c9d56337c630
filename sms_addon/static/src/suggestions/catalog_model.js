import { patch } from "@web/core/utils/patch";
import { ProductCatalogKanbanModel } from "@product/product_catalog/kanban_model";

/** Tells which suggestions somebody was shown among the products of the catalog. */
patch(ProductCatalogKanbanModel.prototype, {
    async _loadData(params) {
        const result = await super._loadData(...arguments);
        const { product_catalog_order_id: orderId, product_catalog_order_model: model } = params.context;
        const suggested = (result.records || []).filter((record) => record.sales_suggestion_reason);
        if (orderId && model === "sale.order" && suggested.length) {
            const productIds = suggested.map((record) => record.id);
            this.orm.silent.call("sale.order", "log_catalog_suggestions", [orderId, productIds]);
        }
        return result;
    },
});
