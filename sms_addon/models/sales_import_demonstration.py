import base64
import csv
import io
import logging
import zlib
from datetime import timedelta

from odoo import Command, api, fields, models
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

# The file names no salespeople: these sell, each to a fixed part of the customers of their region.
PEOPLE = {
    'Central': ("Amelia Brandt", "Daniel Okafor", "Grace Lindqvist", "Henry Castillo"),
    'East': ("Isabel Moreau", "James Whitfield", "Li Wei", "Marta Nowak"),
    'South': ("Nadia Haddad", "Oliver Sandoval", "Priya Raman", "Samuel Price"),
    'West': ("Sofia Bianchi", "Thomas Nguyen", "Wang Fang", "Zoe Carter"),
}
MAIL_DOMAIN = 'example.com'


class SalesImportDemonstration(models.AbstractModel):
    """The demonstration orders, with the people who sold them."""
    _name = 'sales.import.demonstration'
    _description = "Demonstration Data of a Sales Import"

    @api.model
    def _load_demonstration(self, csv_path, live_days=30):
        """Load the demonstration orders: dates end today, the regions are sales teams with people.

        A second call changes nothing. The caller commits.

        :param csv_path: the Superstore file
        :param live_days: the orders of so many days get deliveries and invoices, older ones of those payments; 0 for
            none
        :return: the import
        """
        preset = self.env.ref('sms_addon.sales_import_preset_superstore')
        loaded = self.search(
            [('source', '=', preset.source), ('state', '=', 'done'), ('company_id', '=', self.env.company.id)], limit=1
        )
        if loaded:
            _logger.info("The demonstration orders are there already.")
            return loaded
        [(start,)] = self.env.execute_query(SQL("SELECT COALESCE(MAX(id), 0) FROM sales_event"))
        teams = self._create_demonstration_teams()
        record = self.create(
            {
                'name': self.env._("Superstore (demonstration)"),
                'filename': 'superstore.csv',
                'file': base64.b64encode(self._add_demonstration_people(csv_path)),
                'preset_id': preset.id,
            }
        )
        record.column_ids.filtered(lambda column: column.name == 'Salesperson').target = 'salesperson'
        record._prepare_run('load')
        record._run()
        _logger.info(
            "Demonstration: %s orders, %s lines in %s teams", record.new_order_count, record.imported_count, len(teams)
        )
        if live_days:
            orders = record._get_live_orders(live_days)
            self.env['sales.demonstration.stock']._keep(record, live_days)
            self.env['sales.demonstration.story']._deliver(orders)
            record._invoice_demonstration(orders, live_days)
            self.env['sales.demonstration.story']._retell(start)
        # whoever loads it looks at the reports next; the server's scheduled actions start a minute later
        self.env['sales.warehouse']._get()._read_all()
        self.env['sales.order.tracking']._read_all()
        self.env['sales.stock.position']._rebuild_all()
        return record

    @api.model
    def _add_demonstration_people(self, csv_path):
        """Return the file with a column more, the salesperson of each order."""
        target = io.StringIO()
        with open(csv_path, encoding='utf-8-sig', newline='') as source:
            reader = csv.DictReader(source)
            writer = csv.DictWriter(target, [*reader.fieldnames, 'Salesperson'])
            writer.writeheader()
            for row in reader:
                people = PEOPLE[row['Region']]
                row['Salesperson'] = people[zlib.crc32(row['Customer ID'].encode()) % len(people)]
                writer.writerow(row)
        return target.getvalue().encode()

    @api.model
    def _create_demonstration_teams(self):
        """Create the teams, their people with employees and departments; nobody of them can log in."""
        team_model = self.env['crm.team'].with_context(mail_create_nosubscribe=True, tracking_disable=True)
        sales = self._get_or_create('hr.department', "Sales")
        teams = team_model.browse()
        for region, names in PEOPLE.items():
            department = self._get_or_create('hr.department', region, parent_id=sales.id)
            users = self._create_demonstration_users(names)
            employees = (
                self.env['hr.employee']
                .with_context(tracking_disable=True)
                .create(
                    [
                        {
                            'name': user.name,
                            'user_id': user.id,
                            'department_id': department.id,
                            'company_id': self.env.company.id,
                        }
                        for user in users
                        if not user.employee_ids
                    ]
                )
            )
            department.manager_id = employees[:1] or department.manager_id
            team = self._get_or_create('crm.team', region, company_id=self.env.company.id)
            team.write({'user_id': users[0].id, 'member_ids': [Command.set(users.ids)]})
            teams += team
        return teams

    @api.model
    def _create_demonstration_users(self, names, group='sales_team.group_sale_salesman'):
        logins = {f"{name.lower().replace(' ', '.')}@{MAIL_DOMAIN}": name for name in names}
        users = self.env['res.users'].with_context(active_test=False).search([('login', 'in', list(logins))])
        return users + self.env['res.users'].with_context(no_reset_password=True, tracking_disable=True).create(
            [
                {
                    'name': name,
                    'login': login,
                    'email': login,
                    'company_id': self.env.company.id,
                    'company_ids': [Command.set(self.env.company.ids)],
                    'group_ids': [Command.set(self.env.ref(group).ids)],
                }
                for login, name in logins.items()
                if login not in users.mapped('login')
            ]
        )

    @api.model
    def _get_or_create(self, model, name, **values):
        domain = [('name', '=', name)] + [(field, '=', value) for field, value in values.items()]
        records = self.env[model].with_context(mail_create_nosubscribe=True, tracking_disable=True)
        return records.search(domain, limit=1) or records.create({'name': name, **values})

    def _get_live_orders(self, days):
        """Return the orders of the last days."""
        since = fields.Datetime.to_datetime(fields.Date.context_today(self) - timedelta(days=days))
        return self.env['sale.order'].search(
            [('sales_import_id', '=', self.id), ('state', '=', 'sale'), ('date_order', '>=', since)])

    def _invoice_demonstration(self, orders, days):
        """Invoice the orders, and have those of the elder half paid."""
        today = fields.Date.context_today(self)
        orders = orders.with_context(tracking_disable=True, mail_create_nosubscribe=True)
        if not self.env['account.journal'].search_count(
            [('type', '=', 'sale'), ('company_id', '=', self.company_id.id)], limit=1
        ):
            _logger.info("Demonstration: no invoices, the company has no sales journal")
            return
        invoices = self.env['account.move']
        for day, daily in orders.grouped(lambda order: order.date_order.date()).items():
            created = daily._create_invoices(grouped=True, date=day)
            created.invoice_date = day
            invoices += created
        invoices.action_post()
        paid = invoices.filtered(lambda invoice: invoice.invoice_date <= today - timedelta(days=days // 2))
        for day, daily in paid.grouped('invoice_date').items():
            self.env['account.payment.register'].with_context(
                active_model='account.move', active_ids=daily.ids, tracking_disable=True
            ).create({'payment_date': day + timedelta(days=days // 3), 'group_payment': False})._create_payments()
        _logger.info("Demonstration: %s invoices, %s of them paid", len(invoices), len(paid))
