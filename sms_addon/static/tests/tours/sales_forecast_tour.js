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
