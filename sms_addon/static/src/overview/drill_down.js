import { useService } from "@web/core/utils/hooks";

const QUARTERS = ["first_quarter", "second_quarter", "third_quarter", "fourth_quarter"];

/** The filters of sales.analysis that show a period of the screen, visible and removable in the search bar. */
function getPeriodFilter(period) {
    return {
        month: { search_default_filter_date: "month" },
        quarter: { search_default_filter_date: QUARTERS[luxon.DateTime.now().quarter - 1] },
        year: { search_default_filter_date: "year" },
        last_12_months: { search_default_last_12_months: 1 },
    }[period];
}

/** The way from a figure to what it is made of. */
export function useDrillDown() {
    const action = useService("action");

    /** Open an action; without domain and context it is as its menu opens it. */
    async function open(xmlId, { name, domain, context } = {}) {
        const loaded = await action.loadAction(xmlId);
        return action.doAction({
            ...loaded,
            ...(name && { name, display_name: name }),
            ...(domain && { domain }),
            ...(context && { context }),
        });
    }

    /** Open a report on a period of the screen. */
    function openPeriod(xmlId, period, { name, domain = [], context = {} }) {
        // a single month as a line would be a point
        const shape = period === "month" ? { graph_groupbys: ["user_id"], graph_mode: "bar" } : {};
        return open(xmlId, { name, domain, context: { ...getPeriodFilter(period), ...shape, ...context } });
    }

    return { open, openPeriod };
}
