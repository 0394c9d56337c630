from odoo import api, fields, models
from odoo.tools import SQL

# What a change of a table touches: (kind, column that identifies it, columns whose change matters).
# No columns: every update matters, there is none (the row is only inserted and deleted).
SOURCES = {
    'sale_order': ('order', 'id', (
        'partner_id', 'company_id', 'user_id', 'team_id', 'state', 'date_order', 'create_date', 'currency_rate',
        'warehouse_id', 'pricelist_id', 'campaign_id', 'medium_id', 'source_id', 'invoice_status')),
    'sale_order_line': ('order', 'order_id', (
        'order_id', 'product_id', 'product_uom_id', 'product_uom_qty', 'qty_delivered', 'qty_invoiced',
        'price_unit', 'price_subtotal', 'price_total', 'discount', 'margin', 'untaxed_amount_to_invoice',
        'invoice_status', 'display_type', 'is_downpayment', 'currency_id')),
    'sale_order_line_invoice_rel': ('line', 'order_line_id', ()),
    'account_move': ('move', 'id', (
        'state', 'payment_state', 'move_type', 'amount_total', 'amount_residual')),
    'account_move_line': ('move', 'move_id', ('price_subtotal', 'balance', 'currency_id')),
    'res_partner': ('partner', 'id', ('commercial_partner_id', 'country_id', 'state_id', 'industry_id')),
    'product_product': ('product', 'id', ('product_tmpl_id',)),
    'product_template': ('template', 'id', ('categ_id', 'uom_id')),
    'uom_uom': ('uom', 'id', ('factor',)),
    'hr_employee': ('user', 'user_id', ('user_id', 'company_id', 'current_version_id')),
    'hr_version': ('version', 'id', ('department_id',)),
    'res_company': ('company', 'id', ('sales_timezone',)),
}
# Tables where only these events can change a fact (a new product is on no line yet).
EVENTS = {
    'account_move': ('UPDATE',),
    'account_move_line': ('UPDATE',),
    'sale_order_line_invoice_rel': ('INSERT', 'DELETE'),
    'res_partner': ('UPDATE',),
    'product_product': ('UPDATE',),
    'product_template': ('UPDATE',),
    'uom_uom': ('UPDATE',),
    'hr_version': ('UPDATE',),
    'res_company': ('UPDATE',),
}
# The orders behind each kind of touch, `touched` being the table of touches of that kind.
ORDERS_OF = {
    'line': SQL("SELECT l.order_id FROM touched JOIN sale_order_line l ON l.id = touched.res_id"),
    'move': SQL("""
        SELECT l.order_id FROM touched
          JOIN account_move_line aml ON aml.move_id = touched.res_id
          JOIN sale_order_line_invoice_rel rel ON rel.invoice_line_id = aml.id
          JOIN sale_order_line l ON l.id = rel.order_line_id"""),
    'partner': SQL("SELECT s.id FROM touched JOIN sale_order s ON s.partner_id = touched.res_id"),
    'product': SQL("SELECT l.order_id FROM touched JOIN sale_order_line l ON l.product_id = touched.res_id"),
    'template': SQL("""
        SELECT l.order_id FROM touched
          JOIN product_product p ON p.product_tmpl_id = touched.res_id
          JOIN sale_order_line l ON l.product_id = p.id"""),
    'uom': SQL("""
        SELECT l.order_id FROM touched
          JOIN sale_order_line l ON l.product_uom_id = touched.res_id
         UNION
        SELECT l.order_id FROM touched
          JOIN product_template t ON t.uom_id = touched.res_id
          JOIN product_product p ON p.product_tmpl_id = t.id
          JOIN sale_order_line l ON l.product_id = p.id"""),
    'user': SQL("SELECT s.id FROM touched JOIN sale_order s ON s.user_id = touched.res_id"),
    'version': SQL("""
        SELECT s.id FROM touched
          JOIN hr_employee e ON e.current_version_id = touched.res_id
          JOIN sale_order s ON s.user_id = e.user_id"""),
    'company': SQL("SELECT s.id FROM touched JOIN sale_order s ON s.company_id = touched.res_id"),
}


