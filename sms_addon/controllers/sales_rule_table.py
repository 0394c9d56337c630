from odoo.http import Controller, content_disposition, request, route

from .sales_report_export import XLSX


class SalesRuleTable(Controller):

    @route('/sms_addon/rule_table/<int:set_id>.xlsx', type='http', auth='user', methods=['GET'])
    def rule_table_xlsx(self, set_id):
        """Send the decision table of a rule set, as far as the user may see it."""
        rule_set = request.env['sales.rule.set'].search([('id', '=', set_id)])
        if not rule_set:
            raise request.not_found()
        rule_set = rule_set.with_context(lang=rule_set.env.user.lang)
        return request.make_response(rule_set._build_table_xlsx(), headers=[
            ('Content-Type', XLSX),
            ('Content-Disposition', content_disposition(f'{rule_set.name}.xlsx')),
        ])
