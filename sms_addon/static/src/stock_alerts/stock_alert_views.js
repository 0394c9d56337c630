import { onWillUnmount } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";

const CHANNEL = "sales_stock_alerts";
/** Milliseconds between two readings, however often something changes. */
const PAUSE = 1000;

/**
 * Read a list of alerts again when some open or close: at once, then at most once a second, and not while somebody
 * edits or has selected some.
 */
function useLiveAlerts(controller) {
    const bus = useService("bus_service");
    let timer = null;
    let last = 0;
    const isBusy = () =>
        controller.model.root.editedRecord || controller.model.root.selection?.length || controller.model.useSampleModel;
    const reload = async () => {
        timer = null;
        if (isBusy()) {
            timer = browser.setTimeout(reload, PAUSE);
            return;
        }
        last = Date.now();
        await controller.model.root.load();
        controller.render(true);
    };
    const onAlerts = () => {
        timer ??= browser.setTimeout(reload, Math.max(0, PAUSE - (Date.now() - last)));
    };
    bus.addChannel(CHANNEL);
    bus.subscribe("sms_addon.stock_alert", onAlerts);
    onWillUnmount(() => {
        bus.unsubscribe("sms_addon.stock_alert", onAlerts);
        bus.deleteChannel(CHANNEL);
        browser.clearTimeout(timer);
    });
}

export class StockAlertListController extends ListController {
    setup() {
        super.setup();
        useLiveAlerts(this);
    }
}

export class StockAlertKanbanController extends KanbanController {
    setup() {
        super.setup();
        useLiveAlerts(this);
    }
}

registry.category("views").add("sales_stock_alert_list", { ...listView, Controller: StockAlertListController });
registry.category("views").add("sales_stock_alert_kanban", { ...kanbanView, Controller: StockAlertKanbanController });
