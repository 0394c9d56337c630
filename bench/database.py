"""Databases of the bench: copies of the template with the addon, dropped when done."""
import contextlib
import os
import shutil
import sys
from pathlib import Path

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT, quote_ident


@contextlib.contextmanager
def admin_cursor(database='postgres'):
    connection = psycopg2.connect(dbname=database)  # PGHOST and the others say where
    connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


@contextlib.contextmanager
def addon_database(name):
    """Make a database with the addon and no orders, give an environment on it, drop it in the end."""
    from odoo.api import SUPERUSER_ID, Environment
    from odoo.modules.registry import Registry
    from odoo.sql_db import close_db
    from odoo.tools import config

    config.parse_config(['-c', os.environ['SMS_ODOO_CONFIG'], '--log-level=warn'])
    filestore = Path(config.filestore(name))
    with admin_cursor() as cursor:
        database, template = (quote_ident(each, cursor) for each in (name, os.environ['SMS_TEMPLATE_DB']))
        cursor.execute(f'DROP DATABASE IF EXISTS {database}')
        cursor.execute(f'CREATE DATABASE {database} TEMPLATE {template}')
    try:
        say(f'{name}: installing the addon')
        registry = Registry.new(name, update_module=True, install_modules=['sms_addon'])
        with registry.cursor() as cr:
            yield Environment(cr, SUPERUSER_ID, {})
            cr.rollback()
    finally:
        Registry.delete(name)
        close_db(name)
        with admin_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS {quote_ident(name, cursor)}')
        shutil.rmtree(filestore, ignore_errors=True)


def vacuum(database, table):
    """Vacuum a table, which no transaction may do."""
    with admin_cursor(database) as cursor:
        cursor.execute(f'VACUUM {quote_ident(table, cursor)}')


def say(text):
    """Tell a person who waits what goes on; the table alone goes to standard output."""
    print(text, file=sys.stderr, flush=True)
