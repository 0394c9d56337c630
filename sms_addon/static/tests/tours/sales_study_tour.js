import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("sales_study_tour", {
    steps: () => [
        {
            content: "open the study of segments",
            trigger: ".o_kanban_record:contains(Customer Segments)",
            run: "click",
        },
        {
            content: "run it behind the scenes",
            trigger: "button[name=action_run]",
            run: "click",
        },
        {
            content: "it waits for its turn, and can be stopped",
            trigger: ".o_form_view:contains(Waiting for its turn) button[name=action_stop]",
            run: "click",
        },
        {
            content: "it is new again and says why",
            trigger: ".alert-info:contains(Stopped before it was done)",
        },
        {
            content: "run it after all",
            trigger: "button[name=action_run]",
            run: "click",
        },
        {
            content: "it waits again",
            trigger: "button[name=action_stop]",
        },
    ],
});

registry.category("web_tour.tours").add("sales_study_result_tour", {
    steps: () => [
        {
            content: "how good it is, beside a naive rule",
            trigger: ".o_field_widget[name=measure_ids] .o_data_row",
        },
        {
            content: "open what it found",
            trigger: "button[name=action_open_segments]",
            run: "click",
        },
        {
            content: "segments have a name, customers and revenue",
            trigger: ".o_kanban_view .o_kanban_record .fa-users",
        },
        {
            content: "open one",
            trigger: ".o_kanban_record:first",
            run: "click",
        },
        {
            content: "its customers",
            trigger: ".o_form_view button[name=action_open_customers]",
            run: "click",
        },
        {
            content: "they are listed",
            trigger: ".o_list_view .o_data_row",
        },
    ],
});
