import json

from odoo import api, fields, models
from odoo.fields import Command


class SalesRuleExecution(models.AbstractModel):
    """Does what the actions of a rule say, with the rights of whoever published it."""
    _name = 'sales.rule.execution'
    _description = "Execution of Rules"

    @api.model
    def _run(self, record, rule, actions):
        """Run actions of a rule on a document that is in the environment of the publisher.

        :return: who was told, as texts
        """
        told = []
        for action in actions:
            told += getattr(self, f'_run_{action["kind"]}')(record, rule, action) or []
        return told

    def _run_set_field(self, record, rule, action):
        value, name = json.loads(action['value'] or 'false'), action['field_name']
        field = record._fields[name]
        # as the field has it: a date is no text
        if field.convert_to_record(field.convert_to_cache(value, record), record) != record[name]:
            record.write({name: value})

    def _run_tag(self, record, rule, action):
        # what was deleted since the rule was published is not missed
        actions = self.env['sales.rule.action']
        if category := actions._exists('category_id', action['category_id']).id:
            partner = record[record._rule_partner_field] if record._name != 'res.partner' else record
            partner.commercial_partner_id.write({'category_id': [Command.link(category)]})
        if tag := actions._exists('tag_id', action['tag_id']).id:
            document = self._get_document(record)
            document.write({'tag_ids': [Command.link(tag)]})

    def _run_activity(self, record, rule, action):
        document, message = self._get_document(record), self._render(record, rule)
        users = self._get_users(record, action)
        day = fields.Date.context_today(record)
        kind = self.env['sales.rule.action']._exists('activity_type_id', action['activity_type_id'])
        for user in users:
            document.activity_schedule(
                activity_type_id=(kind or self.env.ref('mail.mail_activity_data_todo')).id,
                date_deadline=fields.Date.add(day, days=action['days'] or 0),
                summary=action['summary'] or message, user_id=user.id)
        return [self.env._("%(user)s, by an activity", user=user.name) for user in users]

    def _run_server_action(self, record, rule, action):
        # groups may have changed since it was published, and the host asks them of the superuser here
        self.env['sales.rule.action']._check_rights(rule.name(record.env.lang), action, record.browse())
        record.env['ir.actions.server'].browse(action['server_action_id']).with_context(
            active_model=record._name, active_id=record.id, active_ids=record.ids).run()

    def _run_notify(self, record, rule, action):
        users, message = self._get_users(record, action), action['summary'] or self._render(record, rule)
        document = self._get_document(record)
        if action['notify_by'] == 'mail':
            document.message_notify(
                partner_ids=users.partner_id.ids, subject=document.display_name, body=message,
                email_layout_xmlid='mail.mail_notification_layout')
            return [self.env._("%(user)s, by mail", user=user.name) for user in users]
        for user in users:
            user._bus_send('simple_notification', {
                'title': document.display_name, 'message': message, 'type': 'info', 'sticky': True})
        return [self.env._("%(user)s, on the screen", user=user.name) for user in users]

    # -- what is talked about, and to whom

    def _get_document(self, record):
        """Return the record that people talk about: the order of a line, the document itself otherwise."""
        path = record._rule_order_field
        return record[path] if path not in (None, 'id') else record

    def _get_users(self, record, action):
        # who is told does not depend on what the publisher may read of users and teams
        document = self._get_document(record).sudo()
        if action['whom'] == 'users':
            return document.env['res.users'].browse(action['user_ids']).exists()
        user, team = document.user_id, document.team_id if 'team_id' in document._fields else False
        if action['whom'] == 'team_leader':
            return team and team.user_id or user
        return user or team and team.user_id or document.env['res.users']

    @api.model
    def _render(self, record, rule):
        """Return the sentence of a rule for a document, in the language of the environment."""
        return self.env['sales.rule']._fill_placeholders(rule.message(record.env.lang), record)
