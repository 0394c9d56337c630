import { registry } from "@web/core/registry";

const menu = (xmlid) => [
    {
        content: "open the reports",
        trigger: ".o_menu_sections button[data-menu-xmlid='sms_addon.sms_addon_menu_reports']",
        run: "click",
    },
    {
        content: `open ${xmlid}`,
        trigger: `.o-dropdown--menu a[data-menu-xmlid='sms_addon.${xmlid}']`,
        run: "click",
    },
];

registry.category("web_tour.tours").add("sales_customer_tour", {
    steps: () => [
        {
            content: "the customers are listed with their status",
            trigger: ".o_list_view .o_data_row:contains('Buyer 0') .badge",
        },
        {
            content: "search a customer",
            trigger: ".o_searchview_input",
            run: "edit Buyer 1",
        },
        {
            trigger: ".o_searchview_autocomplete .o-dropdown-item:contains(Customer):contains(Buyer 1)",
        },
        {
            trigger: ".o_searchview_input",
            run: "press Enter",
        },
        {
            trigger: ".o_facet_value:contains(Buyer 1)",
        },
        {
            content: "open his orders",
            trigger: ".o_list_view:not(:contains('Buyer 0')) .o_data_row:contains('Buyer 1') td[name=commercial_partner_id]",
            run: "click",
        },
        {
            trigger: ".o_breadcrumb:contains('Orders of Buyer 1')",
        },
        ...menu("sales_customer_flow_menu"),
        {
            trigger: ".o_graph_view .o_graph_canvas_container canvas",
        },
        {
            trigger: ".o_switch_view.o_list",
            run: "click",
        },
        {
            content: "who came or left",
            trigger: ".o_list_view .o_data_row:contains('New')",
        },
        ...menu("sales_customer_cohort_menu"),
        {
            content: "at age 0 everybody is there",
            trigger: ".o_pivot_view .o_pivot_cell_value:contains('100.00%')",
        },
        ...menu("sales_customer_report_menu"),
        {
            trigger: ".o_list_view .o_data_row:contains('Buyer 0')",
        },
    ],
});

registry.category("web_tour.tours").add("sales_export_tour", {
    steps: () => [
        ...menu("sales_report_export_menu"),
        {
            content: "the team report",
            trigger: ".modal .o_field_widget[name=report] input[data-value=team]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=team_group]",
        },
        {
            content: "the customers have no grouping",
            trigger: ".modal .o_field_widget[name=report] input[data-value=customers]",
            run: "click",
        },
        {
            trigger: ".modal .o_form_view:not(:has([name=team_group])):not(:has([name=revenue_group]))",
        },
        {
            trigger: ".modal button[name=action_xlsx]",
            run: "click",
        },
        {
            content: "the buttons come back when the download has begun",
            trigger: ".modal footer button.btn-secondary:enabled:contains(Close)",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
    ],
});
