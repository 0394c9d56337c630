import { Component, onWillStart, onWillUpdateProps, toRaw, useEffect, useRef, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { ModelFieldSelector } from "@web/core/model_field_selector/model_field_selector";
import { registry } from "@web/core/registry";
import { useBus, useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { formatCells, parseCells } from "./table_cells";

/** What is typed and not yet saved outlives a look at another page of the form. */
const drafts = new WeakMap();
const CELL = "[data-row]";
const UNASKED = ["binary", "html", "json", "properties", "properties_definition", "reference", "many2one_reference", "separator"];

/** The rules of a set as a grid: a row per rule, a column per field that conditions ask for, and what comes of it. */
export class RuleTable extends Component {
    static template = "sms_addon.RuleTable";
    static components = { ModelFieldSelector };
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.notification = useService("notification");
        this.root = useRef("root");
        this.labels = { own: _t("own condition"), actions: _t("The rule has actions") };
        this.state = useState({ table: null, isDirty: false, archived: [], errors: {}, anchor: null, focus: null });
        onWillStart(() => this.start(this.props.record));
        onWillUpdateProps(async ({ record }) => {
            // the form shows another set, or has read this one again
            if (!this.state.isDirty || record.resId !== this.setId) {
                await this.start(record);
            }
        });
        useBus(this.props.record.model.bus, "NEED_LOCAL_CHANGES", ({ detail }) => {
            if (this.state.isDirty) {
                detail.proms.push(this.save({ strict: true }));
            }
        });
        useEffect(
            () => this.moveFocus(),
            () => [this.pending]
        );
    }

    async start(record) {
        this.setId = record.resId;
        const draft = drafts.get(toRaw(record));
        if (draft?.isDirty && draft.setId === this.setId) {
            Object.assign(this.state, draft);
        } else if (this.setId) {
            await this.load();
        } else {
            this.state.table = null;
        }
    }

    async load(paths = []) {
        const table = await this.orm.call("sales.rule.set", "get_table", [[this.setId], paths]);
        Object.assign(this.state, { table, isDirty: false, archived: [], errors: {} });
        this.keep();
    }

    keep() {
        const { table, isDirty, archived, errors } = this.state;
        drafts.set(toRaw(this.props.record), { setId: this.setId, table, isDirty, archived, errors });
    }

    // -- what there is

    get isReadonly() {
        return this.props.readonly || this.state.table.readonly;
    }

    get model() {
        return this.props.record.data.model;
    }

    /** The columns of the grid: inputs by their path, outcomes by their name. */
    get columns() {
        const { columns, policies, companies, decisions } = this.state.table;
        const outcomes = [
            { key: "decision", label: _t("Decision"), choices: decisions },
            { key: "message", label: _t("Message"), isWide: true },
            { key: "policy", label: _t("Released By"), options: policies },
            { key: "date_from", label: _t("From"), placeholder: "2026-01-01" },
            { key: "date_to", label: _t("Until"), placeholder: "2026-12-31" },
        ];
        if (companies.length) {
            outcomes.push({ key: "company", label: _t("Company"), options: companies });
        }
        return [
            { key: "name", label: _t("Rule"), isWide: true },
            ...columns.map((column) => ({ ...column, key: column.path, isInput: true })),
            ...outcomes,
        ];
    }

    getText(row, column) {
        return (column.isInput ? row.cells[column.key] : row[column.key]) || "";
    }

    get errors() {
        const labels = Object.fromEntries(this.columns.map(({ key, label }) => [key, label]));
        return Object.entries(this.state.errors).map(([place, message]) => {
            const [row, key] = place.split("/");
            return _t("Row %(row)s, %(column)s: %(message)s", { row: Number(row) + 1, column: labels[key] ?? key, message });
        });
    }

    getError(rowIndex, column) {
        return this.state.errors[`${rowIndex}/${column.key}`];
    }

    isOwn(row, column) {
        return column.isInput && Boolean(row.own);
    }

    isSelected(rowIndex, columnIndex) {
        const { top, bottom, left, right } = this.selection || {};
        return top <= rowIndex && rowIndex <= bottom && left <= columnIndex && columnIndex <= right;
    }

    /** The rectangle between where the selection began and where the focus is, if it is more than one cell. */
    get selection() {
        const { anchor, focus } = this.state;
        if (!anchor || !focus || (anchor[0] === focus[0] && anchor[1] === focus[1])) {
            return null;
        }
        return {
            top: Math.min(anchor[0], focus[0]),
            bottom: Math.max(anchor[0], focus[0]),
            left: Math.min(anchor[1], focus[1]),
            right: Math.max(anchor[1], focus[1]),
        };
    }

    /** Whether a condition can ask for a field, or for one behind it. */
    isAskable(field) {
        return field.searchable && !UNASKED.includes(field.type);
    }

    // -- editing

    setText(rowIndex, column, text) {
        const row = this.state.table.rows[rowIndex];
        if (this.isOwn(row, column)) {
            return;
        }
        if (column.choices) {
            const wanted = text.trim().toLowerCase();
            const choice = column.choices.find(([id, label]) => id === wanted || label.toLowerCase() === wanted);
            if (!choice) {
                return;
            }
            text = choice[0];
        }
        if (column.isInput) {
            row.cells[column.key] = text;
        } else {
            row[column.key] = text;
        }
        delete this.state.errors[`${rowIndex}/${column.key}`];
        this.touch();
    }

    touch() {
        this.state.isDirty = true;
        this.keep();
    }

    addRow() {
        this.state.table.rows.push({ ...EMPTY, id: false, cells: {}, key: Date.now() + Math.random() });
        this.touch();
    }

    addRowAndGo() {
        this.addRow();
        this.goTo(this.state.table.rows.length - 1, 0);
    }

    removeRow(index) {
        const [row] = this.state.table.rows.splice(index, 1);
        if (row.id) {
            this.state.archived.push(row.id);
        }
        this.state.errors = {};
        this.touch();
    }

    moveRow(index, step) {
        const { rows } = this.state.table;
        if (rows[index + step]) {
            rows.splice(index + step, 0, ...rows.splice(index, 1));
            this.state.errors = {};
            this.touch();
        }
    }

    async addColumn(path) {
        const { columns } = this.state.table;
        if (!path || columns.some((column) => column.path === path)) {
            return;
        }
        const paths = [...columns.map((column) => column.path), path];
        const fresh = await this.orm.call("sales.rule.set", "get_table", [[this.setId], paths]);
        const column = fresh.columns.find((each) => each.path === path);
        if (!column) {
            this.notification.add(_t("Conditions cannot ask for this field in a table."), { type: "warning" });
            return;
        }
        columns.push(column);
        this.keep();
    }

    async save({ strict = false } = {}) {
        const { rows, columns } = this.state.table;
        const errors = await this.orm.call("sales.rule.set", "write_table", [[this.setId]], {
            rows: rows.map(({ key, ...row }) => row),
            archived: this.state.archived,
            strict,
        });
        if (errors.length) {
            this.state.errors = Object.fromEntries(errors.map(({ row, column, message }) => [`${row}/${column}`, message]));
            this.keep();
            const [first] = errors;
            const column = this.columns.findIndex(({ key }) => key === first.column);
            this.goTo(first.row, Math.max(column, 0));
            this.notification.add(
                errors.length === 1 ? first.message : _t("Cells that cannot be read: %s", errors.length),
                { type: "danger" }
            );
            return;
        }
        await this.load(columns.map((column) => column.path));
        if (!strict) {
            await this.props.record.load();
        }
    }

    discard() {
        return this.load();
    }

    async exportTable() {
        await this.call("action_export_table");
    }

    async importTable() {
        await this.call("action_import_table");
    }

    async call(name) {
        if (this.state.isDirty) {
            await this.save();
        }
        if (!this.state.isDirty) {
            await this.action.doAction(await this.orm.call("sales.rule.set", name, [[this.setId]]));
        }
    }

    // -- keyboard and clipboard

    goTo(row, column, { extend = false } = {}) {
        this.pending = { row, column, extend };
        this.moveFocus();
    }

    moveFocus() {
        if (!this.pending || !this.root.el) {
            return;
        }
        const { row, column, extend } = this.pending;
        const cell = this.root.el.querySelector(`[data-row="${row}"][data-column="${column}"]`);
        if (cell) {
            this.pending = null;
            this.isExtending = extend;
            cell.focus();
            cell.select?.();
            this.isExtending = false;
        }
    }

    onFocus(rowIndex, columnIndex) {
        this.state.focus = [rowIndex, columnIndex];
        if (!this.isExtending) {
            this.state.anchor = [rowIndex, columnIndex];
        }
    }

    onMousedown(ev, rowIndex, columnIndex) {
        if (ev.shiftKey) {
            ev.preventDefault();
            this.goTo(rowIndex, columnIndex, { extend: true });
        }
    }

    onKeydown(ev, rowIndex, columnIndex) {
        const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Enter: [1, 0] }[ev.key];
        if (ev.key === "Delete" && this.selection) {
            ev.preventDefault();
            this.forSelected((row, column) => !column.choices && this.setText(row, column, ""));
        }
        if (!step || ev.altKey || ev.ctrlKey || ev.metaKey || !this.leavesCell(ev)) {
            return;
        }
        const [row, column] = [rowIndex + (ev.key === "Enter" && ev.shiftKey ? -1 : step[0]), columnIndex + step[1]];
        if (row < 0 || column < 0 || column >= this.columns.length || row > this.state.table.rows.length) {
            return;
        }
        ev.preventDefault();
        ev.stopPropagation();
        if (row === this.state.table.rows.length) {
            if (ev.key === "Enter" && !this.isReadonly) {
                this.addRow();
                this.goTo(row, 0);
            }
            return;
        }
        this.goTo(row, column, { extend: ev.shiftKey && ev.key !== "Enter" });
    }

    /** Left and right first move within what is being typed. */
    leavesCell({ key, target, shiftKey }) {
        if (!["ArrowLeft", "ArrowRight"].includes(key) || target.tagName !== "INPUT") {
            return true;
        }
        const { selectionStart, selectionEnd, value } = target;
        const isWhole = selectionStart === 0 && selectionEnd === value.length;
        if (isWhole) {
            return true;
        }
        return !shiftKey && selectionStart === selectionEnd && selectionStart === (key === "ArrowLeft" ? 0 : value.length);
    }

    forSelected(callback) {
        const { top, bottom, left, right } = this.selection;
        for (let row = top; row <= bottom; row++) {
            for (let column = left; column <= right; column++) {
                callback(row, this.columns[column], column);
            }
        }
    }

    onCopy(ev) {
        if (!this.selection) {
            return;
        }
        ev.preventDefault();
        const rows = [];
        this.forSelected((row, column) => {
            const index = row - this.selection.top;
            rows[index] = [...(rows[index] || []), this.getText(this.state.table.rows[row], column)];
        });
        ev.clipboardData.setData("text/plain", formatCells(rows));
    }

    onPaste(ev) {
        const cell = ev.target.closest(CELL);
        const cells = parseCells(ev.clipboardData.getData("text/plain"));
        if (this.isReadonly || !cell || (cells.length === 1 && cells[0].length === 1 && cell.tagName !== "SELECT")) {
            return;
        }
        ev.preventDefault();
        const [top, left] = [Number(cell.dataset.row), Number(cell.dataset.column)];
        cells.forEach((texts, down) => {
            if (top + down === this.state.table.rows.length) {
                this.addRow();
            }
            texts.forEach((text, right) => {
                const column = this.columns[left + right];
                if (column) {
                    this.setText(top + down, column, text.trim());
                }
            });
        });
    }
}

const EMPTY = {
    name: "",
    own: "",
    decision: "warn",
    message: "",
    policy: "",
    date_from: "",
    date_to: "",
    company: "",
    actions: 0,
};

export const ruleTable = {
    component: RuleTable,
    fieldDependencies: [{ name: "model", type: "selection" }],
};

registry.category("view_widgets").add("sales_rule_table", ruleTable);
