from psycopg2.errors import NumericValueOutOfRange

from odoo import fields, models
from odoo.tools import SQL, mute_logger

from .sales_fixed_point import FixedPoint
from .sales_star import BUILD_SUFFIX


class SalesCube(models.AbstractModel):
    """A roll-up of the facts by month or day; it is changed by the difference, so a refresh costs what was touched.

    Every roll-up keeps the dimensions of :meth:`sales.measure.mixin._dimension_names`, so that the
    record rules of orders hold on it as they are.
    """
    _name = 'sales.cube'
    _description = "Sales Roll-up"
    _inherit = ['sales.star', 'sales.measure.mixin']

    date = fields.Date(string="Month", help="First day of the month, or the day where the roll-up has days")
    nbr = fields.Integer(string="# of Lines", readonly=True)
    # 'quotation' is the host's word for an order of any status
    quotation_count = fields.Integer(string="Quotations", readonly=True)
    cycle_count = fields.Integer(string="Orders with a known time to confirm", readonly=True)
    # whole seconds, exact as floats: numeric takes several times as long to add up
    cycle_seconds = fields.Float(string="Seconds to Confirm", readonly=True)

    #: dimensions besides the common ones
    _cube_dimensions = ()
    #: those of them that are not the same for all lines of an order
    _cube_line_dimensions = ()
    #: 'month' or 'day': the period of a cell, whose first day is its date
    _cube_grain = 'month'
    #: the roll-up whose cells this one can be summed from; it must not have line dimensions
    _cube_finer = None

    @property
    def _star_indexes(self):
        key = ", ".join(
            name if name in ('date', 'company_id', 'state') else f'COALESCE({name}, 0)'
            for name in self._cube_keys()
        )
        return {
            'key': (True, f'({key})'),
            'empty': (False, '(nbr) WHERE nbr = 0'),
        }

    def _cube_keys(self):
        return self._dimension_names() + list(self._cube_dimensions)

    def _cube_measures(self):
        """Return the summed columns; the last four are counted once per order and cell."""
        return self._measure_names() + ['nbr', 'quotation_count', 'cycle_count', 'cycle_seconds']

    def _columns(self):
        return self._cube_keys() + self._cube_measures()

    def _column_type(self, name):
        return self._sum_type(name)

    def _sum_type(self, name):
        # a cell adds up any number of lines: an integer that holds each of them need not hold their sum
        field = self._fields[name]
        return SQL("numeric" if isinstance(field, FixedPoint) else field.column_type[1])

    def _star_definition(self):
        query = self._cube_query('sales_fact')
        return [super()._star_definition(), query.code, query.params]

    def _cube_key_sql(self, name):
        if name == 'date' and self._cube_grain != 'day':
            return SQL("date_trunc(%s, date::timestamp)::date", self._cube_grain)
        return SQL.identifier(name)

    def _cube_query(self, source, order_ids=None, sign=1):
        """Return the cells of the roll-up over some of the facts.

        An order counts once in a cell however many lines it has there. Lines and orders are
        summed apart and then added, because carrying every sum through a grouping by order
        takes twice as long.

        :param source: a table with the columns of the facts
        :param order_ids: the orders to take from it, all when left out
        :param sign: 1 for what the facts add to the cells, -1 for what they take away
        """
        keys = self._cube_keys()
        parameters = {
            'keys': SQL(", ").join(map(SQL.identifier, keys)),
            'key_columns': SQL(", ").join(
                SQL("%s AS %s", self._cube_key_sql(name), SQL.identifier(name)) for name in keys),
            'key_values': SQL(", ").join(map(self._cube_key_sql, keys)),
            'sums': self._sums(self._measure_names()),
            'none': SQL(", ").join(SQL("0") for _name in self._measure_names()),
            'source': SQL.identifier(source),
            'where': SQL("order_id = ANY(%s)", order_ids) if order_ids is not None else SQL("TRUE"),
        }
        return SQL(
            "SELECT %(keys)s, %(cells)s FROM (%(lines)s UNION ALL %(orders)s) parts GROUP BY %(keys)s",
            keys=parameters['keys'],
            cells=self._sums(self._cube_measures(), sign),
            lines=SQL("""
                SELECT %(key_columns)s, %(sums)s, COUNT(*) AS nbr,
                       0 AS quotation_count, 0 AS cycle_count, 0 AS cycle_seconds
                  FROM %(source)s WHERE %(where)s GROUP BY %(key_values)s""", **parameters),
            orders=SQL("""
                SELECT %(keys)s, %(none)s, 0, COUNT(*), COUNT(cycle), SUM(cycle)
                  FROM (SELECT order_id, %(key_columns)s, MAX(cycle_seconds) AS cycle
                          FROM %(source)s WHERE %(where)s GROUP BY order_id, %(key_values)s) o
                 GROUP BY %(keys)s""", **parameters),
        )

    def _sums(self, names, sign=1):
        return SQL(", ").join(
            SQL("(%s * COALESCE(SUM(%s), 0))::%s AS %s", sign, SQL.identifier(name), self._sum_type(name),
                SQL.identifier(name))
            for name in names
        )

    def _cube_build(self, fact_table):
        """Make the table anew, from the next finer roll-up where there is one, else from the facts."""
        if not self._cube_finer:
            self._star_build(self._cube_query(fact_table))
            return
        finer = self.env[self._cube_finer]._table + BUILD_SUFFIX
        keys = self._cube_keys()
        self._star_build(SQL(
            "SELECT %s, %s FROM %s GROUP BY %s",
            SQL(", ").join(SQL("%s AS %s", self._cube_key_sql(name), SQL.identifier(name)) for name in keys),
            self._sums(self._cube_measures()), SQL.identifier(finer),
            SQL(", ").join(map(self._cube_key_sql, keys))))

    def _cube_apply(self, order_ids, sign):
        """Add what the facts of the given orders hold to the cells, or take it away."""
        key = SQL(self._star_indexes['key'][1])
        self.env.cr.execute(SQL(
            "INSERT INTO %(table)s AS cell (%(columns)s) %(query)s ON CONFLICT %(key)s DO UPDATE SET %(sums)s",
            table=SQL.identifier(self._table),
            columns=SQL(", ").join(map(SQL.identifier, self._columns())),
            query=self._cube_query('sales_fact', order_ids, sign),
            key=key,
            sums=SQL(", ").join(
                SQL("%s = cell.%s + EXCLUDED.%s", *[SQL.identifier(name)] * 3)
                for name in self._cube_measures()
            ),
        ))

    def _cube_purge(self):
        self.env.cr.execute(SQL("DELETE FROM %s WHERE nbr = 0", SQL.identifier(self._table)))


