from collections import defaultdict
from datetime import timezone
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo import Command, models
from odoo.tools import SQL, float_compare

from ..tools.sales_import import WARNING, Issue
from ..tools.sales_values import price_line
from .sales_import_directory import get_unit_cost

# No mails, followers, tracking, tasks or activities: these orders are history.
HISTORY_CONTEXT = {
    'tracking_disable': True,
    'mail_create_nolog': True,
    'mail_create_nosubscribe': True,
    'mail_notrack': True,
    'mail_auto_subscribe_no_notify': True,
    'mail_activity_automation_skip': True,
    'sale_no_log_for_new_lines': True,
    'disable_project_task_generation': True,
}


class SalesImportLoad(models.AbstractModel):
    """Turning the orders of a file into orders of the host."""
    _name = 'sales.import.load'
    _description = "Loading of a Sales Import"

    def _load_batch(self, plans, directory, dry):
        """Import the orders of the plans, or only count and report what would become of them.

        :return: what to add to the counts
        """
        directory.look_up(plans, dry)
        existing, counts = self._get_existing_orders(plans), defaultdict(int)
        new, extended = [], []
        for plan in plans:
            order = existing.get(plan.order)
            if order and plan.lines:
                counts['present_count'] += self._set_apart_present(plan, order, directory)
            counts['refused_count'] += plan.refused
            counts['skipped_count'] += plan.skipped
            counts['imported_count'] += len(plan.lines)
            counts['cancelled_count'] += len(plan.lines) if plan.cancelled else 0
            for line in plan.lines:
                counts['return_count'] += line.row.quantity < 0
                counts['service_count'] += line.row.service
                counts['anonymous_count'] += line.row.anonymous
            if plan.lines:
                (extended if order else new).append((plan, order))
        counts['new_order_count'] += len(new)
        if not dry:
            self._create_orders([plan for plan, _order in new], directory)
            self._extend_orders(extended, directory)
        self._add_issues([issue for plan in plans for issue in plan.issues])
        return counts

    def _get_import_key(self, ref):
        return f'{self.source}/{ref}'

    def _get_existing_orders(self, plans):
        """Return the orders of these references imported before: what they are, and their lines by key."""
        rows = self.env.execute_query(
            SQL(
                """
            SELECT o.sales_import_key, o.id, o.state, o.locked, o.partner_id, o.currency_id, o.date_order,
                   l.sales_import_key, l.product_uom_qty, l.price_subtotal
              FROM sale_order o LEFT JOIN sale_order_line l ON l.order_id = o.id AND l.sales_import_key IS NOT NULL
             WHERE o.company_id = %s AND o.sales_import_key IN %s
            """,
                self.company_id.id,
                tuple(self._get_import_key(plan.order) for plan in plans),
            )
        )
        orders = {}
        for key, order_id, state, locked, partner_id, currency_id, date, line_key, quantity, subtotal in rows:
            order = orders.setdefault(
                key.removeprefix(f'{self.source}/'),
                {
                    'id': order_id,
                    'cancelled': state == 'cancel',
                    'locked': locked,
                    'customer': partner_id,
                    'currency': currency_id,
                    'date': date,
                    'lines': {},
                },
            )
            order['lines'][line_key] = (quantity, subtotal)
        return orders

    def _set_apart_present(self, plan, order, directory):
        """Take the lines off a plan that its order has already, and return how many they are."""
        missing = [line for line in plan.lines if line.key not in order['lines']]
        for line in plan.lines:
            figures = order['lines'].get(line.key)
            if figures and not self._is_same(line.row, figures, directory):
                plan.issues.append(Issue(line.line, 'quantity', f'{line.row.quantity:f}', 'differs', WARNING))
        present = len(plan.lines) - len(missing)
        plan.lines = missing
        if fault := missing and self._get_misfit(plan, order, directory):
            plan.refuse(*[Issue(line.line, *fault) for line in missing])
        return present

    def _get_misfit(self, plan, order, directory):
        """Return why the lines of a plan cannot be added to the order that is there: column, value and code."""
        row = plan.lines[0].row
        if order['locked'] or order['cancelled'] != plan.cancelled:
            return 'order_ref', plan.order, 'order_locked'
        if order['customer'] != directory.customers[row.customer_key]:
            return 'customer_ref', row.customer, 'two_customer'
        currency = directory.get_currency(row)
        if order['currency'] != currency.id:
            return 'currency', currency.name, 'two_currency'
        # each run shifts to its own today: then the days do not tell
        if not self.shift_dates and self._to_day(order['date']) != plan.moment.date():
            return 'date', plan.moment.date().isoformat(), 'other_date'
        return None

    def _is_same(self, row, figures, directory):
        currency = directory.get_currency(row)
        price = price_line(row.quantity, row.unit_price, row.discount, row.total)
        return not float_compare(figures[0], float(row.quantity), precision_digits=2) and not currency.compare_amounts(
            float(figures[1]), float(price.subtotal)
        )

    # -- writing

    def _get_loading_env(self):
        return self.env(
            context={
                **self.env.context,
                **HISTORY_CONTEXT,
                'skip_procurement': not self.make_deliveries,
                'sales_import_history': True,
            }
        )

    def _create_orders(self, plans, directory):
        if not plans:
            return
        env = self._get_loading_env()
        products = self._get_products(plans, directory)
        with env['sale.order']._door_of_history():
            orders = env['sale.order'].create([self._prepare_order(plan, products, directory) for plan in plans])
        env.flush_all()  # here, for the sake of the context
        if self.make_invoices:
            self._invoice(orders)

    def _extend_orders(self, extended, directory):
        """Add the lines that are new in the file to orders that are there."""
        if not extended:
            return
        env = self._get_loading_env()
        products = self._get_products([plan for plan, _order in extended], directory)
        for plan, order in extended:
            currency = directory.get_currency(plan.lines[0].row)
            env['sale.order'].browse(order['id']).write(
                {
                    'order_line': [
                        Command.create(self._prepare_line(line, currency, products, directory)) for line in plan.lines
                    ],
                }
            )
        env.flush_all()

    def _get_products(self, plans, directory):
        """Return the products of these plans by id, with one prefetch."""
        product_ids = {directory.products[line.row.product_key] for plan in plans for line in plan.lines}
        return {product.id: product for product in self.env['product.product'].browse(product_ids)}

    def _prepare_order(self, plan, products, directory):
        row = plan.lines[0].row
        customer = directory.customers[row.customer_key]
        currency = directory.get_currency(row)
        return {
            'name': plan.order,
            'origin': self.name,
            'sales_import_id': self.id,
            'sales_import_key': self._get_import_key(plan.order),
            'sales_history': not (self.make_deliveries or self.make_invoices),
            'company_id': self.company_id.id,
            'partner_id': customer,
            'partner_invoice_id': customer,
            'partner_shipping_id': customer,
            'date_order': self._to_utc(plan.moment),
            'state': 'cancel' if plan.cancelled else 'sale',
            'user_id': directory.salespeople.get(row.salesperson) or False,
            'team_id': directory.teams.get(row.team) or False,
            'pricelist_id': self._get_pricelist(currency, directory),
            'warehouse_id': directory.get_warehouse(directory.salespeople.get(row.salesperson)),
            'note': False,
            'require_signature': False,
            'require_payment': False,
            'prepayment_percent': 1.0,
            'validity_date': False,
            'sale_order_template_id': False,
            **self._prepare_order_terms(),
            'order_line': [
                Command.create(self._prepare_line(line, currency, products, directory)) for line in plan.lines
            ],
        }

    def _prepare_order_terms(self):
        """What only invoices need; the host finds it for each customer when there are to be some."""
        if self.make_invoices:
            return {}
        return dict.fromkeys(
            ('payment_term_id', 'fiscal_position_id', 'journal_id', 'preferred_payment_method_line_id'), False
        )

    def _prepare_line(self, line, currency, products, directory):
        """The file's figures stand as they are: no taxes are added to them, no pricelist is asked."""
        row = line.row
        product = products[directory.products[row.product_key]]
        price = price_line(row.quantity, row.unit_price, row.discount, row.total, directory.get_rounding(currency))
        name = row.product_name or product.name
        values = {
            'sales_import_key': line.key,
            'product_id': product.id,
            'name': f'[{row.product_code}] {name}' if row.product_code else name,
            'product_uom_qty': float(row.quantity),
            'product_uom_id': product.uom_id.id,
            'price_unit': price.price_unit,
            # not the price the host would propose: a later change of the quantity must not bring that in
            'technical_price_unit': 0.0 if price.price_unit else -1.0,
            'discount': price.discount,
            'tax_ids': False,
            'customer_lead': 0.0,
            'qty_delivered': 0.0,
            'analytic_distribution': False,
            'product_no_variant_attribute_value_ids': False,
            'product_custom_attribute_value_ids': False,
        }
        cost = get_unit_cost(row, price.subtotal)
        if cost is None and currency == self.company_id.currency_id:
            cost = product.standard_price
        if cost is not None:
            values['purchase_price'] = cost
        return values

    def _to_utc(self, moment):
        """Return the moment of a file in UTC: its date is the date in the company's time zone."""
        moment += relativedelta(days=self._get_day_shift())
        return moment.replace(tzinfo=ZoneInfo(self._get_timezone())).astimezone(timezone.utc).replace(tzinfo=None)

    def _to_day(self, moment):
        """Return the day of a moment in UTC where the company is."""
        return moment.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(self._get_timezone())).date()

    def _get_pricelist(self, currency, directory):
        """Return a pricelist in this currency, as an order takes its currency from there; none in the company's."""
        if currency == self.company_id.currency_id:
            return False
        return directory.get_pricelist(currency)

    def _invoice(self, orders):
        """Invoice and post each order on its own date."""
        for order in orders.filtered(lambda order: order.invoice_status == 'to invoice'):
            invoices = order.sudo()._create_invoices(final=True)  # asked for: who imports need not be an accountant
            invoices.invoice_date = order.date_order
            invoices.action_post()
