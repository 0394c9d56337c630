import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("sms_addon_customer_needs", {
    steps: () => [
        { trigger: ".o_sales_customer_360 .o_sales_customer_need" },
        { trigger: ".o-mail-Message:contains(They want chairs)", run: "hover && click .o-mail-Message [title='Expand']" },
        { content: "note what was said as a need", trigger: ".o-dropdown-item:contains(Note as Need)", run: "click" },
        { trigger: ".o_form_view .o_field_widget[name=partner_id] input:value(Alpha)" },
        { trigger: ".o_field_widget[name=name] textarea", run: "edit Chairs for the new office" },
        { trigger: ".o_field_widget[name=product_ids] input", run: "edit Thing 0" },
        { trigger: ".o_field_widget[name=product_ids] .ui-menu-item a:contains(Thing 0)", run: "click" },
        { content: "its category follows", trigger: ".o_field_widget[name=categ_id] input:value(Chairs)" },
        { content: "quote it", trigger: ".o_form_view button[name=action_new_quotation]", run: "click" },
        { trigger: ".o_field_widget[name=order_line] .o_data_row:contains(Thing 0)" },
        { content: "confirm the order", trigger: ".o_statusbar_buttons button[name=action_confirm]", run: "click" },
        { trigger: ".o_arrow_button_current:contains(Sales Order)" },
        { content: "back to the need", trigger: ".breadcrumb .o_back_button, .o_back_button", run: "click" },
        { trigger: ".o_form_view .o_arrow_button_current:contains(Won)" },
    ],
});

registry.category("web_tour.tours").add("sms_addon_customer_issues", {
    steps: () => [
        { content: "what is wrong, by kind", trigger: ".o_list_view .o_group_header:contains(Phone Wrong)", run: "click" },
        { trigger: ".o_data_row:contains(Alpha) .o_data_cell[name=detail]:contains(+32 1)" },
        { trigger: ".o_data_row:contains(Alpha) .o_data_cell[name=partner_phone]", run: "click" },
        { trigger: ".o_selected_row .o_field_widget[name=partner_phone] input", run: "edit +32 2 290 34 90" },
        { content: "put right where it stands", trigger: ".o_list_button_save", run: "click" },
        { trigger: ".o_data_row.text-success:contains(Alpha)" },
        { trigger: ".o_group_header:contains(Possible Duplicate)", run: "click" },
        { content: "merge with the wizard of the host", trigger: ".o_data_row:contains(Beta) button[name=action_merge]", run: "click" },
        { trigger: ".modal .o_partner_merge_wizard, .modal:contains(Merge Contacts)" },
        { trigger: ".modal .o_data_row:contains(Gamma)" },
        { trigger: ".modal button[name=action_merge]", run: "click" },
        { content: "nothing is left to merge", trigger: ".modal h2:contains(no more contacts to merge)" },
        { trigger: ".modal footer button:contains(Close)", run: "click" },
        { trigger: "body:not(:has(.modal)) .o_list_view" },
    ],
});
