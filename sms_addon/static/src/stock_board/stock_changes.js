import { onWillUnmount } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";

const CHANNEL = "sales_stock_positions";
const MESSAGE = "sms_addon.stock_changed";
/** A page reads at most once in so many milliseconds, however often stock moves. */
const PAUSE = 1000;

/** Hears of changed positions as long as anything on the page wants to know. */
export const stockChangesService = {
    dependencies: ["bus_service"],
    start(env, { bus_service: bus }) {
        const listeners = new Set();
        bus.subscribe(MESSAGE, (change) => listeners.forEach((listener) => listener(change)));
        return {
            /** Return a function that ends it. */
            listen(listener) {
                if (!listeners.size) {
                    bus.addChannel(CHANNEL);
                }
                listeners.add(listener);
                return () => {
                    listeners.delete(listener);
                    if (!listeners.size) {
                        bus.deleteChannel(CHANNEL);
                    }
                };
            },
        };
    },
};

registry.category("services").add("sms_addon.stock_changes", stockChangesService);

/**
 * Call back with what changed: at once, then at most once a second with all that came meanwhile.
 *
 * @param {(change: { ids: Set<number>, all: boolean }) => Promise<boolean|void>} onChange false: not now, ask again
 */
export function useStockChanges(onChange) {
    const changes = useService("sms_addon.stock_changes");
    let pending = null;
    let timer = null;
    let busy = false;

    function note({ ids = [], all = false }) {
        pending ??= { ids: new Set(), all: false };
        ids.forEach((id) => pending.ids.add(id));
        pending.all ||= all;
        timer ??= busy ? null : browser.setTimeout(tell, 0);
    }

    async function tell() {
        const change = pending;
        pending = null;
        busy = true;
        try {
            if ((await onChange(change)) === false) {
                note({ ids: [...change.ids], all: change.all });
            }
        } finally {
            busy = false;
            timer = browser.setTimeout(() => {
                timer = null;
                if (pending) {
                    timer = browser.setTimeout(tell, 0);
                }
            }, PAUSE);
        }
    }

    const stop = changes.listen(note);
    onWillUnmount(() => {
        stop();
        browser.clearTimeout(timer);
    });
}
