import { registry } from "@web/core/registry";
import { FormController } from "@web/views/form/form_controller";
import { formView } from "@web/views/form/form_view";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { KanbanRecord } from "@web/views/kanban/kanban_record";
import { KanbanRenderer } from "@web/views/kanban/kanban_renderer";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { ListController } from "@web/views/list/list_controller";
import { ListRenderer } from "@web/views/list/list_renderer";
import { listView } from "@web/views/list/list_view";
import { isMarked, useLiveBoard } from "./live_board";
import { useStockChanges } from "./stock_changes";

export class StockBoardListRenderer extends ListRenderer {
    getRowClass(record) {
        return super.getRowClass(record) + (isMarked(record) ? " o_sales_stock_changed" : "");
    }
}

export class StockBoardListController extends ListController {
    setup() {
        super.setup();
        useLiveBoard(this.model);
    }
}

export class StockBoardKanbanRecord extends KanbanRecord {
    getRecordClasses() {
        return super.getRecordClasses() + (isMarked(this.props.record) ? " o_sales_stock_changed" : "");
    }
}

export class StockBoardKanbanRenderer extends KanbanRenderer {
    static components = { ...KanbanRenderer.components, KanbanRecord: StockBoardKanbanRecord };
}

export class StockBoardKanbanController extends KanbanController {
    setup() {
        super.setup();
        useLiveBoard(this.model);
    }
}

export class StockBoardFormController extends FormController {
    setup() {
        super.setup();
        useStockChanges(async ({ ids, all }) => {
            const { root, isReady } = this.model;
            if (isReady && (all || ids.has(root.resId)) && !(await root.isDirty())) {
                await root.load();
            }
        });
    }
}

const views = registry.category("views");
views.add("sales_stock_board_list", { ...listView, Controller: StockBoardListController, Renderer: StockBoardListRenderer });
views.add("sales_stock_board_kanban", {
    ...kanbanView,
    Controller: StockBoardKanbanController,
    Renderer: StockBoardKanbanRenderer,
});
views.add("sales_stock_board_form", { ...formView, Controller: StockBoardFormController });
