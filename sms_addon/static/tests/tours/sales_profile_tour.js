import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("sms_addon_call_today", {
    steps: () => [
        {
            content: "who is at stake is there, with the reason",
            trigger: ".o_data_row:contains(Silent Customer):contains(Ordered every 10 days):contains(At Risk)",
        },
        { content: "the most at stake comes first", trigger: ".o_data_row:first:contains(Silent Customer)" },
        { content: "so does another", trigger: ".o_data_row:contains(Small Customer)" },
        {
            content: "plan a call",
            trigger: ".o_data_row:contains(Silent Customer) button[name=action_plan_call]",
            run: "click",
        },
        { content: "it is gone", trigger: ".o_list_view:not(:has(.o_data_row:contains(Silent Customer)))" },
        { content: "the other is not", trigger: ".o_data_row:contains(Small Customer)" },
        { content: "unless looked for", trigger: ".o_facet_remove:first", run: "click" },
        { content: "by stage", trigger: ".o_data_row:contains(Silent Customer)" },
        { content: "as cards", trigger: ".o_switch_view.o_kanban", run: "click" },
        {
            content: "a card",
            trigger: ".o_kanban_record:contains(Silent Customer):contains(At Risk)",
            run: "click",
        },
        { content: "the customer is open", trigger: ".o_form_view .o_field_widget[name=name] :value(Silent Customer)" },
    ],
});
