import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("sms_addon_customer_360", {
    steps: () => [
        { content: "a customer opens on the page", trigger: ".o_notebook a[name=sales_customer_360].active" },
        { trigger: ".o_sales_customer_360 .o_sales_kpi_card[data-name=revenue]:contains(100)" },
        { trigger: ".o_sales_customer_360 [data-name=periods] canvas" },
        { trigger: ".o_sales_customer_360 [data-name=categories] canvas" },
        { trigger: ".o_sales_customer_360 section[data-name=quotations]:contains(Q-360)" },
        { trigger: ".o_sales_customer_timeline .o_sales_timeline_step:contains(Order confirmed)" },
        { content: "only what was written", trigger: ".o_sales_customer_kinds [data-kind=message]", run: "click" },
        { trigger: ".o_sales_customer_timeline .o_sales_timeline_step:contains(They called about chairs)" },
        { trigger: ".o_sales_customer_timeline:not(:contains(Order confirmed))" },
        {
            content: "offer what is suggested",
            trigger: ".o_sales_customer_suggestions .o_sales_suggestion:contains(Due since 3 Mar) button:contains(Add)",
            run: "click",
        },
        { trigger: ".o_sales_customer_suggestions button:contains(Added)" },
        {
            content: "open the quotation",
            trigger: ".o_sales_customer_360 section[data-name=quotations] a:contains(Q-360)",
            run: "click",
        },
        { trigger: ".o_form_view .o_last_breadcrumb_item:contains(Q-360)" },
        { trigger: ".o_field_widget[name=order_line] .o_data_row:contains(Thing 2)" },
    ],
});
