import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const CSV = [
    "Order ID,Order Date,Customer Name,Product ID,Quantity,Sales",
    "TOUR-1,2024-01-15,Tour Customer,TOUR-P,3,10.00",
    "TOUR-2,someday,Tour Customer,TOUR-P,1,5.00",
].join("\n");

registry.category("web_tour.tours").add("sales_import_tour", {
    url: "/odoo/import-sales-history",
    steps: () => [
        { trigger: ".o_nocontent_help, .o_list_view", content: "The imports are listed" },
        { trigger: ".o_list_button_add", run: "click" },
        { trigger: ".o_field_widget[name=name] input", run: "edit Orders of the tour" },
        {
            trigger: ".o_field_widget[name=file]",
            content: "Choose a file",
            run() {
                const input = document.querySelector(".o_field_widget[name=file] input[type=file]");
                const files = new DataTransfer();
                files.items.add(new File([CSV], "tour.csv", { type: "text/csv" }));
                input.files = files.files;
                input.dispatchEvent(new Event("change", { bubbles: true }));
            },
        },
        { trigger: ".o_field_widget[name=column_ids] td:contains(Customer name)", content: "The columns are recognised" },
        ...stepUtils.saveForm(),
        { trigger: ".nav-link[name=preview]", run: "click" },
        { trigger: ".o_sales_import_preview tr.text-danger td:contains(someday is not a date)" },
        { trigger: "button[name=action_check]", run: "click" },
        { trigger: ".o_arrow_button_current:contains(Running)" },
    ],
});

registry.category("web_tour.tours").add("sales_import_messages_tour", {
    steps: () => [
        { trigger: ".o_arrow_button_current:contains(Checked)" },
        { trigger: ".alert:contains(Refused lines)" },
        { trigger: "button[name=action_open_issues]", run: "click" },
        { trigger: ".o_list_view td:contains(someday is not a date)" },
    ],
});
