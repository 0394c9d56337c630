import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("sales_suggestion_tour", {
    steps: () => [
        { content: "what to offer", trigger: "button[name=action_open_suggestions]", run: "click" },
        { content: "it says why", trigger: ".modal .o_sales_suggestion:contains(Thing 0):contains(Reason 0)" },
        { content: "at the customer's price", trigger: ".modal .o_sales_suggestion:contains(Thing 0):contains(8.00)" },
        { content: "add it", trigger: ".modal .o_sales_suggestion:contains(Thing 0) button:contains(Add)", run: "click" },
        { content: "it is added", trigger: ".modal .o_sales_suggestion:contains(Thing 0) button:contains(Added):disabled" },
        { content: "back", trigger: ".modal .btn-close", run: "click" },
        { content: "the quotation has it", trigger: "body:not(:has(.modal)) .o_data_row:contains(Thing 0)" },
        { content: "the catalog", trigger: "button[name=action_add_from_catalog]", run: "click" },
        { content: "it says why, too", trigger: ".o_kanban_record:contains(Thing 1):contains(Reason 1)" },
        { content: "filters", trigger: ".o_searchview_dropdown_toggler", run: "click" },
        { content: "only those", trigger: ".o_filter_menu .o_menu_item:contains(Suggested for This Customer)", run: "click" },
        { content: "the others are gone", trigger: ".o_kanban_view:not(:has(.o_kanban_record:contains(Thing 3))) .o_kanban_record:contains(Thing 1)" },
        { content: "close the filters", trigger: ".o_searchview_dropdown_toggler", run: "click" },
        { content: "add it", trigger: ".o_kanban_record:contains(Thing 1) button:contains(Add)", run: "click" },
        { content: "it is in", trigger: ".o_kanban_record:contains(Thing 1) button:contains(Remove)" },
        { content: "back", trigger: ".o-kanban-button-back", run: "click" },
        { content: "the quotation has both", trigger: ".o_form_view .o_data_row:contains(Thing 1)" },
    ],
});
