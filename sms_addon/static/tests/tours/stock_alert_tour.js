import { rpc } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

tours.add("sms_addon_stock_alerts", {
    steps: () => [
        { content: "what is the matter", trigger: ".o_data_row:contains(Thing 0: -4 on hand)" },
        {
            content: "and what is at risk",
            trigger: ".o_data_row:contains(Nobody wants Thing 1):contains(45.00)",
        },
        {
            content: "one is put off",
            trigger: ".o_data_row:contains(Nobody wants Thing 1) button[name=action_snooze_day]",
            run: "click",
        },
        { content: "it is gone", trigger: ".o_list_view:not(:has(.o_data_row:contains(Nobody wants)))" },
        { content: "by severity", trigger: ".o_switch_view.o_kanban", run: "click" },
        {
            content: "in its column",
            trigger: ".o_kanban_group:contains(Critical) .o_kanban_record:contains(Thing 0: -4 on hand)",
            run: "click",
        },
        { content: "what the rule saw", trigger: ".o_field_widget[name=figures_text]:contains(On Hand: -4)" },
        { content: "seen to", trigger: ".o_form_view button[name=action_handled]", run: "click" },
        { content: "closed, though the cause is there", trigger: ".o_form_view .alert:contains(The cause is still there)" },
    ],
});

tours.add("sms_addon_stock_alerts_snooze", {
    steps: () => [
        {
            content: "choose one",
            trigger: ".o_data_row:contains(Thing 0: -4 on hand) .o_list_record_selector input",
            run: "click",
        },
        { content: "put it off", trigger: ".o_control_panel button:contains(Snooze)", run: "click" },
        { content: "say why", trigger: ".modal .o_field_widget[name=reason] input", run: "edit The vendor comes on Monday" },
        { content: "really", trigger: ".modal button[name=action_snooze]", run: "click" },
        { content: "it is out of sight", trigger: ".o_list_view:not(:has(.o_data_row:contains(Thing 0)))" },
        { content: "no longer only what is to do", trigger: ".o_searchview_facet .o_facet_remove", run: "click" },
        {
            content: "there it is",
            trigger: ".o_data_row:contains(Thing 0: -4 on hand):contains(Snoozed) [name=name]",
            run: "click",
        },
        { content: "with the reason", trigger: ".o-mail-Message:contains(The vendor comes on Monday)" },
        { content: "have it back", trigger: "button[name=action_wake]", run: "click" },
        { content: "open again", trigger: ".o_arrow_button_current:contains(Open)" },
    ],
});

tours.add("sms_addon_stock_alerts_sales", {
    steps: () => [
        { content: "open one", trigger: ".o_data_row:contains(Thing 0: -4 on hand) [name=name]", run: "click" },
        { content: "it is readable", trigger: ".o_form_view .o_field_widget[name=name]:contains(Thing 0: -4 on hand)" },
        { content: "and not theirs to close", trigger: ".o_form_view:not(:has(button[name=action_handled]))" },
    ],
});

tours.add("sms_addon_stock_alert_rules", {
    steps: () => [
        { content: "a new set", trigger: ".o_list_button_add", run: "click" },
        { content: "its name", trigger: ".o_field_widget[name=name] input", run: "edit Mine" },
        { content: "it is about positions", trigger: ".o_field_widget[name=model]:contains(Stock Position), .o_field_widget[name=model] input" },
        { content: "a rule", trigger: ".o_field_x2many_list_row_add a", run: "click" },
        { content: "its name", trigger: ".modal .o_field_widget[name=name] input", run: "edit Much of it" },
        { content: "it acts", trigger: ".modal .o_field_widget[name=decision] input, .modal .o_field_widget[name=decision] select", run: "click" },
        { content: "only", trigger: ".o_select_menu_item:contains(Only act)", run: "click" },
        { content: "by an alert", trigger: ".modal .o_field_x2many_list_row_add a", run: "click" },
        {
            content: "a grave one",
            trigger: ".modal:last .o_field_widget[name=alert_severity] a.o_priority_star:eq(1)",
            run: "click",
        },
        { content: "done", trigger: ".modal:last .o_form_button_save", run: "click" },
        { content: "it is there", trigger: ".modal .o_data_row:contains(Raise an alert)" },
        { content: "save the rule", trigger: ".modal .o_form_button_save", run: "click" },
        { content: "it is in the set", trigger: "body:not(:has(.modal)) .o_data_row:contains(Much of it)" },
        { content: "save", trigger: ".o_form_button_save", run: "click" },
        { content: "publish", trigger: "button[name=action_publish]", run: "click" },
        { content: "really", trigger: ".modal .btn-primary", run: "click" },
        { content: "in force", trigger: ".o_field_widget[name=published_by_id]:contains(Chief Planner)" },
    ],
});

tours.add("sms_addon_stock_alerts_live", {
    steps: () => [
        {
            content: "somebody else sees to one",
            trigger: ".o_data_row:contains(Nobody wants Thing 1)",
            async run() {
                const call = (method, args) =>
                    rpc(`/web/dataset/call_kw/sales.stock.alert/${method}`, {
                        model: "sales.stock.alert",
                        method,
                        args,
                        kwargs: {},
                    });
                await call("action_handled", [await call("search", [[["kind", "=", "dead"], ["state", "=", "open"]]])]);
            },
        },
        { content: "it goes by itself", trigger: ".o_list_view:not(:has(.o_data_row:contains(Nobody wants)))", timeout: 20000 },
        { content: "the other stays", trigger: ".o_data_row:contains(Thing 0: -4 on hand)" },
    ],
});
