from odoo.exceptions import AccessError, UserError
from odoo.http import Controller, request, route


class SalesApproval(Controller):
    """A held order on a page of its own, for the approver who follows the link of the mail.

    It shows the hold and nothing else: an approver need have no rights on orders.
    """

    @route('/sales/approval/<int:hold_id>', type='http', auth='user', methods=['GET'], readonly=True, sitemap=False)
    def show(self, hold_id, **_kwargs):
        return self._render(self._get_hold(hold_id))

    @route('/sales/approval/<int:hold_id>/decide', type='http', auth='user', methods=['POST'], sitemap=False)
    def decide(self, hold_id, vote=None, reason='', revision='', **_kwargs):
        hold = self._get_hold(hold_id)
        reason = reason.strip()
        error = self._check(vote, reason, revision)
        if not error:
            try:
                with request.env.cr.savepoint():
                    hold.with_context(hold_revision=int(revision))._decide(vote, reason)
            except (UserError, AccessError) as problem:
                error = str(problem)
        if error:
            hold.invalidate_recordset()
            return self._render(hold, error=error, reason=reason)
        return request.redirect(f'/sales/approval/{hold_id}')

    def _get_hold(self, hold_id):
        """Return the hold, or answer that there is none to whoever has nothing to do with it."""
        user = request.env.user
        company_ids = user.company_ids.ids
        hold = request.env['sales.order.hold'].with_context(allowed_company_ids=company_ids).browse(hold_id).exists()
        if not user._is_internal() or not hold or not hold.has_access('read'):
            raise request.not_found()
        return hold

    def _check(self, vote, reason, revision):
        if vote not in ('approve', 'refuse') or not revision.isdigit():
            return request.env._("This page is out of date. Look at it again.")
        if vote == 'refuse' and not reason:
            return request.env._("Say why: the salesperson reads it.")
        return None

    def _render(self, hold, **values):
        user = request.env.user
        return request.render('sms_addon.sales_approval_page', {
            'hold': hold.sudo(),
            **hold.sudo()._prepare_figures(),
            'may_decide': hold.may_decide,
            'states': dict(hold._fields['state']._description_selection(request.env)),
            'may_open': user.has_group('sales_team.group_sale_salesman'),
            'html_lang': (request.env.lang or 'en_US').replace('_', '-'),
            'error': None,
            'reason': '',
            **values,
        })
