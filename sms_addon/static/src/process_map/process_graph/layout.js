const FONT_SIZE = 12;
const NODE_HEIGHT = 46;
const LABEL_HEIGHT = 18;
const PADDING = 12;
const THINNEST = 1.5;
const THICKEST = 7;

/** Where everything goes: dagre ranks the milestones from top to bottom and keeps room for the labels of the edges. */
export function layOut(dagre, nodes, edges) {
    const width = getTextMeter();
    const most = Math.max(1, ...edges.map(({ count }) => count));
    const graph = new dagre.graphlib.Graph();
    graph.setGraph({ rankdir: "TB", acyclicer: "greedy", nodesep: 36, edgesep: 16, ranksep: 26, marginx: 12, marginy: 12 });
    for (const { type, label, text } of nodes) {
        const inner = Math.max(width(label, 600), width(text), 90);
        graph.setNode(type, { width: inner + 2 * PADDING, height: NODE_HEIGHT });
    }
    for (const { source, target, label, count } of edges) {
        graph.setEdge(source, target, {
            width: width(label) + PADDING,
            height: LABEL_HEIGHT,
            labelpos: "c",
            weight: 1 + Math.round((20 * count) / most),
        });
    }
    dagre.layout(graph);
    const size = graph.graph();
    return {
        width: Math.ceil(size.width || 0),
        height: Math.ceil(size.height || 0),
        nodes: nodes.map((node) => ({ ...node, ...getBox(graph.node(node.type)) })),
        // the slowest last, so that nothing covers them
        edges: edges
            .map((edge) => ({ ...edge, ...getArrow(graph, edge), thickness: getThickness(edge.count / most) }))
            .sort((a, b) => Boolean(a.slow_rank) - Boolean(b.slow_rank)),
    };
}

function getTextMeter() {
    const context = document.createElement("canvas").getContext("2d");
    const { fontFamily } = getComputedStyle(document.body);
    return (text, weight = 400) => {
        context.font = `${weight} ${FONT_SIZE}px ${fontFamily}`;
        return context.measureText(text).width;
    };
}

function getBox({ x, y, width, height }) {
    return { left: x - width / 2, top: y - height / 2, x, y, width, height };
}

function getThickness(share) {
    return THINNEST + (THICKEST - THINNEST) * Math.sqrt(share);
}

function getArrow(graph, { source, target }) {
    const { points, ...label } = graph.edge(source, target);
    if (source === target) {
        return getLoop(graph.node(source), label);
    }
    return { path: getPath(points), labelBox: getBox(label) };
}

/** An arrow from the right side of a box back to it; dagre has only kept the room. */
function getLoop({ x, y, width, height }, label) {
    const side = x + width / 2;
    const reach = Math.max(label.x, side + label.width / 2 + PADDING);
    // the line comes to three quarters of its handles
    const handle = side + ((reach - side) * 4) / 3;
    return {
        path: `M${side},${y - height / 4} C${handle},${y - height / 2} ${handle},${y + height / 2} ${side},${y + height / 4}`,
        labelBox: getBox({ ...label, x: reach, y }),
    };
}

/** A smooth line: straight to the middle of the first piece, then from middle to middle with the points as handles. */
export function getPath(points) {
    const at = ({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`;
    const middle = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
    const parts = [`M${at(points[0])}`, `L${at(middle(points[0], points[1]))}`];
    for (let index = 1; index < points.length - 1; index++) {
        parts.push(`Q${at(points[index])} ${at(middle(points[index], points[index + 1]))}`);
    }
    return [...parts, `L${at(points.at(-1))}`].join(" ");
}
