from lxml import etree

from odoo.tests import TransactionCase, tagged


@tagged('post_install', '-at_install')
class TestViewButtons(TransactionCase):
    """Every button of every view of ours can be pressed: the client hands over ids, which a model's method refuses."""

    def buttons(self, model, node):
        """Yield the model and the method of each button under a node, those of embedded views included."""
        for child in node:
            inner = model
            if child.tag == 'field' and model is not None and child.get('name') in model._fields and len(child):
                field = model._fields[child.get('name')]
                inner = self.env[field.comodel_name] if field.relational else None
            if child.tag == 'button' and child.get('type') == 'object' and model is not None:
                yield model, child.get('name')
            if isinstance(child.tag, str):
                yield from self.buttons(inner, child)

    def test_buttons_take_records(self):
        data = self.env['ir.model.data'].search([('module', '=', 'sms_addon'), ('model', '=', 'ir.ui.view')])
        views = self.env['ir.ui.view'].browse(data.mapped('res_id')).filtered(lambda view: view.model in self.env)
        pressed, refused = set(), set()
        for view in views:
            model = self.env[view.model]
            for owner, name in self.buttons(model, etree.fromstring(f'<root>{view.arch}</root>')):
                pressed.add((owner._name, name))
                if getattr(getattr(type(owner), name), '_api_model', False):
                    refused.add((owner._name, name))
        self.assertIn(('sales.reorder.proposal', 'action_calculate'), pressed)
        self.assertFalse(refused)
