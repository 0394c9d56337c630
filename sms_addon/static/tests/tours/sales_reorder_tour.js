import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("sales_reorder_tour", {
    steps: () => [
        {
            content: "what is proposed, in a list",
            trigger: ".o_list_view .o_data_row:contains(Tour Lumpy)",
        },
        {
            content: "open one",
            trigger: ".o_data_row:contains(Tour Lumpy) .o_data_cell[name=product_id]",
            run: "click",
        },
        {
            content: "its effect, beside the present order point",
            trigger: ".o_form_view .o_sales_reorder_effect:contains(Demand served at once)",
        },
        {
            content: "less service is enough",
            trigger: ".o_field_widget[name=service_target] input",
            run: "edit 85",
        },
        {
            content: "have it calculated again",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "why",
            trigger: ".o_form_saved .o_notebook a[name=reason]",
            run: "click",
        },
        {
            content: "the new level is in the reason",
            trigger: ".o_field_widget[name=reason]:contains(85 %)",
        },
        {
            content: "accept it",
            trigger: ".o_statusbar_buttons button[name=action_accept]",
            run: "click",
        },
        {
            content: "it was written",
            trigger: ".o_notification:contains(Order points written: 1)",
        },
        {
            content: "take it back",
            trigger: ".o_statusbar_buttons button[name=action_undo]",
            run: "click",
        },
        {
            content: "yes",
            trigger: ".modal .btn-primary",
            run: "click",
        },
        {
            content: "it is undone",
            trigger: ".o_statusbar_status .o_arrow_button_current:contains(Undone)",
        },
        {
            content: "back to the list",
            trigger: ".o_back_button, .breadcrumb-item a",
            run: "click",
        },
        {
            content: "choose all that are open",
            trigger: ".o_list_view:not(:has(.o_data_row:contains(Tour Lumpy))) thead .o_list_record_selector input",
            run: "click",
        },
        {
            content: "both are chosen",
            trigger: ".o_data_row_selected:eq(1)",
        },
        {
            content: "accept them",
            trigger: ".o_control_panel button:contains(Accept)",
            run: "click",
        },
        {
            content: "not more than this may be spent",
            trigger: ".modal .o_field_widget[name=has_budget] input",
            run: "click",
        },
        {
            content: "more than one of them costs, less than both do",
            trigger: ".modal .o_field_widget[name=budget] input",
            run: "edit 1500",
        },
        {
            content: "leave the field",
            trigger: ".modal .o_field_widget[name=has_budget]",
            run: "click .modal .modal-title",
        },
        {
            content: "one fits, and a part of the other",
            trigger: ".modal:has(.o_field_widget[name=chosen_count]:contains(/^2$/)) .o_field_widget[name=part_summary]:contains(Tour)",
        },
        {
            content: "accept them so",
            trigger: ".modal footer button[name=action_accept]",
            run: "click",
        },
        {
            content: "they were written",
            trigger: ".o_notification:contains(Order points written: 2)",
        },
        {
            content: "none is left",
            trigger: "body:not(:has(.modal)) .o_list_view:not(:has(.o_data_row:contains(Tour)))",
        },
    ],
});
