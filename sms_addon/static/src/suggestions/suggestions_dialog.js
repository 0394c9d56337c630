import { Component, onWillStart, useState } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { SuggestionList } from "./suggestion_list";

/** What to offer to the customer of a quotation: opened from there, which shows what was added once it is closed. */
export class SuggestionsDialog extends Component {
    static template = "sms_addon.SuggestionsDialog";
    static components = { SuggestionList };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ suggestions: [], currencyId: 0, readonly: true });
        this.orderId = this.props.action.context.active_id;
        onWillStart(() => this.load());
    }

    async load() {
        const found = await this.orm.call("sale.order", "get_sales_suggestions", [this.orderId]);
        Object.assign(this.state, {
            suggestions: found.suggestions,
            currencyId: found.currency_id,
            readonly: found.readonly,
        });
    }

    add(suggestion) {
        return this.orm.call("sale.order", "add_sales_suggestion", [this.orderId, suggestion.product_id]);
    }
}

registry.category("actions").add("sms_addon.suggestions", SuggestionsDialog);
