import { rpc } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { setElementContent } from "@web/core/utils/html";
import { Interaction } from "@web/public/interaction";
import { markup } from "@odoo/owl";

const INTERVAL = 30000;

/** Keeps the timeline on a customer's order page up to date while the page is looked at. */
export class PortalTimeline extends Interaction {
    static selector = ".o_sales_portal_timeline";

    start() {
        const timer = setInterval(() => this.refresh(), INTERVAL);
        this.registerCleanup(() => clearInterval(timer));
    }

    async refresh() {
        if (document.hidden) {
            return;
        }
        const token = new URLSearchParams(window.location.search).get("access_token");
        const html = await this.waitFor(
            rpc(`/my/orders/${this.el.dataset.orderId}/timeline`, { access_token: token }, { silent: true })
        );
        if (html) {
            // made by the server's template
            setElementContent(this.el, markup(html));
        }
    }
}

registry.category("public.interactions").add("sms_addon.portal_timeline", PortalTimeline);
