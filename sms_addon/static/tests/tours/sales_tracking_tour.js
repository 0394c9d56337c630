import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

tours.add("sms_addon_order_tracking", {
    steps: () => [
        { content: "the late order is there, and says so", trigger: ".o_data_row:contains(TRACK1):contains(4 days late)" },
        { content: "with its reason", trigger: ".o_data_row:contains(TRACK1):contains(Waiting for goods)" },
        { content: "so is another", trigger: ".o_data_row:contains(TRACK2)" },
        { content: "open the filters", trigger: ".o_searchview_dropdown_toggler", run: "click" },
        { content: "late ones only", trigger: ".o_filter_menu .o_menu_item:contains(Late Now)", run: "click" },
        { content: "the other is gone", trigger: ".o_list_view:not(:has(.o_data_row:contains(TRACK2)))" },
        { content: "stage by stage", trigger: ".o_switch_view.o_kanban", run: "click" },
        {
            content: "in its column",
            trigger: ".o_kanban_group:contains(Confirmed) .o_kanban_record:contains(TRACK1):contains(4 days late)",
            run: "click",
        },
        { content: "the order is open", trigger: ".o_form_view .o_field_widget[name=name]:contains(TRACK1)" },
    ],
});

tours.add("sms_addon_on_time_in_full", {
    steps: () => [
        { content: "by month", trigger: ".o_graph_canvas_container canvas" },
        { content: "by customer", trigger: ".o_switch_view.o_pivot", run: "click" },
        { content: "nothing was on time", trigger: ".o_pivot tbody tr:first-child td:contains(0%)" },
        { content: "drill down", trigger: ".o_pivot tbody tr:first-child .o_pivot_cell_value:first", run: "click" },
        {
            content: "to the line that was missed",
            trigger: ".o_data_row:contains(TRACK1) .o_data_cell[name=product_id]",
            run: "click",
        },
        { content: "and its order", trigger: ".o_form_view .o_field_widget[name=name]:contains(TRACK1)" },
    ],
});

tours.add("sms_addon_worklist", {
    steps: () => [
        {
            content: "what is the matter is said in a sentence",
            trigger: ".o_data_row:contains(TRACK1):contains(4 days late: 2 of 12 units wait for goods)",
        },
        {
            content: "not today",
            trigger: ".o_data_row:contains(TRACK1) button[name=action_snooze_day]",
            run: "click",
        },
        { content: "it is gone", trigger: ".o_action:not(:has(.o_data_row:contains(TRACK1)))" },
        { content: "unless looked for", trigger: ".o_facet_remove:last", run: "click" },
        { content: "there it is", trigger: ".o_data_row:contains(TRACK1) button[name=action_wake]", run: "click" },
        { content: "as cards", trigger: ".o_switch_view.o_kanban", run: "click" },
        { content: "a card", trigger: ".o_kanban_record:contains(TRACK1):contains(wait for goods)", run: "click" },
        { content: "the order is open", trigger: ".o_form_view .o_field_widget[name=name]:contains(TRACK1)" },
    ],
});
