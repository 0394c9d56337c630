from odoo.http import Controller, content_disposition, request, route

XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'


class SalesReportExport(Controller):

    @route('/sms_addon/report/<int:export_id>.xlsx', type='http', auth='user', methods=['GET'])
    def sales_report_xlsx(self, export_id):
        """Send a report as its user set it up in the wizard."""
        export = request.env['sales.report.export'].search([('id', '=', export_id)])
        if not export:
            raise request.not_found()
        export = export.with_context(lang=export.env.user.lang)
        return request.make_response(export._build_xlsx(), headers=[
            ('Content-Type', XLSX),
            ('Content-Disposition', content_disposition(f'{export.name}.xlsx')),
        ])
