import re

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools.sales_import import Rules

YEARS_AHEAD = 5  # an order dated later than that was mistyped


class SalesImportRules(models.AbstractModel):
    """How a sales file is to be read, and what becomes of the rows that are not plain sales."""

    _name = 'sales.import.rules'
    _description = "Rules of a Sales Import"

    source = fields.Char(
        required=True,
        default='history',
        help="Where the file comes from. An order is known again by its source and its reference, so files of"
        " the same system share a source, and two systems that both have an order 1001 do not.",
    )
    date_format = fields.Selection(
        [('auto', "Recognise"), ('ymd', "Year Month Day"), ('dmy', "Day Month Year"), ('mdy', "Month Day Year")],
        string="Dates",
        required=True,
        default='auto',
    )
    decimal_separator = fields.Selection(
        [('auto', "Recognise"), ('.', "Point (1,234.50)"), (',', "Comma (1.234,50)")], required=True, default='auto'
    )
    discount_format = fields.Selection(
        [('auto', "Recognise"), ('percent', "Percent (20)"), ('fraction', "Fraction (0.2)")],
        string="Discounts",
        required=True,
        default='auto',
    )
    duplicate_rule = fields.Selection(
        [('refuse', "Refuse"), ('skip', "Leave out and report"), ('keep', "Import as separate lines")],
        string="Repeated Lines",
        required=True,
        default='refuse',
    )
    negative_rule = fields.Selection(
        [('refuse', "Refuse"), ('skip', "Leave out and report"), ('return', "Import as returns")],
        string="Negative Quantities",
        required=True,
        default='refuse',
        help="A return is an order line of negative quantity: it lowers the revenue of its day.",
    )
    cancelled_pattern = fields.Char(
        string="Cancelled References",
        help="Regular expression of the references of cancelled or credited orders, as C\\d+",
    )
    cancelled_rule = fields.Selection(
        [
            ('refuse', "Refuse"),
            ('skip', "Leave out and report"),
            ('return', "Import as returns"),
            ('cancel', "Import as cancelled orders"),
        ],
        string="Cancelled Orders",
        required=True,
        default='refuse',
        help="For orders known by their reference; orders whose status column says so are imported as cancelled.",
    )
    missing_customer_rule = fields.Selection(
        [('refuse', "Refuse"), ('skip', "Leave out and report"), ('anonymous', "Sell to a collective customer")],
        string="Missing Customers",
        required=True,
        default='refuse',
    )
    anonymous_name = fields.Char(string="Collective Customer", default=lambda self: self.env._("Unknown customer"))
    service_codes = fields.Text(
        string="Codes That Are No Products", help="One regular expression a line: POST, gift_.*"
    )
    service_rule = fields.Selection(
        [('refuse', "Refuse"), ('skip', "Leave out and report"), ('service', "Import as services")],
        string="Postage, Fees and the Like",
        required=True,
        default='refuse',
    )
    create_customers = fields.Boolean(string="Create Missing Customers", default=True)
    create_products = fields.Boolean(string="Create Missing Products", default=True)
    create_teams = fields.Boolean(string="Create Missing Sales Teams", default=True)
    create_salespeople = fields.Boolean(
        string="Create Missing Salespeople",
        help="As users who see their own documents, without a password: invite them when they are to log in.",
    )
    shift_dates = fields.Boolean(
        string="Shift to Today", help="Move all dates by the same number of days, so that the newest order is of today."
    )
    error_rule = fields.Selection(
        [('stop', "Import nothing"), ('leave', "Leave out their orders")],
        string="If Lines Are Refused",
        required=True,
        default='stop',
        help="An order with a refused line is never imported in part.",
    )

    @api.constrains('cancelled_pattern', 'service_codes')
    def _check_patterns(self):
        for record in self:
            for pattern in [record.cancelled_pattern or '', *record._get_service_patterns()]:
                try:
                    re.compile(pattern)
                except re.error as error:
                    raise ValidationError(
                        self.env._("%(pattern)s is not a regular expression: %(error)s", pattern=pattern, error=error)
                    ) from None

    @api.constrains('source')
    def _check_source(self):
        for record in self:
            if '/' in record.source:
                raise ValidationError(self.env._("The name of a source has no slash."))

    def _get_service_patterns(self):
        return tuple(line.strip() for line in (self.service_codes or '').splitlines() if line.strip())

    def _get_rules(self):
        """Return the rules as the parser wants them."""
        self.ensure_one()
        return Rules(
            date_format=self.date_format,
            decimal_separator=self.decimal_separator,
            discount_as_fraction={'percent': False, 'fraction': True}.get(self.discount_format),
            latest=fields.Date.today() + relativedelta(years=YEARS_AHEAD),
            cancelled_pattern=self.cancelled_pattern or '',
            cancelled=self.cancelled_rule,
            negative=self.negative_rule,
            missing_customer=self.missing_customer_rule,
            anonymous_name=self.anonymous_name or self.env._("Unknown customer"),
            service_patterns=self._get_service_patterns(),
            services=self.service_rule,
            duplicates=self.duplicate_rule,
        )

    @api.model
    def _get_rule_names(self):
        """Return the fields that a preset and an import have in common."""
        return [
            name
            for name in self.env['sales.import.rules']._fields
            if name not in models.MAGIC_COLUMNS + ['display_name']
        ]
