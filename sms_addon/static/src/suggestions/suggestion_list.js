import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { imageUrl } from "@web/core/utils/urls";
import { formatFloat, formatMonetary } from "@web/views/fields/formatters";

/** Products to offer, each with its reason, its price and what is there of it; one click adds one. */
export class SuggestionList extends Component {
    static template = "sms_addon.SuggestionList";
    static props = {
        suggestions: Array,
        currencyId: { type: Number, optional: true },
        onAdd: { type: Function, optional: true },
    };

    setup() {
        this.state = useState({ added: {}, busy: {} });
    }

    imageUrl(suggestion) {
        return imageUrl("product.product", suggestion.product_id, "image_128");
    }

    price(suggestion) {
        const currencyId = this.props.currencyId || suggestion.currency_id;
        return _t("%(price)s / %(unit)s", {
            price: formatMonetary(suggestion.price, { currencyId }),
            unit: suggestion.unit,
        });
    }

    stock(suggestion) {
        const available = formatFloat(suggestion.available, { trailingZeros: false });
        return suggestion.available > 0 ? _t("%s in stock", available) : _t("Not in stock");
    }

    isAdded(suggestion) {
        return Boolean(this.state.added[suggestion.product_id]);
    }

    isBusy(suggestion) {
        return this.isAdded(suggestion) || Boolean(this.state.busy[suggestion.product_id]);
    }

    async add(suggestion) {
        const { product_id } = suggestion;
        this.state.busy[product_id] = true;
        try {
            await this.props.onAdd(suggestion);
            this.state.added[product_id] = true;
        } finally {
            this.state.busy[product_id] = false;
        }
    }
}
