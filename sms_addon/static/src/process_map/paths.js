import { _t } from "@web/core/l10n/translation";
import { formatInteger } from "@web/views/fields/formatters";
import { formatSalesDuration } from "../formatters/sales_duration";
import { formatSalesRate } from "../formatters/sales_rate";

function getLabels({ nodes }) {
    return Object.fromEntries(nodes.map(({ type, label }) => [type, label]));
}

/** @returns {string} "1 order", "2 orders" */
export function countOrders(orders) {
    return orders === 1 ? _t("1 order") : _t("%s orders", formatInteger(orders));
}

/**
 * The transitions with the texts that graph and table show.
 *
 * @param {Object} data the answer of sales.process
 * @returns {Object[]}
 */
export function getTransitions(data) {
    const labels = getLabels(data);
    return data.edges.map((edge) => {
        const wait = formatSalesDuration(edge.wait);
        const texts = { waitText: wait, altogether: formatSalesDuration(edge.count * edge.wait), fact: getFact(edge, wait) };
        return {
            ...edge,
            ...texts,
            key: `${edge.source} ${edge.target}`,
            title: `${labels[edge.source]} → ${labels[edge.target]}`,
            label: `${formatInteger(edge.count)} · ${wait}`,
            reason: edge.slow_rank
                ? _t("Number %(rank)s of the slowest: %(fact)s; about %(altogether)s of waiting altogether", {
                      rank: edge.slow_rank,
                      ...texts,
                  })
                : texts.fact,
        };
    });
}

function getFact({ count, orders }, wait) {
    const figures = { orders: countOrders(orders), count: formatInteger(count), wait };
    return count > orders
        ? _t("%(orders)s, %(count)s times; median wait %(wait)s", figures)
        : _t("%(orders)s; median wait %(wait)s", figures);
}

/**
 * What is left of the paths without those that few orders take.
 *
 * @param {Object} data the answer of sales.process
 * @param {Object[]} transitions
 * @param {number} minShare of all orders, from 0 to 1
 * @returns {{ nodes: Object[], edges: Object[] }}
 */
export function getVisible({ nodes, orders }, transitions, minShare) {
    const edges = transitions.filter((edge) => edge.orders >= minShare * orders);
    const connected = new Set(edges.flatMap(({ source, target }) => [source, target]));
    return {
        edges,
        nodes: nodes
            .filter((node) => connected.has(node.type) || node.orders >= minShare * orders)
            .map((node) => ({ ...node, share: node.orders / orders, ...getNodeTexts(node) })),
    };
}

function getNodeTexts({ count, orders, starts, ends }) {
    const title = [_t("Times reached: %s", formatInteger(count))];
    if (starts) {
        title.push(_t("Begin here: %s", countOrders(starts)));
    }
    if (ends) {
        title.push(_t("Came this far and no further: %s", countOrders(ends)));
    }
    return { text: countOrders(orders), title: title.join("\n") };
}

/**
 * The most frequent paths, with their share of all orders.
 *
 * @param {Object} data the answer of sales.process
 * @returns {Object[]}
 */
export function getVariants(data) {
    const labels = getLabels(data);
    return data.variants.map((variant) => {
        const share = variant.orders / data.orders;
        return {
            ...variant,
            key: variant.types.join(" "),
            share,
            shareText: formatSalesRate(share),
            path: variant.types.map((type) => labels[type]).join(" → "),
            figures:
                variant.types.length > 1
                    ? _t("%(orders)s; median duration %(wait)s", {
                          orders: countOrders(variant.orders),
                          wait: formatSalesDuration(variant.wait),
                      })
                    : countOrders(variant.orders),
        };
    });
}
