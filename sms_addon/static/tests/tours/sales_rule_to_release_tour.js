import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const tours = registry.category("web_tour.tours");

const choose = (field, label) => [
    { content: `open ${field}`, trigger: `.modal .o_field_widget[name=${field}] .o_select_menu input`, run: "click" },
    { content: label, trigger: `.o_select_menu_item:contains(${label})`, run: "click" },
];

const openQuotation = () => [
    stepUtils.showAppsMenuItem(),
    { content: "the app of sales", trigger: ".o_app[data-menu-xmlid='sale.sale_menu_root']", run: "click" },
    { content: "not only one's own", trigger: ".o_list_view .o_facet_remove", run: "click" },
    { content: "the quotation", trigger: ".o_data_row td:contains(TOUR-RELEASE)", run: "click" },
];

const confirm = () => [
    {
        content: "confirm",
        trigger: ".o_form_view .o_statusbar_buttons button[name=action_confirm]",
        run: "click",
    },
];

tours.add("sms_addon_rule_to_release", {
    steps: () => [
        { content: "a new set", trigger: ".o_list_button_add", run: "click" },
        { content: "its name", trigger: ".o_field_widget[name=name] input", run: "edit Big orders" },
        { content: "its rule", trigger: ".o_field_widget[name=rule_ids] .o_field_x2many_list_row_add a", run: "click" },
        { content: "what it is called", trigger: ".modal .o_field_widget[name=name] input", run: "edit Above 500" },
        {
            content: "when it holds",
            trigger: ".modal .o_domain_selector_debug_container textarea",
            run: `edit [("amount_untaxed", ">", 500)] && press Tab`,
        },
        { content: "it can be read", trigger: ".modal .o_tree_editor_condition:contains(500), .modal .o_tree_editor input" },
        ...choose("decision", "Hold for approval"),
        {
            content: "who releases",
            trigger: ".modal .o_field_widget[name=approval_policy_id] input",
            run: "edit Tour Approval",
        },
        { trigger: ".o-autocomplete--dropdown-item:contains(Tour Approval)", run: "click" },
        {
            content: "why",
            trigger: ".modal .o_field_widget[name=message] input",
            run: "edit {amount_untaxed} is a lot",
        },
        { content: "done", trigger: ".modal .o_form_button_save", run: "click" },
        { content: "there it is", trigger: "body:not(:has(.modal)) .o_data_row:contains(Above 500)" },
        { content: "save the set", trigger: ".o_form_button_save", run: "click" },
        { content: "it decides nothing yet", trigger: ".alert:contains(These rules decide nothing yet)" },
        { content: "publish", trigger: "button[name=action_publish]", run: "click" },
        { content: "with one's own rights", trigger: ".modal footer .btn-primary", run: "click" },
        {
            content: "published",
            trigger: "body:not(:has(.modal)) .o_field_widget[name=published_id]:contains(Big orders, version 1)",
        },
        { content: "in force", trigger: ".o_arrow_button[data-value=stop]", run: "click" },
        { content: "from now on", trigger: ".o_arrow_button_current[data-value=stop]" },
        ...openQuotation(),
        ...confirm(),
        {
            content: "it waits",
            trigger: ".o_notification:contains(Waiting for approval: TOUR-RELEASE):contains(600.00 is a lot)",
        },
        { content: "the banner says so", trigger: ".o_sales_hold_banner:contains(600.00 is a lot)" },
        {
            content: "whoever asks does not decide",
            trigger: ".o_sales_hold_banner:not(:has(button[name=action_sales_hold_approve]))",
        },
        { content: "a quotation still", trigger: ".o_arrow_button_current[data-value=draft]" },
    ],
});

tours.add("sms_addon_rule_to_release_decide", {
    steps: () => [
        ...openQuotation(),
        { content: "it waits", trigger: ".o_sales_hold_banner:contains(600.00 is a lot)" },
        {
            content: "approve",
            trigger: ".o_sales_hold_banner button[name=action_sales_hold_approve]",
            run: "click",
        },
        { content: "nothing is waited for", trigger: ".o_form_view:not(:has(.o_sales_hold_banner))" },
        { content: "it can be confirmed", trigger: ".o-mail-Message:contains(The order can be confirmed now)" },
        ...confirm(),
        { content: "a sales order", trigger: ".o_arrow_button_current[data-value=sale]" },
    ],
});
