"""Opening a CSV or XLSX file as a stream of rows, whatever its encoding and delimiter."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

SAMPLE = 65536
DELIMITERS = ',;\t|'
XLSX_MAGIC = b'PK\x03\x04'
GZIP_MAGIC = b'\x1f\x8b'
MAX_COLUMNS = 200
# what the csv module, and openpyxl with the libraries below it, say of a damaged file (a SyntaxError is one of its XML)
CSV_ERRORS = (csv.Error, UnicodeError, OSError, EOFError, zlib.error)
XLSX_ERRORS = (
    zipfile.BadZipFile, zlib.error, SyntaxError, KeyError, OSError, ValueError, IndexError, TypeError, EOFError)


class TableError(ValueError):
    """A file that cannot be read as a table; ``code`` says why."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


@dataclass
class Table:
    """A file being read: its headers, and its rows one by one."""

    headers: list[str]
    rows: Iterator[tuple[int, dict]]
    encoding: str | None = None
    delimiter: str | None = None
    notes: list[str] = field(default_factory=list)  # 'legacy_encoding': not UTF-8, so accents were guessed


@contextmanager
def open_table(path, delimiter: str | None = None, encoding: str | None = None):
    """Open ``path`` (CSV, CSV.gz or XLSX) and yield its :class:`Table`; rows are read as they are asked for.

    :raise TableError: ``empty``, ``headers`` (twice the same), ``broken`` (not a table of either kind)
    """
    with open(path, 'rb') as source:
        magic = source.read(4)
        source.seek(0)
        if magic == XLSX_MAGIC:
            with _open_xlsx(source) as table:
                yield table
        elif magic.startswith(GZIP_MAGIC):
            with gzip.open(source) as unpacked:
                yield _open_csv(unpacked, delimiter, encoding)
        else:
            yield _open_csv(source, delimiter, encoding)


def _open_csv(source, delimiter, encoding):
    try:
        sample = source.read(SAMPLE)
        source.seek(0)
        encoding = encoding or _guess_encoding(source, sample)
        text = io.TextIOWrapper(source, encoding=encoding, newline='')
        delimiter = delimiter or _guess_delimiter(sample.decode(encoding, 'ignore'))
        reader = csv.reader(text, delimiter=delimiter)
        headers = _clean_headers(next(filter(_has_content, reader), []))
    except CSV_ERRORS:
        raise TableError('broken') from None
    notes = [] if encoding.startswith('utf') else ['legacy_encoding']
    return Table(headers, _csv_rows(reader, headers), encoding, delimiter, notes)


def _csv_rows(reader, headers):
    """Yield the rows with the line each starts on: one cell may hold several lines."""
    line = reader.line_num + 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except CSV_ERRORS:
            raise TableError('broken') from None
        if any('\0' in cell for cell in cells):
            raise TableError('broken')  # a binary file, or a text torn on its way; no database takes it
        if _has_content(cells):
            yield line, _as_row(headers, cells)
        line = reader.line_num + 1


def _has_content(cells):
    return any(cell is not None and str(cell).strip() for cell in cells)


def _as_row(headers, cells):
    """Name the cells; those past the headers are kept together, so that the row can be refused."""
    row = dict(zip(headers, cells, strict=False))
    if _has_content(cells[len(headers) :]):
        row[None] = cells[len(headers) :]
    return row


def _guess_encoding(source, sample):
    """UTF-8 if the whole file is; else UTF-16 by its mark, or the Western encoding of old spreadsheets."""
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return 'utf-16'
    decoder = codecs.getincrementaldecoder('utf-8-sig')()
    try:
        while chunk := source.read(1 << 20):
            decoder.decode(chunk)
        decoder.decode(b'', final=True)
    except UnicodeDecodeError:
        return _legacy_encoding(sample)
    finally:
        source.seek(0)
    return 'utf-8-sig'


def _legacy_encoding(sample):
    """A GB18030 text decodes as one and shows Chinese; anything else is taken as Western."""
    try:
        text = codecs.getincrementaldecoder('gb18030')().decode(sample)
    except UnicodeDecodeError:
        return 'cp1252' if not set(sample) & {0x81, 0x8D, 0x8F, 0x90, 0x9D} else 'latin-1'
    pairs = sum('\u4e00' <= char <= '\u9fff' for char in text)
    legacy = sum(byte >= 0x80 for byte in sample)
    return 'gb18030' if legacy and pairs * 2 >= legacy * 0.8 and pairs > 1 else 'cp1252'


def _guess_delimiter(sample):
    """The delimiter that splits the header most, read as CSV does (quotes respected)."""
    header = next(filter(str.strip, sample.splitlines()), '')
    counts = {one: len(next(csv.reader([header], delimiter=one), [])) for one in DELIMITERS}
    return max(counts, key=counts.get)


def _clean_headers(cells):
    headers = [str(cell).strip().lstrip('\ufeff') if cell is not None else '' for cell in cells]
    while headers and not headers[-1]:
        headers.pop()
    if not any(headers):
        raise TableError('empty')
    if len(headers) > MAX_COLUMNS or any('\0' in header for header in headers):
        raise TableError('broken')
    headers = [header or f'#{position}' for position, header in enumerate(headers, start=1)]
    if len(set(headers)) < len(headers):
        raise TableError('headers')
    return headers


@contextmanager
def _open_xlsx(source):
    """The first sheet of a workbook; openpyxl is loaded only here, and reads row by row."""
    import openpyxl  # noqa: PLC0415
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    try:
        book = openpyxl.load_workbook(source, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what some programs write there is wrong, and rows beyond it would be lost
        rows = _numbered_rows(sheet.iter_rows(values_only=True))
        _line, cells = next(rows, (0, ()))
        headers = _clean_headers(cells)
    except (InvalidFileException, *XLSX_ERRORS) as error:
        raise error if isinstance(error, TableError) else TableError('broken') from None
    try:
        yield Table(headers, ((line, _as_row(headers, cells)) for line, cells in rows))
    finally:
        book.close()


def _numbered_rows(rows):
    """Yield the rows that are not blank with their line numbers."""
    line = 0
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except XLSX_ERRORS:
            raise TableError('broken') from None
        line += 1
        if _has_content(cells):
            yield line, ['' if cell is None else cell for cell in cells]