class SalesTouch(models.Model):
    """What changed in the host since the warehouse last looked.

    The rows are written by database triggers, in the transaction of the change, so nothing is missed:
    neither a computed field that the ORM writes behind :meth:`write`, nor a merge of partners in SQL, nor
    a deletion. A row is there once its change is committed, so a change that commits late is not skipped
    as it would be by a watermark on ``write_date``.
    """
    _name = 'sales.touch'
    _description = "Change the Warehouse Has to Read"
    _log_access = False
    _order = 'id'

    kind = fields.Char(required=True)
    res_id = fields.Integer(string="Changed Record", required=True)

    _kind_idx = models.Index("(kind, res_id)")

    def init(self):
        super().init()
        self._create_function()
        for table in SOURCES:
            self._create_triggers(table)

    @api.model
    def _create_function(self):
        # TG_ARGV: kind, id column, changed-columns condition. Statement-level: one INSERT whatever the rows.
        self.env.cr.execute("""
            CREATE OR REPLACE FUNCTION sales_touch() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'UPDATE' THEN
                    EXECUTE format(
                        'INSERT INTO sales_touch (kind, res_id)
                         SELECT DISTINCT %1$L, id.touched
                           FROM new_rows n JOIN old_rows o ON o.id = n.id,
                                LATERAL (VALUES (o.%2$I), (n.%2$I)) id (touched)
                          WHERE id.touched IS NOT NULL AND (' || TG_ARGV[2] || ')', TG_ARGV[0], TG_ARGV[1]);
                ELSE
                    EXECUTE format(
                        'INSERT INTO sales_touch (kind, res_id)
                         SELECT DISTINCT %1$L, %2$I FROM %3$I WHERE %2$I IS NOT NULL',
                        TG_ARGV[0], TG_ARGV[1], CASE TG_OP WHEN 'INSERT' THEN 'new_rows' ELSE 'old_rows' END);
                END IF;
                RETURN NULL;
            END $$
        """)

    @api.model
    def _create_triggers(self, table):
        """(Re)create the triggers of a host table; transition tables allow one event per trigger."""
        kind, key, columns = SOURCES[table]
        changed = "({new}) IS DISTINCT FROM ({old})".format(
            new=", ".join(f'n.{column}' for column in columns), old=", ".join(f'o.{column}' for column in columns))
        transition = {
            'INSERT': SQL("REFERENCING NEW TABLE AS new_rows"),
            'UPDATE': SQL("REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows"),
            'DELETE': SQL("REFERENCING OLD TABLE AS old_rows"),
        }
        for event in EVENTS.get(table, transition):
            name = f'sales_touch_{event.lower()}'
            self.env.cr.execute(SQL(
                "DROP TRIGGER IF EXISTS %s ON %s", SQL.identifier(name), SQL.identifier(table)))
            self.env.cr.execute(SQL(
                "CREATE TRIGGER %s AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION sales_touch(%s, %s, %s)",
                SQL.identifier(name), SQL(event), SQL.identifier(table), transition[event], kind, key, changed))

    @api.model
    def _drop_triggers(self):
        """Take the triggers off the host's tables, for the uninstallation."""
        self.env.cr.execute("DROP FUNCTION IF EXISTS sales_touch() CASCADE")

    # -- reading

    @api.model
    def _expand(self):
        """Turn the touches of customers, products, invoices... into touches of their orders."""
        for kind, orders in ORDERS_OF.items():
            self.env.cr.execute(SQL(
                """
                WITH touched AS (DELETE FROM sales_touch WHERE kind = %s RETURNING res_id)
                INSERT INTO sales_touch (kind, res_id)
                SELECT DISTINCT 'order', o.order_id FROM (%s) AS o (order_id) WHERE o.order_id IS NOT NULL
                """, kind, orders))

    @api.model
    def _take_orders(self, limit):
        """Take up to ``limit`` touched orders off the queue and return their ids."""
        rows = self.env.execute_query(SQL(
            """
            WITH batch AS (SELECT DISTINCT res_id FROM sales_touch WHERE kind = 'order' ORDER BY res_id LIMIT %s),
                 taken AS (DELETE FROM sales_touch touch USING batch
                            WHERE touch.kind = 'order' AND touch.res_id = batch.res_id)
            SELECT res_id FROM batch
            """, limit))
        return [order_id for (order_id,) in rows]

    @api.model
    def _count_orders(self):
        """Return how many orders wait to be read."""
        [(count,)] = self.env.execute_query(SQL("SELECT COUNT(DISTINCT res_id) FROM sales_touch WHERE kind = 'order'"))
        return count
