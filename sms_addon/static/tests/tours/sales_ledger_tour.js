import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("sms_addon_ledger", {
    steps: () => [
        { content: "what happened", trigger: ".o_data_row td:contains(Order confirmed)", run: "click" },
        { content: "one event, read only", trigger: ".o_form_view h1:contains(Order confirmed)" },
        { trigger: ".o_form_view .o_field_widget[name=order_id]:contains(LEDGER/1)" },
    ],
});

registry.category("web_tour.tours").add("sms_addon_readers", {
    steps: () => [
        { content: "who reads", trigger: ".o_data_row td:contains(Sales warehouse)", run: "click" },
        { content: "stop it", trigger: "button[name=action_pause]", run: "click" },
        { trigger: ".o_field_widget[name=state]:contains(Paused)" },
        { content: "and on", trigger: "button[name=action_resume]", run: "click" },
        { trigger: ".o_form_view:not(:has(button[name=action_resume]))" },
    ],
});

registry.category("web_tour.tours").add("sms_addon_brokers", {
    steps: () => [
        { content: "a broker", trigger: ".o_data_row td:contains(Tour Broker)", run: "click" },
        { trigger: ".o_form_view button[name=action_test]", run: "click" },
        { content: "nobody answers there, and it says so", trigger: ".o_notification:contains(The test failed)" },
    ],
});
