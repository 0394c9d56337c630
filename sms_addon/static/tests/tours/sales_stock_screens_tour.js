import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

tours.add("sms_addon_stock_check", {
    steps: () => [
        { content: "have the board checked", trigger: ".o_control_panel button:contains(Check)", run: "click" },
        {
            content: "one figure is not that of Inventory",
            trigger: ".o_data_row:contains(Checked Goods):contains(On Hand) .o_data_cell[name=host_value]:contains(/^10$/)",
        },
        { content: "that of the board", trigger: ".o_data_row .o_data_cell[name=position_value]:contains(/^99$/)" },
        { content: "repair it", trigger: ".o_control_panel button:contains(Repair)", run: "click" },
        { content: "all is well", trigger: ".o_notification:contains(The stock board agrees)" },
    ],
});

tours.add("sms_addon_stock_product", {
    steps: () => [
        { content: "what else there is of it", trigger: ".o-form-buttonbox .o_button_more", run: "click" },
        { content: "the board", trigger: ".o-dropdown--menu button[name=action_open_stock_positions]", run: "click" },
        { content: "where it stands", trigger: ".o_data_row:contains(Checked Goods):contains(Healthy)" },
        { content: "back", trigger: ".o_back_button a", run: "click" },
        { content: "again", trigger: ".o-form-buttonbox .o_button_more", run: "click" },
        { content: "what was moved", trigger: ".o-dropdown--menu button[name=action_open_stock_movements]", run: "click" },
        { content: "by warehouse", trigger: ".o_group_header:contains(/\\(1\\)/)", run: "click" },
        { content: "the receipt", trigger: ".o_data_row:contains(Receipt) .o_data_cell[name=quantity]:contains(/^10$/)" },
    ],
});

tours.add("sms_addon_replenishment_settings", {
    steps: () => [
        { content: "A products", trigger: "#sales_service .o_field_widget[name=sales_service_a] input", run: "edit 97" },
        { content: "how long an order lasts", trigger: ".o_field_widget[name=sales_cover_days] input", run: "edit 45" },
        { content: "save", trigger: ".o_form_button_save", run: "click", expectUnloadPage: true },
        { content: "it is kept", trigger: ".o_field_widget[name=sales_cover_days] input:value(45)" },
    ],
});
