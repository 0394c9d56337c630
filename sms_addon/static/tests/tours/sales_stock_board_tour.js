import { registry } from "@web/core/registry";
import { rpc } from "@web/core/network/rpc";

const tours = registry.category("web_tour.tours");

const ROW = ".o_data_row:contains(Live Goods)";

/** Somebody else delivers: nothing of this page knows of it. */
async function deliverElsewhere() {
    const [picking] = await rpc("/web/dataset/call_kw/stock.picking/search", {
        model: "stock.picking",
        method: "search",
        args: [[["origin", "=", "LIVE"]]],
        kwargs: {},
    });
    await rpc("/web/dataset/call_kw/stock.picking/button_validate", {
        model: "stock.picking",
        method: "button_validate",
        args: [[picking]],
        kwargs: {},
    });
}

tours.add("sms_addon_stock_board_live", {
    steps: () => [
        { content: "ten are there", trigger: `${ROW} .o_data_cell[name=qty_on_hand]:contains(10)` },
        { content: "select another row", trigger: ".o_data_row:contains(Other Goods) input[type=checkbox]", run: "click" },
        {
            content: "it is selected; four leave by another hand",
            trigger: ".o_data_row.table-info:contains(Other Goods)",
            async run() {
                window.sales_stock_page = "the same";
                await deliverElsewhere();
            },
        },
        { content: "the row changed by itself and says so", trigger: `${ROW}.o_sales_stock_changed .o_data_cell[name=qty_on_hand]:contains(/^6$/)` },
        {
            content: "what was selected still is, and the page is the same",
            trigger: ".o_data_row.table-info:contains(Other Goods)",
            run() {
                if (window.sales_stock_page !== "the same") {
                    throw new Error("the page was loaded again");
                }
            },
        },
    ],
});

tours.add("sms_addon_stock_board_live_kanban", {
    steps: () => [
        { content: "as cards", trigger: ".o_switch_view.o_kanban", run: "click" },
        {
            content: "in its column",
            trigger: ".o_kanban_group:contains(Healthy) .o_kanban_record:contains(Live Goods):contains(10 on hand)",
            run: deliverElsewhere,
        },
        { content: "the card changed", trigger: ".o_kanban_record:contains(Live Goods):contains(6 on hand)" },
    ],
});

tours.add("sms_addon_stock_position", {
    steps: () => [
        { content: "open it", trigger: `${ROW} .o_data_cell[name=product_id]`, run: "click" },
        { content: "the chart is drawn", trigger: ".o_sales_stock_curve canvas" },
        { content: "another range", trigger: ".o_sales_stock_curve button:contains(365 days back)", run: "click" },
        { content: "is taken", trigger: ".o_sales_stock_curve button.active:contains(365 days back)" },
        { content: "where it is", trigger: ".o_notebook a[name=map]", run: "click" },
        { content: "in this location", trigger: ".o_sales_stock_map tr[data-level='1']:contains(Stock):contains(10)" },
        { content: "fold the warehouse", trigger: ".o_sales_stock_map tr[data-level='0'] button", run: "click" },
        { content: "it is folded", trigger: ".o_sales_stock_map:not(:has(tr[data-level='1']))" },
        { content: "its movements", trigger: "button[name=action_open_movements]", run: "click" },
        { content: "one came in", trigger: ".o_data_row:contains(Receipt) .o_data_cell[name=balance]:contains(10)" },
        { content: "as a pivot", trigger: ".o_switch_view.o_pivot", run: "click" },
        { content: "with sums", trigger: ".o_pivot td:contains(10.00)" },
    ],
});

tours.add("sms_addon_stock_promise", {
    steps: () => [
        { content: "open the popover", trigger: ".o_data_row:contains(Live Goods) .fa-area-chart", run: "click" },
        {
            content: "this warehouse has them",
            trigger: ".o_sales_stock_promise tr.fw-bold[data-source=stock]:contains(10):contains(From stock)",
        },
        { content: "the other has not", trigger: ".o_sales_stock_promise tr[data-source=unknown]:contains(Branch):contains(Not known)" },
    ],
});
