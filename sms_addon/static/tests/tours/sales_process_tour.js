import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

const CONFIRMED_SHIPPED = ".o_sales_process_edge[data-source='order.confirmed'][data-target='delivery.shipped']";

function backToProcess() {
    return [
        { content: "back to the process", trigger: ".o_back_button, .breadcrumb-item a:contains(Process)", run: "click" },
        { content: "it is shown again", trigger: ".o_sales_process_summary" },
    ];
}

tours.add("sms_addon_process", {
    steps: () => [
        { content: "nothing happened lately", trigger: ".o_view_nocontent:contains(No orders in this selection)" },
        { content: "so look at all", trigger: ".o_sales_process_all", run: "click" },
        { content: "three orders on two paths", trigger: ".o_sales_process_summary:contains(3 orders, different paths: 2)" },
        { content: "a milestone with its orders", trigger: ".o_sales_process_node[data-type='order.created']:contains(3 orders)" },
        {
            content: "a transition with its number and median, one of the slowest",
            trigger: ".o_sales_process_slow text:contains(2 · 4 days)",
        },
        { content: "why it is marked", trigger: `${CONFIRMED_SHIPPED}[aria-label*='Number 2 of the slowest']` },
        {
            content: "hide what fewer than half of the orders do",
            trigger: ".o_sales_process_slider input",
            run: "range 50",
        },
        { content: "the lost order has no arrow", trigger: ":not(:has(.o_sales_process_node[data-type='order.cancelled'])) > svg" },
        { content: "which is told", trigger: ".o_sales_process_main:contains(Rare transitions hidden: 1)" },
        {
            content: "open a transition by keyboard",
            trigger: CONFIRMED_SHIPPED,
            run({ anchor }) {
                anchor.focus();
                anchor.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
            },
        },
        { content: "the slowest order is first", trigger: ".o_data_row:first:contains(SLOW):contains(7 days)" },
        { content: "the other follows", trigger: ".o_data_row:last:contains(FAST):contains(1 day)" },
        ...backToProcess(),
        { content: "the slider is where it was", trigger: ".o_sales_process_main:contains(Rare transitions hidden: 1)" },
        { content: "open a path", trigger: ".o_sales_process_variant:contains(33.3%)", run: "click" },
        { content: "it is that of the lost order", trigger: ".o_data_row:first:contains(LOST):contains(30 days)" },
        ...backToProcess(),
        { content: "as a table", trigger: "[data-shape=table]", run: "click" },
        { content: "a transition", trigger: ".o_sales_process_transitions tr:contains(4 days) button", run: "click" },
        { content: "its orders", trigger: ".o_data_row:first:contains(SLOW)" },
        ...backToProcess(),
        {
            content: "only one customer",
            trigger: ".o_sales_process_selector[data-name=partner_ids] input",
            run: "edit Process Customer",
        },
        { content: "choose him", trigger: ".o-autocomplete--dropdown-item:contains(Process Customer)", run: "click" },
        { content: "one order", trigger: ".o_sales_process_summary:contains(1 order, different paths: 1)" },
        { content: "a period by hand", trigger: "[data-period=custom]", run: "click" },
        { content: "there are its days", trigger: ".o_sales_process_filters .o_datetime_input" },
    ],
});

tours.add("sms_addon_process_without_library", {
    steps: () => [
        { content: "look at all", trigger: ".o_sales_process_all", run: "click" },
        { content: "told what is missing", trigger: ".o_sales_process_missing:contains(dagre)" },
        { content: "open a transition", trigger: ".o_sales_process_transitions tr:contains(4 days) button", run: "click" },
        { content: "its orders", trigger: ".o_data_row:first:contains(SLOW)" },
    ],
});
