/** Rectangles of cells as spreadsheets put them on the clipboard: tabs between cells, a line for each row. */

/**
 * @param {string} text from the clipboard
 * @returns {string[][]}
 */
export function parseCells(text) {
    const rows = [[]];
    let cell = "";
    let quoted = false;
    const body = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
    for (let index = 0; index < body.length; index++) {
        const char = body[index];
        if (quoted) {
            if (char === '"' && body[index + 1] === '"') {
                cell += '"';
                index++;
            } else if (char === '"') {
                quoted = false;
            } else {
                cell += char;
            }
        } else if (char === '"' && !cell && closes(body, index)) {
            quoted = true;
        } else if (char === "\t" || char === "\n") {
            rows.at(-1).push(cell);
            cell = "";
            if (char === "\n") {
                rows.push([]);
            }
        } else {
            cell += char;
        }
    }
    rows.at(-1).push(cell);
    return rows;
}

/** Whether the quotation mark at a place has its partner at the end of the cell; else it belongs to the text. */
function closes(text, start) {
    const match = /^"(?:[^"]|"")*"(?=[\t\n]|$)/.exec(text.slice(start));
    return Boolean(match) && /[\t\n]|^"(?:[^"]|"")*""/.test(match[0]);
}

/**
 * @param {string[][]} rows
 * @returns {string}
 */
export function formatCells(rows) {
    const quote = (text) => (/[\t\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    return rows.map((row) => row.map(quote).join("\t")).join("\n");
}
