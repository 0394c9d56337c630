import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

const refuse = (reason) => [
    { content: "say why", trigger: ".modal .o_field_widget[name=reason] input", run: `edit ${reason}` },
    { content: "refuse", trigger: ".modal button[name=action_decide]:contains(Refuse)", run: "click" },
    { content: "the dialog is gone", trigger: "body:not(:has(.modal))" },
];

tours.add("sms_addon_approvals", {
    steps: () => [
        { content: "for me to decide", trigger: ".o_facet_value:contains(For Me to Decide)" },
        {
            content: "it says why",
            trigger: ".o_data_row:contains(HELD1):contains(The discount is above 20 %)",
        },
        { content: "approve", trigger: ".o_data_row:contains(HELD1) button[name=action_approve]", run: "click" },
        { content: "it is gone", trigger: ".o_list_view:not(:has(.o_data_row:contains(HELD1)))" },
        { content: "refuse", trigger: ".o_data_row:contains(HELD2) button[name=action_refuse]", run: "click" },
        ...refuse("No budget"),
        { content: "it is gone", trigger: ".o_list_view:not(:has(.o_data_row:contains(HELD2)))" },
        { content: "all that are left", trigger: ".o_list_renderer thead .o_list_record_selector input", run: "click" },
        { content: "at once", trigger: ".o_control_panel button[name=action_open_approve]", run: "click" },
        { content: "both are shown", trigger: ".modal .o_data_row:contains(HELD4)" },
        { content: "approve them", trigger: ".modal button[name=action_decide]:contains(Approve)", run: "click" },
        { content: "nothing is left", trigger: ".o_view_nocontent:contains(Nothing waits for your approval)" },
    ],
});

tours.add("sms_addon_approval_banner", {
    steps: () => [
        { content: "the banner says why", trigger: ".o_sales_hold_banner:contains(The discount is above 20 %)" },
        { content: "and for which figures", trigger: ".o_sales_hold_banner:contains(30.00 %)" },
        { content: "and who is asked", trigger: ".o_sales_hold_banner:contains(Manager)" },
        {
            content: "refuse",
            trigger: ".o_sales_hold_banner button[name=action_sales_hold_refuse]",
            run: "click",
        },
        ...refuse("Too much"),
        { content: "it was refused", trigger: ".o_sales_hold_banner:contains(Refused)" },
        { content: "the chatter says why", trigger: ".o-mail-Message:contains(Refused by Manager. Too much)" },
        { content: "open the approvals", trigger: "button[name=action_open_sales_holds]", run: "click" },
        { content: "its form", trigger: ".o_form_view .o_field_widget[name=vote_ids]:contains(Too much)" },
    ],
});

tours.add("sms_addon_approval_popover", {
    steps: () => [
        { content: "other columns", trigger: ".o_optional_columns_dropdown_toggle", run: "click" },
        { content: "activities", trigger: ".o-dropdown--menu .dropdown-item:contains(Activities) input", run: "click" },
        { content: "those of the order", trigger: ".o_data_row:contains(HELD3) .o-mail-ActivityButton", run: "click" },
        {
            content: "nothing to be marked as done",
            trigger: ".o-mail-ActivityListPopover:not(:has(.o-mail-ActivityListPopoverItem-markAsDone))",
        },
        { content: "approve", trigger: ".o-mail-ActivityListPopover .o_sales_approve", run: "click" },
        { content: "it is approved", trigger: ".o_data_row:contains(HELD3):contains(Approved)" },
    ],
});

tours.add("sms_addon_approval_activity", {
    steps: () => [
        { content: "an activity of one's own", trigger: ".o-mail-Activity:contains(Approver 1) .o_sales_approve" },
        {
            content: "nothing to be marked as done",
            trigger: ".o-mail-Activity:contains(Approver 1):not(:has(.o-mail-Activity-markDone))",
        },
        {
            content: "that of another has no buttons",
            trigger: ".o-mail-Activity:contains(for Manager):not(:has(.o_sales_approve))",
        },
        { content: "approve", trigger: ".o_sales_approve", run: "click" },
        { content: "it is said", trigger: ".o-mail-Message:contains(Approved by Approver 1)" },
        { content: "the activities are gone", trigger: ".o-mail-Chatter:not(:has(.o-mail-Activity))" },
        { content: "approved", trigger: ".o_statusbar_status .o_arrow_button_current:contains(Approved)" },
    ],
});

tours.add("sms_addon_approval_activity_refuse", {
    steps: () => [
        { content: "refuse", trigger: ".o-mail-Activity:contains(Approver 1) .o_sales_refuse", run: "click" },
        ...refuse("Ask me again next year"),
        { content: "it is said", trigger: ".o-mail-Message:contains(Ask me again next year)" },
        { content: "refused", trigger: ".o_statusbar_status .o_arrow_button_current:contains(Refused)" },
    ],
});
