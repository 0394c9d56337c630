import io
import warnings
from base64 import b64decode

from odoo import fields, models
from odoo.exceptions import UserError

from ..models.sales_rule_set_table import OUTCOMES
from ..tools.rule_table import CellError
from ..tools.sales_table import XLSX_ERRORS

#: rows in which the headers are looked for, below title and notes
HEADER_ROWS = 20
ROWS = 5000


class SalesRuleTableImport(models.TransientModel):
    """A decision table that comes from a spreadsheet: all of it or nothing. What it brings is edited, not published."""
    _name = 'sales.rule.table.import'
    _description = "Import a Decision Table"

    set_id = fields.Many2one('sales.rule.set', string="Rule Set", required=True, ondelete='cascade')
    file = fields.Binary(string="Excel File", required=True, attachment=False)
    filename = fields.Char()
    archive_missing = fields.Boolean(
        string="Archive Rules That Are Not in the File", help="Otherwise they stay as they are, below the others.")

    def action_import(self):
        """Make the rules what the spreadsheet says."""
        self.ensure_one()
        rule_set = self.set_id
        rule_set.check_access('write')
        lines, rows, wrong = self._read_rows()
        wrong = sorted([*wrong, *rule_set._parse_rows(rows)[1]], key=lambda error: error['row'])
        if wrong:
            raise UserError('\n'.join(rule_set._explain_error(error, lines[error['row']]) for error in wrong))
        kept = {row['id'] for row in rows}
        missing = rule_set.rule_ids.filtered(lambda rule: rule.id not in kept)
        rule_set.write_table(rows, missing.ids if self.archive_missing else ())
        if not self.archive_missing:
            for sequence, rule in enumerate(missing.sorted(), start=len(rows)):
                rule.sequence = sequence
        return {'type': 'ir.actions.client', 'tag': 'soft_reload'}

    # -- the file

    def _read_rows(self):
        """Return the line numbers and the rows of the file, and what is wrong with them."""
        sheet = self._read_sheet()
        header, keys = self._find_header(sheet)
        lines, rows, wrong = [], [], []
        known = self._get_known_rules()
        for line, cells in enumerate(sheet[header + 1:], start=header + 2):
            texts = {key: text for key, text in zip(keys, cells, strict=False) if key}
            if not any(texts.values()):
                continue
            row = self._prepare_row(texts)
            try:
                row['id'] = self._match(texts, known, rows)
            except CellError as error:
                wrong.append({'row': len(rows), 'column': 'id', 'message': self.set_id._explain_cell(error)})
            lines.append(line)
            rows.append(row)
        wrong += self._keep_own(rows, known)
        return lines, rows, wrong

    def _read_sheet(self):
        """Return the first sheet as lists of texts."""
        from openpyxl import load_workbook  # only those who import pay for it

        try:
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                book = load_workbook(io.BytesIO(b64decode(self.file)), read_only=True, data_only=True)
                rows = [
                    [self._to_text(cell) for cell in row]
                    for row in book.worksheets[0].iter_rows(values_only=True, max_row=ROWS + 1)]
        except XLSX_ERRORS as error:
            raise UserError(self.env._("This is no Excel file (XLSX).")) from error
        if len(rows) > ROWS:
            raise UserError(self.env._("A table has %(rows)s rows at the most.", rows=ROWS))
        return rows

    def _to_text(self, value):
        """Return what a person reads in a cell: spreadsheets make numbers and dates of what looks like one."""
        if value is None:
            return ''
        if isinstance(value, bool):
            words = self.set_id._get_words()
            return words.yes if value else words.no
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        if hasattr(value, 'isoformat'):
            text = value.isoformat(sep=' ') if hasattr(value, 'hour') else value.isoformat()
            return text.removesuffix(' 00:00:00')
        return str(value).strip()

    def _find_header(self, sheet):
        """Return the index of the row of headers, and what its columns hold."""
        for index, cells in enumerate(sheet[:HEADER_ROWS]):
            keys = self.set_id._read_table_headers(cells)
            if {'name', 'decision'} <= set(keys):
                self._check_header(cells, keys)
                return index, keys
        raise UserError(self.env._("The file has no row of headers with a rule and a decision."))

    def _check_header(self, cells, keys):
        for position, (cell, key) in enumerate(zip(cells, keys, strict=True)):
            if cell and not key:
                raise UserError(self.env._(
                    "Column %(column)s is no field of the document that you may read."
                    " Put its technical name in brackets behind it.", column=cell))
            if key and key in keys[:position]:
                raise UserError(self.env._("Column %(column)s is there twice.", column=cell))

    def _prepare_row(self, texts):
        outcomes = {name: texts.get(name, '') for name in OUTCOMES}
        cells = {key: text for key, text in texts.items() if key not in (*OUTCOMES, 'id', 'own') and text}
        return {**outcomes, 'id': False, 'cells': cells, 'own': texts.get('own', '')}

    # -- which rule

    def _get_known_rules(self):
        """Return the rules of the set by what they may be called in the file."""
        rules = self.set_id.with_context(active_test=False).rule_ids
        by_name = {}
        for rule in rules.filtered('active') + (rules - rules.filtered('active')):
            by_name.setdefault(rule.name, rule)
        return {rule.id: rule for rule in rules}, by_name

    def _match(self, texts, known, rows):
        """Return the rule that a row is about, or False for a new one."""
        by_id, by_name = known
        taken = {row['id'] for row in rows}
        if number := texts.get('id'):
            if not number.isdigit() or int(number) not in by_id:
                raise CellError('number_of_rule', number)
            if int(number) in taken:
                raise CellError('twice', number)
            return int(number)
        rule = by_name.get(texts.get('name'))
        return rule.id if rule and rule.id not in taken else False

    def _keep_own(self, rows, known):
        """Let rules keep their own conditions, which no file brings in: nobody would see what they are.

        A row without any condition is not enough to lose one; one with conditions in its columns takes its place.
        """
        by_id, _by_name = known
        own = self.set_id._get_own_conditions(self.set_id.browse().rule_ids.union(*by_id.values()))
        wrong = []
        for index, row in enumerate(rows):
            had = own.get(row['id'], '')
            if row['own'] and (row['cells'] or row['own'] != had):
                wrong.append(
                    {'row': index, 'column': 'own', 'message': self.set_id._explain_cell(CellError('own', row['own']))})
            elif not row['cells']:
                row['own'] = had
        return wrong
