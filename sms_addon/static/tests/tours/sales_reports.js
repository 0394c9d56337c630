import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

/** From the list behind a figure to the order of its first row. */
function openFirstOrder(orderName) {
    return [
        {
            content: "open the order of a line",
            trigger: `.o_data_row .o_data_cell[name=order_id]:contains(${orderName})`,
            run: "click",
        },
        { content: "the order is shown", trigger: `.o_form_view .o_field_widget[name=name]:contains(${orderName})` },
    ];
}

tours.add("sms_addon_overview", {
    steps: () => [
        { content: "figures of the month", trigger: ".o_sales_kpi_card[data-name=ordered]:contains(300)" },
        { content: "compared with last year", trigger: ".o_sales_kpi_card[data-name=ordered]:contains(+200% on last year)" },
        { content: "all charts are drawn", trigger: ".o_sales_overview_chart[data-name=customers] canvas" },
        { content: "a longer period", trigger: "[data-period=last_12_months]", run: "click" },
        { content: "it is shown", trigger: "[data-period=last_12_months].active" },
        { content: "read changes", trigger: ".o_sales_overview_refresh", run: "click" },
        { content: "fresh", trigger: ".o_sales_overview_freshness:contains(Figures as of)" },
        { content: "open what the figure is made of", trigger: ".o_sales_kpi_card[data-name=ordered]", run: "click" },
        { content: "the period came along", trigger: ".o_facet_value:contains(Last 12 Months)" },
        { content: "line by line", trigger: ".o_switch_view.o_list", run: "click" },
        ...openFirstOrder("TOUR1"),
    ],
});

tours.add("sms_addon_revenue", {
    steps: () => [
        { content: "this and last year by month", trigger: ".o_graph_canvas_container canvas" },
        { content: "side by side", trigger: ".o_switch_view.o_pivot", run: "click" },
        { content: "refunds have a column", trigger: ".o_pivot th:contains(Refunded)" },
        { content: "so has last year", trigger: ".o_pivot th:contains(Ordered, Last Year)" },
        { content: "growth of the total", trigger: ".o_pivot tbody tr:first-child td:last-child:contains(300%)" },
        { content: "drill down", trigger: ".o_pivot tbody tr:last-child .o_pivot_cell_value:first", run: "click" },
        ...openFirstOrder("TOUR1"),
    ],
});

tours.add("sms_addon_sales_team", {
    steps: () => [
        { content: "teams in rows", trigger: ".o_pivot tbody th:contains(Tour Team)" },
        { content: "won two of three", trigger: ".o_pivot tbody tr:first-child td:contains(66.7%)" },
        { content: "as bars", trigger: ".o_switch_view.o_graph", run: "click" },
        { content: "drawn", trigger: ".o_graph_canvas_container canvas" },
        { content: "line by line", trigger: ".o_switch_view.o_list", run: "click" },
        ...openFirstOrder("TOUR1"),
    ],
});

tours.add("sms_addon_dashboards", {
    steps: () =>
        ["Revenue", "Customers", "Sales Team"].flatMap((name) => [
            {
                content: `open ${name}`,
                trigger: `.o_search_panel_section:contains(Sales Management) .o_search_panel_category_value:contains(${name})`,
                run: "click",
            },
            { content: `${name} is open`, trigger: `.o_search_panel_category_value.active:contains(${name})` },
            { content: "its cards are drawn", trigger: ".o_renderer .o-figure .o-scorecard" },
        ]),
});

tours.add("sms_addon_warehouse", {
    steps: () => [
        { content: "read changes", trigger: "button[name=action_refresh]", run: "click" },
        { content: "told so", trigger: ".o_notification:contains(The figures are up to date)" },
        { content: "and seen", trigger: ".o_field_widget[name=state]:contains(Up to date)" },
        { content: "compare with the host", trigger: "button[name=action_check]", run: "click" },
        { content: "no difference", trigger: ".o_notification:contains(agrees)" },
    ],
});

tours.add("sms_addon_settings", {
    steps: () => [
        { content: "our page is open", trigger: ".settings_tab .selected:contains(Sales Management)" },
        { content: "change a setting", trigger: "div[name=sales_new_days] input", run: "edit 60" },
        { content: "save", trigger: "button.o_form_button_save", run: "click", expectUnloadPage: true },
        { content: "still there after the reload", trigger: "div[name=sales_new_days] input:value(60)" },
        { content: "go to the warehouse", trigger: "button:contains(Open the Warehouse)", run: "click" },
        { content: "it is open", trigger: ".o_form_view button[name=action_refresh]" },
    ],
});
