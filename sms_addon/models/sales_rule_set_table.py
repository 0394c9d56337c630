import re
from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools import xlsx
from ..tools.rule_table import (
    BY_ID,
    CHOICES,
    RECORDS,
    CellError,
    Column,
    Row,
    Table,
    TableError,
    Words,
    find_paths,
    is_same,
    to_rules,
    to_table,
)

#: names offered for a cell while one types
OFFERED = 50
OUTCOMES = ('name', 'decision', 'message', 'policy', 'date_from', 'date_to', 'company')
HEADER = re.compile(r'.*\[([\w.]+)\]\s*$', re.DOTALL)


class SalesRuleSet(models.Model):
    """A rule set as a decision table: shown and edited as a grid, sent to a spreadsheet and taken back from one."""
    _inherit = 'sales.rule.set'

    # -- reading

    def get_table(self, paths=()):
        """Return the rules as a grid shows them.

        :param paths: fields that have a column whether or not a condition asks for them
        """
        self.ensure_one()
        self.check_access('read')
        rules = self.rule_ids.sorted()
        columns, words = self._get_columns(rules, paths), self._get_words()
        table = to_table([{'id': rule.id, 'domain': rule.domain} for rule in rules], columns.values(), words)
        return {
            'columns': [self._describe_column(column) for column in columns.values()],
            'rows': [
                self._prepare_row(rule, row) for rule, row in zip(rules, table.rows, strict=True)],
            'decisions': self.env['sales.rule']._fields['decision']._description_selection(self.env),
            'policies': list(map(self._name_of, self.env['sales.approval.policy'].search([], limit=200))),
            'companies': list(map(self._name_of, self.env.companies)) if len(self.env.user.company_ids) > 1 else [],
            'readonly': not self.has_access('write'),
        }

    def _get_words(self):
        """Return the words of the user's language that stand in cells."""
        return Words(
            set=self.env._("set"), not_set=self.env._("not set"), yes=self.env._("yes"), no=self.env._("no"))

    def _get_columns(self, rules, paths=()):
        """Return path -> column of all fields that have one."""
        columns = {}
        for path in dict.fromkeys([*find_paths([{'domain': rule.domain} for rule in rules]), *paths]):
            if field := self._get_field(path):
                columns[path] = self._prepare_column(path, field)
        return columns

    def _get_field(self, path):
        """Return the field at the end of a path, if there is one that the user may read."""
        model, field = self.env[self.model], None
        for name in path.split('.'):
            field = model is not None and model._fields.get(name)
            if not field or not model._has_field_access(field, 'read'):
                return None
            model = self.env[field.comodel_name] if field.relational else None
        return field

    def _prepare_column(self, path, field):
        if field.type == 'selection':
            labels = dict(field._description_selection(self.env))
            return Column(path, field.type, lambda value: labels.get(value, value), self._resolve_label(labels))
        if field.type in RECORDS:
            records = self.env[field.comodel_name].with_context(active_test=False)
            return Column(path, field.type, self._name_record(records), lambda name: self._find_record(records, name))
        return Column(path, field.type)

    def _resolve_label(self, labels):
        def resolve(text):
            found = [value for value, label in labels.items() if label.casefold() == text.casefold()]
            if len(found) > 1:
                raise CellError('ambiguous', text)
            if not found and text not in labels:
                raise CellError('unknown', text)
            return found[0] if found else text
        return resolve

    def _find_record(self, records, name):
        """Return the id of the record with a name."""
        found = [record_id for record_id, _name in records.name_search(name, operator='=', limit=2)]
        if len(found) != 1:
            raise CellError('ambiguous' if found else 'unknown', name)
        return found[0]

    def _name_record(self, records):
        def name(record_id):
            display_name = records.browse(record_id).exists().display_name
            if not display_name:
                return f'#{record_id}'
            try:
                unique = not BY_ID.match(display_name) and self._find_record(records, display_name) == record_id
            except CellError:
                unique = False
            return display_name if unique else f'{display_name} (#{record_id})'
        return name

    def _describe_column(self, column):
        field = self._get_field(column.path)
        return {
            'path': column.path,
            'label': self._label_of(column.path),
            'type': column.type,
            'options': self._get_options(field) if column.type in (*CHOICES, 'boolean') else [],
        }

    def _label_of(self, path):
        model, labels = self.env[self.model], []
        for name in path.split('.'):
            field = model._fields[name]
            labels.append(field._description_string(self.env))
            model = self.env[field.comodel_name] if field.relational else model
        return ' / '.join(labels)

    def _get_options(self, field):
        if field.type == 'boolean':
            words = self._get_words()
            return [words.yes, words.no]
        if field.type == 'selection':
            return [label for _value, label in field._description_selection(self.env)]
        return [name for _id, name in self.env[field.comodel_name].name_search('', limit=OFFERED) if name]

    def _get_own_conditions(self, rules):
        """Return the conditions of the rules that have no place in cells."""
        table = to_table(
            [{'id': rule.id, 'domain': rule.domain} for rule in rules], self._get_columns(rules).values(),
            self._get_words())
        return {row.values['id']: row.own for row in table.rows if row.own}

    def _prepare_row(self, rule, row):
        return {
            'id': rule.id,
            'cells': row.cells,
            'own': row.own,
            'name': rule.name or '',
            'decision': rule.decision,
            'message': rule.message or '',
            'policy': self._name_of(rule.approval_policy_id),
            'date_from': fields.Date.to_string(rule.date_from) or '',
            'date_to': fields.Date.to_string(rule.date_to) or '',
            'company': self._name_of(rule.company_id),
            'actions': len(rule.action_ids),
        }

    # -- writing

    def write_table(self, rows, archived=(), strict=False):
        """Make the rules what the rows say; all of them, or none where a cell cannot be read.

        :param rows: as from :meth:`get_table`; those without id are new
        :param archived: ids of rules to be archived
        :param strict: raise what is wrong
        :return: what is wrong, as {row, column, message}
        """
        self.ensure_one()
        self.check_access('write')
        values, errors = self._parse_rows(rows)
        if errors and strict:
            raise UserError('\n'.join(self._explain_error(error) for error in errors))
        if not errors:
            self._write_rows(values)
            rules = self.with_context(active_test=False).rule_ids
            rules.filtered(lambda rule: rule.id in archived).active = False
        return errors

    def _explain_error(self, error, label=None):
        column = error['column']
        return self.env._(
            "Row %(row)s, %(column)s: %(message)s", row=label or error['row'] + 1,
            column=self._get_outcome_labels().get(column) or self._label_of(column), message=error['message'])

    def _get_outcome_labels(self):
        rules = self.env['sales.rule']
        return {
            'id': self.env._("ID"),
            'name': self.env._("Rule"),
            'own': self.env._("Own Condition"),
            'policy': rules._fields['approval_policy_id']._description_string(self.env),
            'company': rules._fields['company_id']._description_string(self.env),
            **{name: rules._fields[name]._description_string(self.env)
               for name in ('decision', 'message', 'date_from', 'date_to')},
        }

    def _parse_rows(self, rows):
        """Return the values of the rules, and what is wrong with the rows."""
        found, errors = [], []
        rules = {rule.id: rule for rule in self.with_context(active_test=False).rule_ids}
        conditions, wrong = self._parse_conditions(rows, rules)
        for index, row in enumerate(rows):
            values = {'rule': rules.get(row.get('id'), self.env['sales.rule']), 'sequence': index}
            if conditions:
                values['domain'] = conditions[index]
            for name in OUTCOMES:
                try:
                    values.update(getattr(self, f'_parse_{name}')(row))
                except CellError as error:
                    errors.append((index, name, error))
            found.append(values)
        return found, [
            {'row': index, 'column': column, 'message': self._explain_cell(error)}
            for index, column, error in sorted([*wrong, *errors], key=lambda error: error[0])]

    def _parse_conditions(self, rows, rules):
        paths = dict.fromkeys(path for row in rows for path, text in (row.get('cells') or {}).items() if text)
        fields_of = {path: self._get_field(path) for path in paths}
        columns = [self._prepare_column(path, field) for path, field in fields_of.items() if field]
        wrong = [
            (index, path, CellError('field', path)) for index, row in enumerate(rows)
            for path in row.get('cells') or {} if path in fields_of and not fields_of[path]]
        table = Table(columns, [
            Row({}, {} if row.get('own') else row.get('cells') or {}, self._get_own(row, rules)) for row in rows])
        try:
            return [rule['domain'] for rule in to_rules(table, self._get_words())], wrong
        except TableError as error:
            return [], [*wrong, *error.errors]

    def _get_own(self, row, rules):
        """Return the own condition of a row: that of its rule, which no table changes."""
        rule = rules.get(row.get('id'))
        return row.get('own') and (rule.domain if rule else row['own']) or ''

    def _parse_name(self, row):
        if not (row.get('name') or '').strip():
            raise CellError('required', '')
        return {'name': row['name'].strip()}

    def _parse_decision(self, row):
        labels = dict(self.env['sales.rule']._fields['decision']._description_selection(self.env))
        text = (row.get('decision') or '').strip()
        if not text:
            raise CellError('required', '')
        return {'decision': text if text in labels else self._resolve_label(labels)(text)}

    def _parse_message(self, row):
        return {'message': (row.get('message') or '').strip()}

    def _parse_policy(self, row):
        text = (row.get('policy') or '').strip()
        if not text and row.get('decision') in self._get_hold():
            raise CellError('policy', '')
        return {'approval_policy_id': self._find_named('sales.approval.policy', text)}

    def _get_hold(self):
        """Return what a hold may be called in a cell."""
        return 'hold', dict(self.env['sales.rule']._fields['decision']._description_selection(self.env))['hold']

    def _parse_company(self, row):
        return {'company_id': self._find_named('res.company', (row.get('company') or '').strip())}

    def _find_named(self, model, text):
        if not text:
            return False
        found = self.env[model].search([('name', '=', text)], limit=2)
        if match := not found and BY_ID.match(text):
            found = self.env[model].search([('id', '=', int(match[1]))])
        if len(found) != 1:
            raise CellError('ambiguous' if found else 'unknown', text)
        return found.id

    def _name_of(self, record):
        """Return the name by which :meth:`_find_named` finds a record."""
        same = len(record) and record.search_count([('name', '=', record.name)], limit=2)
        return f'{record.name} (#{record.id})' if same > 1 else record.name or ''

    def _parse_date_from(self, row):
        return {'date_from': self._parse_date(row.get('date_from'))}

    def _parse_date_to(self, row):
        start, end = row.get('date_from'), self._parse_date(row.get('date_to'))
        if end and start and self._is_date(start) and self._parse_date(start) > end:
            raise CellError('order', str(end))
        return {'date_to': end}

    def _is_date(self, text):
        try:
            return bool(self._parse_date(text))
        except CellError:
            return False

    def _parse_date(self, text):
        text = (text or '').strip()
        try:
            return date.fromisoformat(text) if text else False
        except ValueError:
            raise CellError('date', text) from None

    def _write_rows(self, rows):
        """Write what differs from the rules, so that a text that was not touched keeps its translations."""
        for values in rows:
            rule = values.pop('rule')
            if not rule:
                self.env['sales.rule'].create({'set_id': self.id, **values})
                continue
            now = {
                name: value.id if isinstance(value := rule[name], models.BaseModel) else value or False
                for name in values}
            changed = {name: value for name, value in values.items() if now[name] != (value or False)}
            if 'domain' in changed and is_same(rule.domain, changed['domain']):
                del changed['domain']
            if changed or not rule.active:
                rule.write({**changed, 'active': True})

    @api.model
    def _explain_cell(self, error):
        """Return why a cell cannot be read."""
        value = error.value
        return {
            'number': self.env._("%(value)s is not a number.", value=value),
            'day': self.env._("%(value)s is no date: write 2026-12-31, or today -30d.", value=value),
            'date': self.env._("%(value)s is no date: write 2026-12-31.", value=value),
            'order': self.env._("A rule ends after it begins.", value=value),
            'boolean': self.env._("%(value)s is neither yes nor no.", value=value),
            'operator': self.env._("%(value)s cannot be asked of a field of this kind.", value=value),
            'quote': self.env._("A quotation mark is missing in %(value)s.", value=value),
            'empty': self.env._("%(value)s lacks a value.", value=value),
            'unknown': self.env._("There is no %(value)s.", value=value),
            'ambiguous': self.env._(
                "There are several of the name %(value)s. Add the number, as in (#12).", value=value),
            'required': self.env._("This must not be empty."),
            'policy': self.env._("A rule that holds needs somebody who approves."),
            'field': self.env._("%(value)s is no field of the document that you may read.", value=value),
            'own': self.env._("An own condition is changed on the form of the rule, not in a table."),
            'number_of_rule': self.env._("%(value)s is the number of no rule of this set.", value=value),
            'twice': self.env._("%(value)s is there twice.", value=value),
        }[error.code]

    # -- spreadsheets

    def action_export_table(self):
        """Download the table."""
        self.ensure_one()
        return {'type': 'ir.actions.act_url', 'url': f'/sms_addon/rule_table/{self.id}.xlsx', 'target': 'download'}

    def action_import_table(self):
        """Ask for a spreadsheet."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Import the Table of %(set)s", set=self.name),
            'res_model': 'sales.rule.table.import',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_set_id': self.id},
        }

    def _build_table_xlsx(self):
        """Return the table as a spreadsheet; each cell is a text, whatever it begins with."""
        table, labels = self.get_table(), self._get_outcome_labels()
        decisions = dict(table['decisions'])
        inputs = [(column['path'], f"{column['label']} [{column['path']}]") for column in table['columns']]
        order = ['id', 'name', *(path for path, _label in inputs), 'own', *OUTCOMES[1:]]
        labels |= dict(inputs)
        columns = [xlsx.Column(key, labels[key], 'raw') for key in order]
        rows = (
            [{**row, **row['cells'], 'decision': decisions[row['decision']], 'id': str(row['id'])}.get(key) or ''
             for key in order]
            for row in table['rows'])
        return xlsx.build(self.name, self._get_table_notes(), columns, rows, total_label=None)

    def _get_table_notes(self):
        return [
            self.env._("A row per rule. A cell says what must hold of its column; an empty one does not matter."),
            self.env._(
                "< 10   >= 10   10 .. 20   A, B (one of them)   != A, B (none)   ~ text (contains)   set   not set"),
        ]

    def _read_table_headers(self, headers):
        """Return what the columns of a spreadsheet hold, in their order; False for those that nothing is known of."""
        labels = {label.casefold(): key for key, label in self._get_outcome_labels().items()}
        english = self.with_context(lang='en_US')._get_outcome_labels()
        english = {label.casefold(): key for key, label in english.items()}
        return [self._read_table_header(header, {**english, **labels}) for header in headers]

    def _read_table_header(self, header, labels):
        header = str(header or '').strip()
        if header.casefold() in labels:
            return labels[header.casefold()]
        match = HEADER.match(header)
        path = match[1] if match else header
        if self._get_field(path):
            return path
        found = [
            name for name, field in self.env[self.model]._fields.items()
            if field._description_string(self.env) == header and self._get_field(name)]
        return found[0] if len(found) == 1 else False
