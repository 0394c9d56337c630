import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

function press(key, options = {}) {
    return ({ anchor }) => anchor.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...options }));
}

function isFocused(row, column) {
    return `.o_sales_rule_table [data-row='${row}'][data-column='${column}']:focus`;
}

tours.add("sms_addon_rule_simulation", {
    steps: () => [
        { content: "open the set", trigger: ".o_data_row td:contains(Tour Policy)", run: "click" },
        { content: "simulate it", trigger: ".o_sales_simulate", run: "click" },
        { content: "the documents are counted before", trigger: ".modal [name=expected_count]:contains(3)" },
        { content: "compare", trigger: ".modal [name=compare] input", run: "check" },
        { content: "with the published version", trigger: ".modal [name=other_version_id] input", run: "click" },
        { trigger: ".o-autocomplete--dropdown-item:contains(version 1)", run: "click" },
        { trigger: ".modal button[name=action_simulate]", run: "click" },
        {
            content: "the answer in a sentence",
            trigger: ".o_sales_simulation_headline:contains(2 of 3 documents):contains(66.7%)",
        },
        { content: "and in figures", trigger: ".o_sales_kpi_card[data-name=stop]:contains(1)" },
        { trigger: ".o_sales_kpi_card[data-name=warn]:contains(1)" },
        { content: "a chart", trigger: ".o_sales_simulation_chart canvas" },
        { content: "a rule that never fires", trigger: ".o_sales_simulation_hints:contains(Never fires):contains(Silent)" },
        { content: "rules that are always together", trigger: ".o_sales_simulation_hints:contains(Large + Twin)" },
        { content: "whose documents", trigger: ".o_sales_simulation_person:contains(Own Documents)" },
        { content: "newly caught", trigger: "[data-change=new]:contains(1 newly caught)", run: "click" },
        { content: "with its reason", trigger: ".o_data_row td:contains(TOUR1 is too small)" },
        { content: "open the order", trigger: ".o_data_row td:contains(TOUR1 is too small)", run: "click" },
        { trigger: ".o_form_view .o_field_widget[name=partner_id]:contains(Alpha), .o_form_view input" },
        { content: "back to the result", trigger: ".breadcrumb-item a:contains(Simulation), .o_breadcrumb a:contains(Simulation)", run: "click" },
        { content: "a rule", trigger: ".o_sales_simulation_rules button:contains(Large)", run: "click" },
        { trigger: ".o_data_row td:contains(TOUR3)" },
    ],
});

tours.add("sms_addon_rule_table", {
    steps: () => [
        { content: "open the set", trigger: ".o_data_row td:contains(Tour Policy)", run: "click" },
        { content: "as a table", trigger: ".nav-link[name=table]", run: "click" },
        { content: "own conditions stay", trigger: ".o_sales_rule_table [data-row='3'][data-column='1'][readonly]" },
        { content: "write a condition", trigger: ".o_sales_rule_table [data-row='0'][data-column='1']", run: "edit < ten" },
        { content: "down", trigger: ".o_sales_rule_table [data-row='0'][data-column='1']", run: press("Enter") },
        { trigger: isFocused(1, 1), run: press("ArrowUp") },
        { trigger: isFocused(0, 1) },
        { content: "look at another page", trigger: ".nav-link[name=rules]", run: "click" },
        { content: "come back", trigger: ".nav-link[name=table]", run: "click" },
        { trigger: ".o_sales_rule_table_save:enabled", run: "click" },
        { content: "what is wrong is told", trigger: ".o_sales_rule_table_errors:contains(ten is not a number)" },
        { trigger: isFocused(0, 1), run: "edit 10 .. 20" },
        {
            content: "paste a block from a spreadsheet",
            trigger: ".o_sales_rule_table [data-row='4'][data-column='0'], .o_sales_rule_table_add_row",
            run: "click",
        },
        {
            trigger: ".o_sales_rule_table [data-row='4'][data-column='0']",
            run({ anchor }) {
                const clipboardData = new DataTransfer();
                clipboardData.setData("text/plain", "Pasted\t> 5; < 7\nSecond\t\n");
                anchor.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
            },
        },
        { content: "a row more", trigger: ".o_sales_rule_table [data-row='5'][data-column='0']" },
        { content: "not that one", trigger: "tr:has([data-row='5']) .o_sales_rule_table_remove", run: "click" },
        { trigger: ".o_sales_rule_table_save:enabled", run: "click" },
        { content: "saved", trigger: ".o_sales_rule_table_save:disabled" },
        { content: "the rules show it", trigger: ".nav-link[name=rules]", run: "click" },
        { trigger: ".o_data_row td:contains(Pasted)" },
    ],
});
