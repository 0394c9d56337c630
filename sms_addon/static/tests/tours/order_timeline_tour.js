import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("sms_addon_order_timeline", {
    steps: () => [
        { content: "open the timeline", trigger: ".o_notebook a[name=sales_timeline]", run: "click" },
        { trigger: ".o_sales_timeline_step:contains(Quotation created)" },
        { trigger: ".o_sales_timeline_step:contains(Order confirmed)" },
        { content: "it says that it is late", trigger: ".o_sales_timeline .badge:contains(days late)" },
        { content: "and what comes next", trigger: ".o_sales_timeline_next.o_sales_timeline_late:contains(WH/OUT)" },
        { content: "show the moves too", trigger: ".o_sales_timeline button:contains(details)", run: "click" },
        { trigger: ".o_sales_timeline_detail:contains(Move waits for goods)" },
    ],
});
