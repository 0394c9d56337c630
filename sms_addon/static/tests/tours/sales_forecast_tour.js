import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("sales_forecast_update_tour", {
    steps: () => [
        {
            content: "there is a button that makes forecasts",
            trigger: "button[name=action_update]",
            run: "click",
        },
        {
            content: "the study waits for its turn",
            trigger: ".o_form_view:contains(Waiting for its turn) button[name=action_stop]",
        },
    ],
});

registry.category("web_tour.tours").add("sales_forecast_override_tour", {
    steps: () => [
        {
            content: "the products are listed with their next month",
            trigger: ".o_list_view .o_data_row:contains(Thing 1) .o_data_cell",
            run: "click",
        },
        {
            content: "the chart is drawn",
            trigger: ".o_form_view .o_sales_forecast_chart canvas",
        },
        {
            content: "type another figure",
            trigger: ".o_field_widget[name=coming_line_ids] .o_data_row:eq(0) .o_data_cell[name=final]",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=coming_line_ids] .o_selected_row .o_field_widget[name=final] input",
            run: "edit 1234",
        },
        {
            trigger: ".o_field_widget[name=coming_line_ids] .o_selected_row .o_field_widget[name=override_reason] input",
            run: "click",
        },
        {
            content: "a reason is asked for",
            trigger:
                ".o_field_widget[name=coming_line_ids] .o_selected_row .o_required_modifier[name=override_reason] input",
            run: "edit A hotel opens",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "the change is noted",
            trigger: ".o-mail-Message:contains(A hotel opens)",
        },
        {
            trigger: ".o_form_saved",
        },
    ],
});

registry.category("web_tour.tours").add("sales_forecast_exclusion_tour", {
    steps: () => [
        {
            content: "what can be done with an order",
            trigger: ".o_cp_action_menus .fa-cog",
            run: "click",
        },
        {
            trigger: ".o-dropdown-item:contains(Exclude from Forecasts)",
            run: "click",
        },
        {
            content: "say why",
            trigger: ".modal .o_field_widget[name=reason] input",
            run: "edit Comes once",
        },
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
    ],
});

registry.category("web_tour.tours").add("sales_forecast_periods_tour", {
    steps: () => [
        { content: "categories by month", trigger: ".o_pivot th:contains(Total)" },
        { content: "as a list", trigger: ".o_switch_view.o_list", run: "click" },
        { content: "what is used", trigger: ".o_data_row:eq(0) .o_data_cell[name=final]", run: "click" },
        { content: "type another figure", trigger: ".o_selected_row .o_field_widget[name=final] input", run: "edit 4321" },
        { content: "and why", trigger: ".o_selected_row .o_field_widget[name=override_reason] input", run: "edit A fair" },
        { content: "save", trigger: ".o_list_button_save", run: "click" },
        {
            content: "it stands out, with reason and author",
            trigger: ".o_data_row:not(.o_selected_row):contains(A fair):contains(Planner) .text-info[name=final]:contains(4,321)",
        },
    ],
});

registry.category("web_tour.tours").add("sales_forecast_proposed_exclusion_tour", {
    steps: () => [
        {
            content: "an order that was far above what is usual",
            trigger: ".o_data_row:contains(Proposed) button[name=action_confirm]",
            run: "click",
        },
        { content: "is left out", trigger: ".o_data_row:contains(Confirmed)" },
    ],
});