class SalesCubeTeam(models.Model):
    """Orders by month, salesperson and team."""
    _name = 'sales.cube.team'
    _description = "Sales Roll-up by Salesperson"
    _inherit = ['sales.cube']
    _auto = False

    _cube_finer = 'sales.cube.market'


class SalesCubeMarket(models.Model):
    """Orders by month, salesperson and where the customer is."""
    _name = 'sales.cube.market'
    _description = "Sales Roll-up by Country"
    _inherit = ['sales.cube']
    _auto = False

    country_id = fields.Many2one('res.country', string="Customer Country", readonly=True)
    industry_id = fields.Many2one('res.partner.industry', string="Customer Industry", readonly=True)

    _cube_dimensions = ('country_id', 'industry_id')
    _cube_finer = 'sales.cube.customer'


class SalesCubeCategory(models.Model):
    """Order lines by month, salesperson and product category."""
    _name = 'sales.cube.category'
    _description = "Sales Roll-up by Product Category"
    _inherit = ['sales.cube']
    _auto = False

    categ_id = fields.Many2one('product.category', string="Product Category", readonly=True)

    _cube_dimensions = ('categ_id',)
    _cube_line_dimensions = ('categ_id',)


class SalesCubeCustomer(models.Model):
    """Orders by day, salesperson and customer: few customers order twice a day, and reports ask when they last did.

    The largest of the roll-ups has integers like the facts, which add up in half the time of ``numeric``. The first
    sum that does not fit makes it ``numeric``, until the next rebuild finds that all fit again.
    """
    _name = 'sales.cube.customer'
    _description = "Sales Roll-up by Customer"
    _inherit = ['sales.cube']
    _auto = False

    commercial_partner_id = fields.Many2one('res.partner', string="Customer", readonly=True)
    country_id = fields.Many2one('res.country', string="Customer Country", readonly=True)
    industry_id = fields.Many2one('res.partner.industry', string="Customer Industry", readonly=True)

    _cube_grain = 'day'
    _cube_dimensions = ('commercial_partner_id', 'country_id', 'industry_id')

    def _column_type(self, name):
        return SQL(self._fields[name].column_type[1])

    def _cube_build(self, fact_table):
        cells = SQL("(%s) cells", self._cube_query(fact_table))
        try:
            with mute_logger('odoo.sql_db'), self.env.cr.savepoint(flush=False):
                self._star_build(self._select_as(self._column_type, cells))
        except NumericValueOutOfRange:
            self._star_build(self._select_as(self._sum_type, cells))

    def _cube_apply(self, order_ids, sign):
        try:
            with mute_logger('odoo.sql_db'), self.env.cr.savepoint(flush=False):
                return super()._cube_apply(order_ids, sign)
        except NumericValueOutOfRange:
            # not ALTER TABLE: who began to read before it would find the table empty, and not notice
            self._star_build(self._select_as(self._sum_type, SQL.identifier(self._table)))
            self.env['sales.warehouse']._swap([self])
            return super()._cube_apply(order_ids, sign)

    def _select_as(self, column_type, source):
        columns = (SQL("%s::%s", SQL.identifier(name), column_type(name)) for name in self._columns())
        return SQL("SELECT %s FROM %s", SQL(", ").join(columns), source)
