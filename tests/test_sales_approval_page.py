from urllib.parse import urlsplit

from lxml import html

from odoo.tests import HttpCase, new_test_user, tagged

from .approval_common import ApprovalCommon


@tagged('post_install', '-at_install')
class TestSalesApprovalPage(HttpCase, ApprovalCommon):
    """The page that the link of the mail leads to."""

    def setUp(self):
        super().setUp()
        self.order_held = self.held_order(discount=30)
        self.hold = self.request(self.order_held)
        self.path = f'/sales/approval/{self.hold.id}'

    def page(self, login='approver1'):
        self.authenticate(login, login)
        answer = self.url_open(self.path)
        return answer, html.fromstring(answer.content)

    def post(self, page, **values):
        form = page.xpath("//form[contains(@action, '/decide')]")[0]
        data = {field.get('name'): field.get('value') for field in form.xpath('.//input')} | values
        return self.url_open(form.get('action'), data=data)

    def test_an_approver_without_sales_rights_sees_reason_and_figures(self):
        answer, page = self.page()
        self.assertEqual(answer.status_code, 200)
        text = page.text_content()
        for expected in (self.order_held.name, "The discount is above 20 %.", "30.00 %", "Own Documents"):
            self.assertIn(expected, text)
        self.assertNotIn(self.products[0].name, text)
        self.assertFalse(page.xpath("//a[contains(@href, '/odoo/')]"), "there is nothing else for him to open")
        self.env.invalidate_all()
        self.assertEqual(self.hold.state, 'waiting', "looking changes nothing")

    def test_approving(self):
        _answer, page = self.page()
        answer = self.post(page, vote='approve', reason="Good customer")
        self.assertEqual(urlsplit(answer.url).path, self.path)
        self.env.invalidate_all()
        self.assertEqual((self.hold.state, self.hold.vote_ids.reason), ('approved', "Good customer"))
        page = html.fromstring(answer.content)
        self.assertIn("Approved by Approver 1. Good customer", page.text_content())
        self.assertFalse(page.xpath('//form[contains(@action, "/decide")]'))

    def test_refusing_needs_a_reason(self):
        _answer, page = self.page()
        answer = self.post(page, vote='refuse', reason="  ")
        self.assertIn("Say why", answer.text)
        self.assertEqual(self.hold.state, 'waiting')
        self.post(page, vote='refuse', reason="No <b>budget</b>")
        self.env.invalidate_all()
        self.assertEqual(self.hold.state, 'refused')
        self.assertNotIn("<b>budget</b>", self.url_open(self.path).text)

    def test_a_stale_page_decides_nothing(self):
        _answer, page = self.page()
        self.double(self.order_held)
        self.request(self.order_held)
        answer = self.post(page, vote='approve')
        self.assertIn("since you opened it", answer.text)
        self.assertIn('name="revision" value="2"', answer.text)
        self.env.invalidate_all()
        self.assertEqual(self.hold.state, 'waiting')

    def test_a_worse_order_is_not_approved(self):
        _answer, page = self.page()
        self.double(self.order_held)
        self.env.flush_all()
        answer = self.post(page, vote='approve', reason="Keep this text")
        self.assertIn("the total rose from", answer.text)
        self.assertIn("Keep this text", answer.text)

    def test_nonsense(self):
        _answer, page = self.page()
        for values in ({'vote': 'nonsense'}, {'revision': 'x', 'vote': 'approve'}, {'revision': '', 'vote': 'approve'}):
            self.assertIn("out of date", self.post(page, **values).text)
        self.assertEqual(self.post(page, vote='approve', csrf_token='wrong').status_code, 400)
        self.assertEqual(self.url_open(f'{self.path}/decide?vote=approve&revision=1').status_code, 405)
        self.env.invalidate_all()
        self.assertEqual(self.hold.state, 'waiting')

    def test_others_find_nothing(self):
        new_test_user(self.env, 'stranger', 'sales_team.group_sale_salesman')
        for login in ('approver2', 'stranger', 'portal customer'):
            answer, _page = self.page(login)
            self.assertEqual(answer.status_code, 404, login)
            self.assertNotIn(self.order_held.name, answer.text)
        self.path = '/sales/approval/999999999'
        self.assertEqual(self.page()[0].status_code, 404)

    def test_nobody_comes_in_without_login(self):
        answer = self.url_open(self.path, allow_redirects=False)
        self.assertEqual(answer.status_code, 303)
        self.assertIn('/web/login', answer.headers['Location'])

    def test_the_salesperson_may_look(self):
        answer, page = self.page('own')
        self.assertEqual(answer.status_code, 200)
        self.assertFalse(page.xpath('//form[contains(@action, "/decide")]'))

    def test_in_the_language_of_the_reader(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.first.lang = 'zh_CN'
        view = self.env.ref('sms_addon.sales_approval_page')
        view.update_field_translations('arch_db', {'zh_CN': {"Approve": "批准"}})
        answer, page = self.page()
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(page.get('lang'), 'zh-CN')
        self.assertEqual(page.xpath("//button[@value='approve']")[0].text, "批准")
