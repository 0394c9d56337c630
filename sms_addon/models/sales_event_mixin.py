from odoo import api, fields, models
from odoo.exceptions import MissingError


class EventNote:
    """What a transaction did to one record since its last flush: the values before, and whether it is new."""
    __slots__ = ('company', 'created', 'history', 'old', 'ready', 'uid')

    def __init__(self, env):
        self.uid = env.uid
        self.company = env.company
        self.history = bool(env.context.get('sales_import_history'))
        self.created = False
        self.old = {}
        self.ready = []

    def before(self, record, name, initial=False):
        """Return the value of a field before the changes; ``initial`` for a record that was not there."""
        return initial if self.created else self.old.get(name, record._event_value(name))

    def complete(self, row, record):
        """Return the event with what its record does not say: who did it, and whether it is history."""
        return {
            'model': record._name,
            'res_id': record.id,
            'user_id': self.uid,
            **({'history': True} if self.history else {}),
            **row,
        }


class SalesEventMixin(models.AbstractModel):
    """A document whose changes are events.

    A change is noted when the ORM is told of it and becomes an event when the cursor flushes, from the first
    value before to the last one after: however many steps a confirmation takes, the ledger has what came of it.
    A model names the fields it watches and says what their change means::

        class SaleOrder(models.Model):
            _name = 'sale.order'
            _inherit = ['sale.order', 'sales.event.mixin']
            _event_fields = ('state',)

            def _event_prepare(self, note, notes):
                ...
    """
    _name = 'sales.event.mixin'
    _description = "Document with Events"

    #: stored fields whose change is an event
    _event_fields = ()

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        for note in records._event_notes():
            note.created = True
        return records

    def write(self, vals):
        if watched := [name for name in self._event_fields if name in vals]:
            self._event_note(watched)
        return super().write(vals)

    def _compute_field_value(self, field):
        if field.store and field.name in self._event_fields:
            self._event_note([field.name])
        super()._compute_field_value(field)

    def unlink(self):
        notes = self.env['sales.event']._notes() if self else {}
        for record in self:
            rows = record.sudo()._event_prepare_unlink(notes)
            for note in record._event_notes():
                # what came and went within a flush never was
                note.ready += [] if note.created else [note.complete(row, record) for row in rows]
                note.created, note.old = False, {}
        return super().unlink()

    def _event_notes(self):
        """Return the note of each record, a new one where there is none."""
        notes = self.env['sales.event']._notes()
        found = []
        for res_id in self._ids:
            if res_id:  # neither a new record nor the original of one
                key = (self._name, res_id)
                if key not in notes:
                    notes[key] = EventNote(self.env)
                found.append(notes[key])
        return found

    def _event_note(self, names):
        """Keep the values that the fields have before they are changed."""
        records = self.browse([res_id for res_id in self._ids if res_id])
        for record, note in zip(records, records._event_notes(), strict=True):
            if not note.created:
                for name in names:
                    owner = record._event_company_note(note) if self._fields[name].company_dependent else note
                    if name not in owner.old:
                        owner.old[name] = record._event_value(name)

    def _event_company_note(self, note):
        """Return the note of a field of which each company has a value of its own."""
        if note.company == self.env.company:
            return note
        return self.env['sales.event']._notes().setdefault(
            (self._name, self.id, self.env.company.id), EventNote(self.env))

    def _event_value(self, name):
        """Return the value of a field as an event holds it."""
        field = self._fields[name]
        # as the database has it: whoever changes a record need not be allowed to read every field of it
        value = self.sudo()[name]
        if field.relational:
            return value.ids if field.type.endswith('2many') else value.id
        return fields.Datetime.to_string(value) if field.type == 'datetime' else value

    def _event_changes(self, note, names):
        """Return name -> [before, after] of the named fields that differ now."""
        changes = {name: [note.old[name], self._event_value(name)] for name in names if name in note.old}
        return {
            name: [self._event_show(name, value) for value in values]
            for name, values in changes.items() if values[0] != values[1]
        }

    def _event_references(self, note):
        """Yield model and ids of what changed references refer to, before and after."""
        for name, before in note.old.items():
            field = self._fields[name]
            if field.type == 'many2one' and (after := self._event_value(name)) != before:
                yield field.comodel_name, {value for value in (before, after) if value}

    def _event_show(self, name, value):
        """Return a value with its name where it is a reference: what it refers to may be renamed or gone one day."""
        field = self._fields[name]
        if field.type != 'many2one' or not value:
            return value
        try:
            # the ledger has read it, see _read_names; whoever may read the event may read what it is about
            text = self.env[field.comodel_name].sudo().browse(value).display_name
        except MissingError:
            text = False
        return {'id': value, 'name': text or ''}

    def _event_prepare(self, note, notes):
        """Return the events that the changes of this record amount to.

        :param EventNote note: what was noted on the record
        :param dict notes: all notes of the flush, by (model, id)
        :return: columns of ``sales.event`` by name, besides those of :meth:`EventNote.complete`
        """
        raise NotImplementedError

    def _event_prepare_unlink(self, notes):
        """Return the events that the deletion of this record amounts to."""
        return []
