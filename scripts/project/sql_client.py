"""Run SQL statements; a child run by Odoo's interpreter, which has psycopg2 where this program's need not.

Reads `[[statement, parameters], ...]` as JSON from standard input, writes the rows of the last statement as JSON.
"""

import json
import sys


def main(database):
    import psycopg2

    try:
        connection = psycopg2.connect(dbname=database)
        connection.autocommit = True
        rows = []
        with connection.cursor() as cursor:
            for statement, parameters in json.load(sys.stdin):
                cursor.execute(statement, parameters or None)
                rows = cursor.fetchall() if cursor.description else []
    except psycopg2.Error as error:
        sys.exit(str(error).strip())
    print(json.dumps(rows))


if __name__ == '__main__':
    main(sys.argv[1])
