from odoo import Command
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import SQL

from .tracking_common import NOW, TrackingCommon


@tagged('post_install', '-at_install')
@freeze_time(NOW)
class TestSalesEventDocuments(TrackingCommon):
    """What the documents of the host tell, while they change and from what they were before."""

    def read_again(self):
        """Forget what the ledger has of this test and read it from the records."""
        self.env.cr.flush()
        self.env.cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'on'")
        self.env.cr.execute(SQL("DELETE FROM sales_event WHERE id > %s", self.start))
        self.env.cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'off'")
        self.env['sales.event.history']._read_all()
        self.env.invalidate_all()

    def live_and_read_again(self, **values):
        """Yield the events of a record as they were written, then as they are read back."""
        yield self.events(**values)
        self.read_again()
        yield self.events(**values)

    # -- what is for whom

    def test_meetings_and_activities_belong_to_the_company_of_what_they_are_about(self):
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        customer = self.env['res.partner'].create({'name': "Theirs", 'company_id': elsewhere.id})
        lead = self.env['crm.lead'].create({'name': "Theirs", 'company_id': elsewhere.id, 'type': 'opportunity'})
        shared = self.customers[0]
        day = {'start': '2027-05-04 10:00:00', 'stop': '2027-05-04 11:00:00'}
        meetings = self.env['calendar.event'].create([
            {'name': "With a customer", 'partner_ids': [Command.link(customer.id)], **day},
            {'name': "With a lead", 'partner_ids': [Command.link(shared.id)], 'opportunity_id': lead.id, **day},
            {'name': "With anybody", 'partner_ids': [Command.link(shared.id)], **day},
        ])
        activity = customer.activity_schedule('mail.mail_activity_data_todo', summary="Discount")
        self.env.cr.flush()
        activity.action_feedback()
        for events in self.live_and_read_again():
            companies = {
                (event.model, event.res_id): event.company_id for event in events
                if event.model in ('calendar.event', 'mail.activity') and event.type != 'activity.planned'}
            self.assertEqual(
                [companies['calendar.event', meeting.id] for meeting in meetings],
                [elsewhere, elsewhere, self.env['res.company']])
            self.assertEqual(companies['mail.activity', activity.id], elsewhere)

    def test_only_public_meetings_tell_their_name(self):
        discreet = new_test_user(self.env, 'discreet', 'sales_team.group_sale_salesman')
        self.env['res.users.settings'].sudo()._find_or_create_for_user(discreet).calendar_default_privacy = 'private'
        Meeting = self.env['calendar.event']
        named = {}
        for user in (self.env.user, discreet):
            for privacy in (False, 'public', 'confidential', 'private'):
                meeting = Meeting.create({
                    'name': "Secret", 'privacy': privacy, 'user_id': user.id, 'start': '2027-05-04 10:00:00',
                    'stop': '2027-05-04 11:00:00', 'partner_ids': [Command.link(self.customers[0].id)]})
                named[meeting.id] = privacy == 'public' or not privacy and user != discreet
        for events in self.live_and_read_again(model='calendar.event'):
            self.assertEqual({event.res_id: 'name' in event.payload for event in events}, named)

    def test_payments_are_for_accounting(self):
        biller = new_test_user(
            self.env, 'biller', 'sales_team.group_sale_salesman_all_leads,account.group_account_invoice')
        reader = new_test_user(
            self.env, 'auditor', 'sales_team.group_sale_salesman,account.group_account_readonly')
        order = self.confirmed()
        self.deliver(order)
        self.pay(self.invoice(order))
        self.assertIn('account.payment', self.events().mapped('model'))
        for user, sees in ((self.salesman, False), (self.all_leads, False), (biller, True), (reader, True)):
            models = self.env['sales.event'].with_user(user).search([('id', '>', self.start)]).mapped('model')
            self.assertEqual('account.payment' in models, sees, user.login)

    # -- what is undone

    def test_an_invoice_that_is_undone(self):
        order = self.confirmed()
        self.deliver(order)
        invoice = self.invoice(order)
        self.pay(invoice)
        self.assertTracked(order, 'paid')
        done = len(self.events(model='account.move', order_id=order.id))
        invoice.line_ids.remove_move_reconcile()
        self.assertTracked(order, 'invoiced', 'unpaid', amount_open=200)
        invoice.invoice_date_due = '2027-06-01'
        self.assertTracked(order, 'invoiced', 'unpaid', due_date=self.day('2027-06-01'))
        invoice.button_draft()
        self.assertTracked(order, 'delivered', 'draft_invoice')
        invoice.button_cancel()
        self.env.cr.flush()
        invoice.button_draft()
        self.env.cr.flush()
        invoice_id = invoice.id
        invoice.with_context(force_delete=True).unlink()
        self.assertTracked(order, 'delivered', 'not_invoiced')
        events = self.events(model='account.move', order_id=order.id)[done:]
        self.assertEqual(events.mapped('type'), [
            'invoice.unpaid', 'invoice.changed', 'invoice.reset', 'invoice.cancelled', 'invoice.reset',
            'invoice.deleted'])
        self.assertEqual(events[1].payload['invoice_date_due'][1], '2027-06-01')
        self.assertEqual(set(events.mapped('res_id')), {invoice_id})

    def test_a_reversed_invoice_and_its_credit_note(self):
        order = self.confirmed()
        self.deliver(order)
        invoice = self.invoice(order)
        self.env.cr.flush()
        refund = self.env['account.move'].browse(invoice._reverse_moves(cancel=True).ids)
        self.assertEqual(invoice.payment_state, 'reversed')
        self.assertEqual(self.event_types(res_id=invoice.id, model='account.move')[-1], 'invoice.reversed')
        refund.line_ids.remove_move_reconcile()
        self.assertEqual(self.event_types(res_id=invoice.id, model='account.move')[-1], 'invoice.unpaid')
        refund.button_draft()
        self.env.cr.flush()
        refund.unlink()
        kinds = self.event_types(res_id=refund.id, model='account.move')
        self.assertEqual([kind for kind in kinds if kind in (
            'refund.unpaid', 'refund.reset', 'refund.deleted')], ['refund.unpaid', 'refund.reset', 'refund.deleted'])

    def test_an_invoice_is_not_changed_until_it_is_posted(self):
        order = self.confirmed()
        self.deliver(order)
        invoice = order._create_invoices()
        self.env.cr.flush()
        invoice.invoice_date_due = '2027-06-01'
        self.env.cr.flush()
        invoice.action_post()
        self.assertEqual(
            self.event_types(model='account.move', order_id=order.id), ['invoice.created', 'invoice.posted'])

    def test_a_delivery_that_is_changed_and_deleted(self):
        order = self.confirmed(5)
        picking = order.picking_ids
        self.assertTracked(order, 'ready', 'ready', qty_open=5)
        picking.move_ids.product_uom_qty = 3
        self.assertEqual(self.row(order).qty_open, 3)
        picking.action_cancel()
        self.env.cr.flush()
        picking.unlink()
        events = self.events(order_id=order.id).filtered(lambda event: event.type.startswith(('move.', 'delivery.')))
        self.assertEqual(events[-4:].mapped('type'), [
            'move.changed', 'move.cancelled', 'delivery.cancelled', 'delivery.deleted'])
        self.assertEqual(events[-4].payload['product_uom_qty'], [5, 3])

    # -- many at once

    def count_queries(self, records, values):
        """Return the number of queries that the events of a change take."""
        records.write(values)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self.env.cr.flush()
        return self.env.cr.sql_log_count - before

    def test_the_names_of_references_are_read_together(self):
        people = [new_test_user(self.env, f'person {n}', 'sales_team.group_sale_salesman').id for n in range(4)]
        stages = self.env['crm.stage'].create([{'name': f"Stage {n}"} for n in range(4)]).ids
        for model, name, values, made in (
            ('sale.order', 'user_id', people, {'partner_id': self.customers[0].id}),
            ('crm.lead', 'stage_id', stages, {'name': "Lead", 'type': 'opportunity'}),
            ('res.partner', 'user_id', people, {'name': "Customer"}),
        ):
            def create(count, model=model, made=made, name=name, values=values):
                records = self.env[model].create([{**made, name: values[n % 2]} for n in range(count)])
                self.env.cr.flush()
                return records
            few, many = create(1), create(100)
            self.count_queries(create(1), {name: values[3]})  # what is cached for good
            counts = [self.count_queries(records, {name: values[2]}) for records in (few, many)]
            self.assertEqual(*counts, model)
            event = self.events(model=model, res_id=many[0].id)[-1]
            self.assertEqual(event.payload[name][1]['id'], values[2])
            self.assertTrue(all(side['name'] for side in event.payload[name]))

    def test_a_reference_that_is_gone_has_no_name(self):
        stage = self.env['crm.stage'].create({'name': "Gone"})
        lead = self.env['crm.lead'].create({'name': "Lead", 'stage_id': stage.id})
        self.env.cr.flush()
        lead.stage_id = self.env['crm.stage'].search([('id', '!=', stage.id)], limit=1)
        self.env.flush_all()
        stage.unlink()
        self.assertEqual(self.events(type='lead.stage').payload['stage_id'][0], {'id': stage.id, 'name': ''})

    def test_each_company_has_its_own_cost(self):
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        terms = self.env['account.payment.term'].create([{'name': "Soon"}, {'name': "Late"}])
        customer, goods = self.customers[1], self.goods
        self.env.cr.flush()
        for record, name, values in ((goods, 'standard_price', [5, 7]), (customer, 'property_payment_term_id', terms)):
            record[name], record.with_company(elsewhere)[name] = values
        costs = self.events(type='product.cost')
        self.assertEqual(
            [(event.company_id, event.payload['standard_price']) for event in costs],
            [(self.company, [0, 5]), (elsewhere, [0, 7])])
        changes = self.events(type='customer.changed').mapped('payload')
        self.assertEqual([change['property_payment_term_id'][1]['name'] for change in changes], ["Soon", "Late"])

    # -- where goods go

    def test_what_goes_to_the_customer_is_shipped_whoever_sends_it(self):
        supplier, customer = (self.env.ref(f'stock.stock_location_{name}') for name in ('suppliers', 'customers'))
        order = self.quotation()
        here, into, out = self.stock.lot_stock_id, self.stock.in_type_id, self.stock.out_type_id
        told = {}
        for kind, source, target, sale, kinds in (
            (into, supplier, customer, order, ['delivery.planned', 'delivery.shipped']),  # a dropship
            (into, customer, supplier, order, ['delivery.returned']),  # and its return
            (into, supplier, here, order, ['receipt.done']),  # bought for an order
            (out, here, supplier, False, []),  # back to the vendor
            (out, here, customer, False, ['delivery.planned', 'delivery.shipped']),
        ):
            picking = self.env['stock.picking'].create({
                'picking_type_id': kind.id, 'location_id': source.id, 'location_dest_id': target.id,
                'move_ids': [Command.create({
                    'product_id': self.goods.id, 'product_uom_qty': 1, 'location_id': source.id,
                    'location_dest_id': target.id, 'sale_line_id': sale and sale.order_line.id})]})
            picking.action_confirm()
            self.env.cr.flush()
            picking.move_ids.write({'quantity': 1, 'picked': True})
            picking.with_context(skip_sms=True).button_validate()
            self.assertEqual((picking.state, picking.sale_id.id), ('done', sale and sale.id))
            told[picking.id] = kinds
        for events in self.live_and_read_again(model='stock.picking'):
            found = {res_id: [] for res_id in told}
            for event in events:
                if event.type != 'delivery.ready':
                    found[event.res_id].append(event.type)
            self.assertEqual(found, told)

    def test_merged_customers(self):
        gone, kept = self.customers[:2]
        order = self.quotation(partner_id=gone.id)
        self.assertEqual(self.row(order).commercial_partner_id, gone)
        self.env['base.partner.merge.automatic.wizard'].create({})._merge((gone + kept).ids, kept)
        event = self.events(type='customer.merged')
        self.assertEqual((event.res_id, event.partner_id), (kept.id, kept))
        self.assertEqual((event.payload['from'], event.payload['into']), (gone.ids, kept.id))
        self.assertEqual(self.row(order).commercial_partner_id, kept)

    # -- the states of orders from before

    def test_history_has_who_did_what_from_the_chatter(self):
        """Whatever the language of whoever did it; who confirmed is not guessed."""
        self.env['res.lang']._activate_lang('fr_FR')
        label = self.env['ir.model.fields.selection'].search([
            ('field_id.model', '=', 'sale.order'), ('field_id.name', '=', 'state'), ('value', '=', 'sale')])
        label.with_context(lang='fr_FR').name = "Bon de commande"
        order = self.quotation().with_context(tracking_disable=False, mail_notrack=False)
        self.env.cr.flush()
        told = [
            ('order.sent', self.all_leads, 'action_quotation_sent', '2027-05-03 13:00:00'),
            ('order.confirmed', self.manager, 'action_confirm', '2027-05-03 14:00:00'),
            ('order.cancelled', self.all_leads, '_action_cancel', '2027-05-04 15:00:00'),
            ('order.reset', self.manager, 'action_draft', '2027-05-05 16:00:00'),
        ]
        for _kind, user, method, moment in told:
            with freeze_time(moment):
                getattr(order.with_user(user).with_context(lang='fr_FR'), method)()
                self.env.cr.flush()
        self.read_again()
        events = self.events(model='sale.order', res_id=order.id).filtered(lambda event: event.type != 'order.created')
        self.assertEqual(
            [(event.type, event.user_id, str(event.date)) for event in events.sorted('date')],
            [(kind, user, moment) for kind, user, _method, moment in told])

    def test_history_without_the_chatter_does_not_guess_who_confirmed(self):
        order, never = self.confirmed(), self.quotation()
        order._action_cancel()
        never._action_cancel()
        self.read_again()
        self.assertEqual(
            set(self.event_types(model='sale.order', res_id=order.id)),
            {'order.created', 'order.confirmed', 'order.cancelled'})
        self.assertFalse(self.events(type='order.confirmed', res_id=order.id).user_id)
        self.assertNotIn('order.confirmed', self.event_types(model='sale.order', res_id=never.id))
