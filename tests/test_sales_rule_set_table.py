import io
from base64 import b64encode

from openpyxl import Workbook, load_workbook

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged

from .common import WarehouseCommon


@tagged('post_install', '-at_install')
class TestRuleSetTable(HttpCase, WarehouseCommon):
    """A rule set as a grid and as a spreadsheet."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls.env['sales.approval.policy'].create({'name': "Managers"})
        cls.rule_set = cls.env['sales.rule.set'].with_user(cls.manager).create({'name': "Policy"})
        cls.alpha = cls.customers[0]
        cls.domains = [
            f"[('amount_total', '<', 100), ('partner_id', '=', {cls.alpha.id})]",
            "[('amount_total', '>=', 10), ('amount_total', '<=', 20), ('state', 'in', ['sale', 'draft'])]",
            "['|', ('amount_total', '<', 0), ('client_order_ref', '=', False)]",
        ]
        cls.rules = cls.env['sales.rule'].create([
            {'set_id': cls.rule_set.id, 'name': f"Rule {number}", 'domain': domain, 'sequence': number, 'message': "No"}
            for number, domain in enumerate(cls.domains)])

    def table(self, **options):
        self.env.invalidate_all()
        return self.rule_set.get_table(**options)

    # -- the grid

    def test_what_is_shown(self):
        table = self.table()
        self.assertEqual(
            [(column['path'], column['label'], column['type']) for column in table['columns']],
            [('amount_total', "Total", 'monetary'), ('partner_id', "Customer", 'many2one'),
             ('state', "Status", 'selection')])
        self.assertEqual([row['cells'] for row in table['rows']], [
            {'amount_total': "< 100", 'partner_id': "Alpha"},
            {'amount_total': "10 .. 20", 'state': "Sales Order, Quotation"},
            {},
        ])
        self.assertEqual([row['own'] for row in table['rows']], ['', '', self.domains[2]])
        [options] = [column['options'] for column in table['columns'] if column['path'] == 'partner_id']
        self.assertIn("Alpha", options)

    def test_columns_are_added(self):
        paths = [column['path'] for column in self.table(paths=['partner_id.country_id', 'nothing'])['columns']]
        self.assertEqual(paths, ['amount_total', 'partner_id', 'state', 'partner_id.country_id'])

    def test_saving_what_is_shown_changes_nothing(self):
        self.rule_set.action_publish()
        self.assertFalse(self.rule_set.edited)
        stamps = self.rules.mapped('write_date')
        self.assertEqual(self.rule_set.write_table(self.table()['rows']), [])
        self.env.flush_all()
        self.assertEqual(self.rules.mapped('write_date'), stamps)
        self.assertFalse(self.rule_set.edited)
        self.assertEqual(self.rules.mapped('domain'), self.domains)

    def test_cells_are_written(self):
        rows = self.table()['rows']
        rows[0]['cells'] = {'partner_id': "Alpha, Beta", 'amount_total': "> 5; != 7"}
        rows[0] |= {'decision': 'hold', 'policy': "Managers", 'date_from': '2026-01-01', 'message': "Why"}
        rows[2]['name'] = "Third"
        rows.append({'name': "New", 'cells': {'order_line.discount': ">= 10"}, 'decision': "Block"})
        self.assertEqual(self.rule_set.write_table(rows, archived=[self.rules[1].id]), [])
        first, second, third, new = self.rule_set.with_context(active_test=False).rule_ids.sorted('sequence')
        self.assertEqual(
            first.domain,
            f"[('partner_id', 'in', {self.customers[:2].ids}), ('amount_total', '>', 5), ('amount_total', '!=', 7)]")
        self.assertEqual(
            (first.decision, first.approval_policy_id, str(first.date_from)), ('hold', self.policy, '2026-01-01'))
        self.assertFalse(second.active)
        self.assertEqual((third.name, third.domain), ("Third", self.domains[2]))
        self.assertEqual((new.decision, new.domain), ('stop', "[('order_line.discount', '>=', 10)]"))

    def test_all_or_nothing(self):
        rows = self.table()['rows']
        rows[0]['name'] = "Changed"
        rows[0]['cells']['amount_total'] = "< ten"
        rows[1]['cells']['partner_id'] = "Nobody"
        rows[1] |= {'decision': 'hold', 'date_from': '2026-12-31', 'date_to': '2026-01-01'}
        rows[2] |= {'name': " ", 'company': "Nowhere", 'decision': "perhaps"}
        rows.append({'name': "New", 'cells': {'secret': "1"}, 'decision': 'warn', 'date_to': "soon"})
        errors = self.rule_set.write_table(rows)
        self.assertEqual({(error['row'], error['column']) for error in errors}, {
            (0, 'amount_total'), (1, 'partner_id'), (1, 'policy'), (1, 'date_to'), (2, 'name'), (2, 'company'),
            (2, 'decision'), (3, 'secret'), (3, 'date_to')})
        self.assertEqual(self.rules[0].name, "Rule 0")
        self.assertEqual(len(self.rule_set.rule_ids), 3)
        with self.assertRaisesRegex(UserError, "Row 1, Total: ten is not a number."):
            rows[3]['cells'] = {}
            self.rule_set.write_table(rows, strict=True)

    def test_own_condition_is_never_lost(self):
        rows = self.table()['rows']
        rows[2]['own'] = "[('id', '=', 1)]"
        rows[2]['cells'] = {'amount_total': "< 1"}
        self.rule_set.write_table(rows)
        self.assertEqual(self.rules[2].domain, self.domains[2])

    def test_names(self):
        twins = self.env['res.partner'].create([{'name': "Twin"}, {'name': "Twin"}])
        rows = self.table()['rows']
        rows[0]['cells']['partner_id'] = "Twin"
        [error] = self.rule_set.write_table(rows)
        self.assertIn("several", error['message'])
        rows[0]['cells']['partner_id'] = f"Twin (#{twins[1].id})"
        self.assertEqual(self.rule_set.write_table(rows), [])
        self.assertIn(str(twins[1].id), self.rules[0].domain)
        self.assertEqual(self.table()['rows'][0]['cells']['partner_id'], f"Twin (#{twins[1].id})")

    def test_policies_of_the_same_name(self):
        twin = self.policy.copy()
        twin.name = self.policy.name
        self.rules[0].write({'decision': 'hold', 'approval_policy_id': twin.id})
        rows = self.table()['rows']
        self.assertEqual(rows[0]['policy'], f"Managers (#{twin.id})")
        self.assertEqual(self.rule_set.write_table(rows), [])
        self.assertEqual(self.rules[0].approval_policy_id, twin)

    def test_other_language(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.rules[0].update_field_translations('message', {'zh_CN': "不"})
        chinese = self.rule_set.with_context(lang='zh_CN')
        rows = chinese.get_table()['rows']
        self.assertEqual(rows[0]['message'], "不")
        rows[0]['message'] = "不行"
        self.assertEqual(chinese.write_table(rows), [])
        self.assertEqual(self.rules[0].with_context(lang='en_US').message, "No")
        self.assertEqual(self.rules[0].with_context(lang='zh_CN').message, "不行")

    def test_rights(self):
        rule_set = self.rule_set.with_user(self.salesman)
        table = rule_set.get_table()
        self.assertTrue(table['readonly'])
        with self.assertRaises(AccessError):
            rule_set.write_table(table['rows'])
        with self.assertRaises(AccessError):
            self.rule_set.with_user(self.portal).get_table()

    # -- spreadsheets

    def export(self):
        return load_workbook(io.BytesIO(self.rule_set._build_table_xlsx()))

    def bring_in(self, book, **options):
        output = io.BytesIO()
        book.save(output)
        self.env['sales.rule.table.import'].with_user(self.manager).create({
            'set_id': self.rule_set.id, 'file': b64encode(output.getvalue()), **options}).action_import()
        self.env.invalidate_all()

    def test_export_is_text(self):
        self.rules[0].name = "=HYPERLINK(1)"
        sheet = self.export().active
        header = [cell.value for cell in sheet[5]]
        self.assertEqual(header[:5], ["ID", "Rule", "Total [amount_total]", "Customer [partner_id]", "Status [state]"])
        row = sheet[6]
        self.assertEqual((row[1].value, row[1].data_type, row[1].number_format), ("=HYPERLINK(1)", 's', '@'))
        self.assertEqual(sheet.max_row, 8, "no totals")

    def test_there_and_back(self):
        self.rule_set.action_publish()
        self.bring_in(self.export())
        self.assertEqual(self.rules.mapped('domain'), self.domains)
        self.assertFalse(self.rule_set.edited)

    def test_import_changes_adds_and_archives(self):
        self.rule_set.action_publish()
        book = self.export()
        sheet = book.active
        sheet['C6'] = 50  # a spreadsheet makes a number of it
        sheet.delete_rows(7)
        sheet.append([None, "New", "= 5", None, "Sales Order"] + [None] * 8)
        sheet.cell(8, [cell.value for cell in sheet[5]].index("Decision") + 1).value = "Block"
        self.bring_in(book)
        self.assertEqual(self.rules[0].domain, f"[('amount_total', '=', 50), ('partner_id', '=', {self.alpha.id})]")
        new = self.rule_set.rule_ids - self.rules
        self.assertEqual((new.name, new.decision), ("New", 'stop'))
        self.assertTrue(self.rules[1].active, "only when asked")
        self.assertTrue(self.rule_set.edited)
        self.assertEqual(len(self.rule_set.published_id.definition['rules']), 3, "edited, not published")
        self.bring_in(book, archive_missing=True)
        self.assertFalse(self.rules[1].active)

    def make_book(self, *rows):
        book = Workbook()
        for row in rows:
            book.active.append(row)
        return book

    def test_rules_are_known_by_their_name(self):
        self.bring_in(self.make_book(
            ["Rule", "Total", "discount [order_line.discount]", "Decision"], ["Rule 1", "< 7", "> 20", "Warn"],
            ["Other", "", "", "Only act"]))
        self.assertEqual(self.rules[1].domain, "[('amount_total', '<', 7), ('order_line.discount', '>', 20)]")
        self.assertEqual(len(self.rule_set.rule_ids), 4)

    def test_import_is_all_or_nothing(self):
        book = self.export()
        sheet = book.active
        sheet['B6'] = "Changed"
        sheet['D7'] = "Nobody"
        sheet['C8'] = "< ten"
        with self.assertRaises(UserError) as caught:
            self.bring_in(book)
        self.assertIn("Row 7, Customer: There is no Nobody.", str(caught.exception))
        self.assertIn("Row 8, Own Condition", str(caught.exception), "a rule has either cells or its own condition")
        self.assertEqual(self.rules[0].name, "Rule 0")

    def test_own_conditions_do_not_come_in(self):
        header = ["ID", "Rule", "Own Condition", "Decision"]
        with self.assertRaisesRegex(UserError, "own condition"):
            self.bring_in(self.make_book(header, ["", "Mine", "[('id', '>', 0)]", "Warn"]))
        self.bring_in(self.make_book(["ID", "Rule", "Decision"], [str(self.rules[2].id), "Third", "Block"]))
        self.assertEqual((self.rules[2].name, self.rules[2].domain), ("Third", self.domains[2]))

    def test_files_that_are_refused(self):
        other = self.env['sales.rule.set'].create({'name': "Other", 'rule_ids': [(0, 0, {'name': "Theirs"})]})
        head = ["ID", "Rule", "Decision"]
        for message, rows in (
                ("no row of headers", [["a", "b"]]),
                ("is the number of no rule", [head, [str(other.rule_ids.id), "X", "Warn"]]),
                ("is there twice", [head, [str(self.rules[0].id), "X", "Warn"], [str(self.rules[0].id), "Y", "Warn"]]),
                ("Column amount_total is there twice", [[*head, "Total", "amount_total"], ["", "X", "Warn"]]),
                ("Column Colour is no field", [[*head, "Colour"], ["", "X", "Warn"]])):
            with self.subTest(message), self.assertRaisesRegex(UserError, message):
                self.bring_in(self.make_book(*rows))
        with self.assertRaisesRegex(UserError, "no Excel file"):
            self.env['sales.rule.table.import'].create({
                'set_id': self.rule_set.id, 'file': b64encode(b"nothing")}).action_import()

    def test_download(self):
        self.authenticate('boss', 'boss')
        answer = self.url_open(self.rule_set.action_export_table()['url'])
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(load_workbook(io.BytesIO(answer.content)).active['B6'].value, "Rule 0")
        self.authenticate('portal customer', 'portal customer')
        self.assertNotEqual(self.url_open(self.rule_set.action_export_table()['url']).status_code, 200)
