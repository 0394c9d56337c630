import struct

import numpy as np

from odoo import api, models
from odoo.tools import SQL

#: bytes of COPY data that are decoded at once
CHUNK = 1 << 24
#: start of binary COPY data: signature, flags, length of the extension
HEADER = b'PGCOPY\n\xff\r\n\x00' + struct.pack('>ii', 0, 0)
#: PostgreSQL counts days from here
EPOCH = np.datetime64('2000-01-01', 'D')
#: what an empty date is sent as: the least there is
NO_DATE = np.iinfo(np.int32).min

#: kind of column -> type in PostgreSQL, what is sent for NULL, type of its bytes, type of the array
KINDS = {
    'int': ('int8', '0', '>i8', np.int64),
    'float': ('float8', "'NaN'::float8", '>f8', np.float64),
    'date': ('date', "'-infinity'::date", '>i4', 'datetime64[D]'),
    'bool': ('bool', 'FALSE', '?', np.bool_),
}
#: kind of numpy array -> kind of column
KIND_OF_ARRAY = {'i': 'int', 'u': 'int', 'f': 'float', 'M': 'date', 'b': 'bool'}


class SalesStudyData(models.AbstractModel):
    """How studies read and write their data: by COPY, into and out of numpy arrays, without a record in between."""
    _name = 'sales.study.data'
    _description = "Data of Studies"

    @api.model
    def _read_matrix(self, query, columns):
        """Return the rows of a query as arrays.

        All columns have a fixed width, so that the rows are decoded as one array. What a query may read is up to
        whoever writes it: no record rule applies.

        :param SQL query: selects the columns, under their names
        :param columns: name -> 'int', 'float', 'date' or 'bool'; of empty values integers are 0, floats NaN, dates
            NaT and booleans false
        :return: name -> array with one value per row, int64, float64, datetime64[D] or bool
        :raise ConcurrencyError: the warehouse was rebuilt since the transaction began, and looks empty to it
        """
        self.env.flush_all()
        wrapped = SQL(", ").join(
            SQL("COALESCE(q.%s::%s, %s)", SQL.identifier(name), SQL(KINDS[kind][0]), SQL(KINDS[kind][1]))
            for name, kind in columns.items())
        copy = SQL("COPY (SELECT %s FROM (%s) q) TO STDOUT WITH (FORMAT BINARY)", wrapped, query)
        sink = _Sink(columns, self.env.context.get('study_digest'))
        self.env.cr.copy_expert(self.env.cr.mogrify(copy).decode(), sink)
        self.env['sales.fact']._check_tables_visible()
        return sink.finish()

    @api.model
    def _write_matrix(self, table, arrays):
        """Make a temporary table of arrays, and return its name as SQL; it is gone with the transaction.

        :param str table: its name; one that is there already is replaced
        :param arrays: name -> array of integers, floats, datetime64 or booleans, all of the same length; NaN and NaT
            become NULL
        """
        kinds = {name: KIND_OF_ARRAY[array.dtype.kind] for name, array in arrays.items()}
        name = SQL.identifier(table)
        self.env.cr.execute(SQL("DROP TABLE IF EXISTS %s", SQL("pg_temp.%s", name)))
        self.env.cr.execute(SQL("CREATE TEMP TABLE %s (%s) ON COMMIT DROP", name, SQL(", ").join(
            SQL("%s %s", SQL.identifier(column), SQL(KINDS[kind][0])) for column, kind in kinds.items())))
        copy = SQL("COPY %s FROM STDIN WITH (FORMAT BINARY)", name)
        self.env.cr.copy_expert(self.env.cr.mogrify(copy).decode(), _Source(arrays, kinds))
        # what stands for nothing was sent as itself: rows of one width are written at once
        for column, kind in kinds.items():
            if kind in ('float', 'date') and np.isnan(arrays[column]).any():
                self.env.cr.execute(SQL(
                    "UPDATE %(table)s SET %(column)s = NULL WHERE %(column)s = %(nothing)s",
                    table=name, column=SQL.identifier(column), nothing=SQL(KINDS[kind][1])))
        self.env.cr.execute(SQL("ANALYZE %s", name))
        return name


def _row_dtype(kinds):
    """Return how a row of COPY data with these kinds of columns lies in memory."""
    parts = [('fields', '>i2')]
    for name, kind in kinds.items():
        parts += [(f'length of {name}', '>i4'), (name, KINDS[kind][2])]
    return np.dtype(parts)


class _Sink:
    """Takes what COPY sends and decodes it chunk by chunk."""

    def __init__(self, columns, digest=None):
        self.columns = columns
        self.dtype = _row_dtype(columns)
        self.digest = digest
        self.buffer = bytearray()
        self.skipped = False
        self.chunks = {name: [] for name in columns}

    def write(self, data):  # pylint: disable=method-required-super
        self.buffer += data
        if len(self.buffer) >= CHUNK:
            self._decode()

    def _decode(self):
        if not self.skipped:
            del self.buffer[:len(HEADER)]
            self.skipped = True
        count = len(self.buffer) // self.dtype.itemsize
        size = count * self.dtype.itemsize
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        if self.digest:
            self.digest.update(data)
        rows = np.frombuffer(data, self.dtype)
        for name, kind in self.columns.items():
            values = rows[name].astype(np.int64 if kind == 'date' else KINDS[kind][3])
            if kind == 'date':
                values = np.where(
                    values == NO_DATE, np.datetime64('NaT'), EPOCH + values.astype('timedelta64[D]'))
            self.chunks[name].append(values)

    def finish(self):
        self._decode()
        return {name: np.concatenate(chunks) for name, chunks in self.chunks.items()}


class _Source:
    """Gives COPY the rows of arrays, encoded chunk by chunk."""

    def __init__(self, arrays, kinds):
        self.arrays = arrays
        self.kinds = kinds
        self.dtype = _row_dtype(kinds)
        self.step = max(CHUNK // self.dtype.itemsize, 1)
        self.buffer = memoryview(HEADER)
        self.rest = self._encode()

    def _encode(self):
        count = len(next(iter(self.arrays.values())))
        for start in range(0, count, self.step):
            rows = np.empty(min(self.step, count - start), self.dtype)
            rows['fields'] = len(self.arrays)
            for name, kind in self.kinds.items():
                values = self.arrays[name][start:start + self.step]
                if kind == 'date':
                    days = (values.astype('datetime64[D]') - EPOCH).astype(np.int64)
                    values = np.where(np.isnat(values), NO_DATE, days)
                rows[f'length of {name}'] = rows[name].dtype.itemsize
                rows[name] = values
            yield rows.tobytes()
        yield struct.pack('>h', -1)

    def read(self, size=-1):  # pylint: disable=method-required-super
        if not self.buffer:
            self.buffer = memoryview(next(self.rest, b''))
        data = self.buffer if size < 0 else self.buffer[:size]
        self.buffer = self.buffer[len(data):]
        return bytes(data)
