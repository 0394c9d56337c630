import base64
import os
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.sales_columns import guess_mapping, missing_targets
from ..tools.sales_import import parse_row
from ..tools.sales_styles import Styles
from ..tools.sales_table import TableError, open_table
from .sales_import_column import TARGETS

PREVIEW_ROWS = 20
# what the preview recognises the columns by; a run looks at all rows
SAMPLE_ROWS = 1000


class SalesImportFile(models.AbstractModel):
    """The file of an import: its columns, what they mean, and its first rows."""
    _name = 'sales.import.file'
    _description = "File of a Sales Import"

    @api.depends(
        'file',
        'column_ids.target',
        'date_format',
        'decimal_separator',
        'discount_format',
        'recognised',
        'cancelled_pattern',
        'cancelled_rule',
        'negative_rule',
        'missing_customer_rule',
        'anonymous_name',
        'service_codes',
        'service_rule',
    )
    def _compute_preview(self):
        for record in self:
            try:
                record.preview = record._preview_rows() if record.file and record.column_ids else False
            except TableError:
                record.preview = False

    def _read_headers(self):
        """Describe the columns of the file and guess what they mean, by a preset that fits or by their names."""
        self.ensure_one()
        try:
            with self._open_table() as table:
                headers, samples = table.headers, []
                for _line, cells in table.rows:
                    samples.append(cells)
                    if len(samples) == 3:
                        break
                legacy = 'legacy_encoding' in table.notes
                encoding, delimiter = table.encoding, table.delimiter
        except TableError as error:
            raise UserError(self._explain_table_error(error)) from None
        preset = self.preset_id or self.env['sales.import.preset']._find_for(headers)
        if preset and preset != self.preset_id:
            self.update({'preset_id': preset.id, **preset._get_rule_values()})
        mapping = preset.mapping or guess_mapping(headers)
        self.file_note = self._describe_format(encoding, delimiter, legacy)
        self.column_ids = [fields.Command.clear()] + [
            fields.Command.create(
                {
                    'sequence': sequence,
                    'name': header,
                    'sample': " · ".join(str(row.get(header, '')) for row in samples)[:200],
                    'target': mapping.get(header),
                }
            )
            for sequence, header in enumerate(headers)
        ]

    def _describe_format(self, encoding, delimiter, legacy):
        if not encoding:
            return self.env._("Excel workbook, first sheet")
        delimiter = {
            ',': self.env._("commas"),
            ';': self.env._("semicolons"),
            '\t': self.env._("tabs"),
            '|': self.env._("bars"),
        }.get(delimiter, delimiter)
        if legacy:
            return self.env._(
                "CSV separated by %(delimiter)s; not in UTF-8, so read as %(encoding)s: check names with accents",
                delimiter=delimiter,
                encoding=encoding,
            )
        return self.env._("CSV separated by %(delimiter)s", delimiter=delimiter)

    def _explain_table_error(self, error):
        return {
            'empty': self.env._("The file is empty."),
            'headers': self.env._("Two columns of the file have the same header."),
            'broken': self.env._("The file is neither a CSV nor an Excel (XLSX) table, or it is damaged."),
        }[error.code]

    @api.onchange('file')
    def _onchange_file(self):
        if self.file:
            self._read_headers()

    @api.onchange('preset_id')
    def _onchange_preset_id(self):
        if self.preset_id:
            self.update(self.preset_id._get_rule_values())
            for column in self.column_ids:
                column.target = (self.preset_id.mapping or {}).get(column.name)

    def _get_mapping(self):
        """Return the header of each mapped target field.

        :raise UserError: a field is mapped twice, or a required one not at all
        """
        mapping = {}
        for column in self.column_ids.filtered('target'):
            if column.target in mapping:
                raise UserError(
                    self.env._(
                        "Two columns mean “%(target)s”: %(first)s and %(second)s.",
                        target=self._get_target_label(column.target),
                        first=mapping[column.target],
                        second=column.name,
                    )
                )
            mapping[column.target] = column.name
        if missing := missing_targets(mapping):
            raise UserError(
                self.env._(
                    "No column means: %(targets)s.",
                    targets=", ".join(" / ".join(map(self._get_target_label, targets)) for targets in missing),
                )
            )
        return mapping

    def _get_target_label(self, target):
        return dict(self.env['sales.import.column']._fields['target']._description_selection(self.env))[target]

    def _preview_rows(self):
        """Return the first rows as they are understood: headers, and rows of cells with their problems."""
        mapping = {column.target: column.name for column in self.column_ids if column.target}
        shown = [target for target, _label in TARGETS if target in mapping]
        rules, rows = self._recognise(mapping, SAMPLE_ROWS), []
        with self._open_table() as table:
            for line, cells in islice(table.rows, PREVIEW_ROWS):
                parsed = parse_row(line, cells, mapping, rules)
                problems = self.env['sales.import.issue'].new
                rows.append(
                    {
                        'line': line,
                        'cells': [
                            self._preview_cell(target, parsed.row, cells.get(mapping[target])) for target in shown
                        ],
                        'outcome': parsed.outcome,
                        'problem': " ".join(
                            problems({'code': issue.code, 'value': issue.value}).reason for issue in parsed.issues
                        ),
                    }
                )
        return {'headers': [self._get_target_label(target) for target in shown], 'rows': rows}

    def _get_reading_rules(self, mapping):
        """Return the rules for reading, after a first look at the whole file for what they leave to recognise.

        What was recognised is kept: an import that is resumed must go on as it began.
        """
        rules = self._recognise(mapping)
        self.recognised = {'separators': rules.separators, 'discount_as_fraction': rules.discount_as_fraction}
        return rules

    def _recognise(self, mapping, limit=None):
        """Return the rules completed by how the columns write their numbers.

        :param limit: the number of rows to look at, all when left out
        """
        rules = self._get_rules()
        if self.recognised:
            return replace(rules, **self.recognised)
        styles = Styles(mapping, rules)
        if styles.open:
            with self._open_table() as table:
                for _line, cells in islice(table.rows, limit):
                    styles.see(cells)
        return replace(rules, **styles.settle())

    @api.model
    def _preview_cell(self, target, row, text):
        name = {'order_ref': 'order', 'date': 'moment'}.get(target, target)
        value = getattr(row, name, None) if row else None
        if target == 'date' and row:
            return value.strftime('%Y-%m-%d %H:%M')
        if value in (None, True, False, ''):
            return '' if text is None else str(text)
        return f'{value:f}' if hasattr(value, 'quantize') else str(value)

    @contextmanager
    def _open_table(self):
        """Open the file where it is stored; one in the database or not saved yet is put on disk meanwhile."""
        attachment = (
            self.env['ir.attachment']
            .sudo()
            .search(
                [('res_model', '=', self._name), ('res_id', 'in', self._origin.ids), ('res_field', '=', 'file')],
                limit=1,
            )
        )
        if attachment.store_fname and self.file == self._origin.file:
            with open_table(attachment._full_path(attachment.store_fname)) as table:
                yield table
            return
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'table')
            with open(path, 'wb') as target:
                target.write(self._decode_file())
            with open_table(path) as table:
                yield table

    def _decode_file(self):
        return base64.b64decode(self.with_context(bin_size=False).file or b'')
