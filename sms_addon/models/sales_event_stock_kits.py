from odoo import api, models
from odoo.tools import SQL

TRIGGER = 'sales_event_kits'


class SalesEvent(models.Model):
    """A product that becomes a kit loses its position, and gets it back when it ceases to be one.

    Kits are of a module that need not be there, so that its model cannot be extended: a trigger of the database writes
    the event of each product concerned, in the transaction of the change.
    """
    _name = 'sales.event'
    _inherit = ['sales.event']

    def _register_hook(self):
        super()._register_hook()
        if 'mrp.bom' in self.env and not self.env.execute_query(SQL(
                "SELECT FROM pg_trigger WHERE tgname = %s", TRIGGER)):
            self._create_kit_trigger()

    @api.model
    def _create_kit_trigger(self):
        self.env.cr.execute("""
            CREATE OR REPLACE FUNCTION sales_event_kits() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF 'phantom' IN (OLD.type, NEW.type) THEN
                    INSERT INTO sales_event (date, type, model, res_id, product_id, payload)
                    SELECT date_trunc('second', now() AT TIME ZONE 'UTC'), 'stock.changed', 'product.product', p.id,
                           p.id, '{}'
                      FROM product_product p JOIN product_template t ON t.id = p.product_tmpl_id
                     WHERE t.is_storable AND p.product_tmpl_id IN (OLD.product_tmpl_id, NEW.product_tmpl_id);
                END IF;
                RETURN NULL;
            END $$
        """)
        self.env.cr.execute(SQL(
            """
            CREATE OR REPLACE TRIGGER %s
            AFTER INSERT OR DELETE OR UPDATE OF product_tmpl_id, product_id, company_id, type, active ON mrp_bom
            FOR EACH ROW EXECUTE FUNCTION sales_event_kits()
            """, SQL.identifier(TRIGGER)))

    @api.model
    def _drop_kit_trigger(self):
        """Take the trigger off the host's table, for the uninstallation."""
        self.env.cr.execute("DROP FUNCTION IF EXISTS sales_event_kits() CASCADE")
