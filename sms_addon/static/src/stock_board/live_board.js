import { browser } from "@web/core/browser/browser";
import { Domain } from "@web/core/domain";
import { useStockChanges } from "./stock_changes";

/** How long a row that changed stands out. */
const MARKED = 2500;

/**
 * Have the records of a list or kanban follow the stock.
 *
 * They are read again only when one that is shown changed, or one that changed belongs to what is looked for: it may
 * have come in, and counts in the sums. Selection and scroll stay, and so does a row that is being edited.
 */
export function useLiveBoard(model) {
    let timer;

    async function concerns({ ids, all }) {
        if (all || model.root.records.some((record) => ids.has(record.resId))) {
            return true;
        }
        const domain = Domain.and([model.root.domain, [["id", "in", [...ids]]]]);
        return (await model.orm.silent.searchCount(model.root.resModel, domain.toList(), { limit: 1 })) > 0;
    }

    function mark(ids) {
        model.changedIds = ids;
        browser.clearTimeout(timer);
        timer = browser.setTimeout(() => (model.changedIds = new Set()), MARKED);
    }

    useStockChanges(async (change) => {
        if (!model.isReady || model.root.editedRecord) {
            return false;
        }
        if (!(await concerns(change))) {
            return;
        }
        const before = model.root.records;
        mark(change.ids);
        await model.root.load();
        // what was selected while it loaded, too
        const selected = new Set(before.filter((record) => record.selected).map((record) => record.resId));
        for (const record of model.root.records) {
            if (selected.has(record.resId) && !record.selected) {
                record.toggleSelection(true);
            }
        }
    });
}

export function isMarked(record) {
    return Boolean(record.model.changedIds?.has(record.resId));
}
