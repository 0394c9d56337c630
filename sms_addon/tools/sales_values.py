"""Reading numbers and dates as people write them, and pricing a line so that its total is the file's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

NOON = time(12)
EXCEL_EPOCH = datetime(1899, 12, 30)
DATE_FORMATS = {
    'ymd': ('%Y-%m-%d', '%Y/%m/%d', '%Y.%m.%d', '%Y%m%d'),
    'dmy': ('%d/%m/%Y', '%d-%m-%Y', '%d.%m.%Y', '%d/%m/%y', '%d.%m.%y', '%d %b %Y', '%d-%b-%Y', '%d %B %Y'),
    'mdy': ('%m/%d/%Y', '%m-%d-%Y', '%m.%d.%Y', '%m/%d/%y', '%b %d, %Y', '%B %d, %Y'),
}
TIME_FORMATS = ('%H:%M:%S', '%H:%M', '%H:%M:%S.%f', '%I:%M:%S %p', '%I:%M %p')
NUMBER = re.compile(r'-?(\d+\.?\d*|\.\d+)(e-?\d+)?', re.ASCII | re.IGNORECASE)
DATE = re.compile(r'(\d{1,4})([/.\- ])(\d{1,2})\2(\d{1,4})$', re.ASCII)
NOISE = re.compile(r"^[A-Z]{3}(?=[\s\d.,(-])|(?<=[\s\d)])[A-Z]{3}$|[\s'’_\u00a0\u202f$€£¥￥₹]")
GROUPED = re.compile(r'[-+(]?[1-9]\d{0,2}[.,]\d{3}[-)]?', re.ASCII)  # 1,234: thousands or decimals
WRITTEN = re.compile(r'[-+(]?[\d.,]+[-)]?', re.ASCII)
CENT = Decimal('0.01')
TOLERANCE = Decimal('0.000001')
LARGEST = Decimal(10) ** 12  # beyond it a double no longer holds the cents


class ValueProblem(ValueError):
    """A value that cannot be used; ``code`` says why, for whoever words the message."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


def parse_number(value, decimal_separator: str = 'auto') -> Decimal:
    """Read a number with thousands separators, a decimal point or comma, a currency sign or a percent sign.

    :param decimal_separator: ``.``, ``,`` or ``auto``, which takes the last separator for the decimal one, and
        refuses ``1,234`` and ``1.234`` as they may be thousands or thousandths
    :raise ValueProblem: ``number``, ``ambiguous_number``
    """
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        number = Decimal(str(value))
    else:
        text = str(value).strip()
        plain = decimal_separator != ',' and NUMBER.fullmatch(text)
        if not plain or (decimal_separator == 'auto' and GROUPED.fullmatch(text)):
            text = _plain_number(text, decimal_separator)
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise ValueProblem('number') from None
    if not number.is_finite() or abs(number) >= LARGEST:
        raise ValueProblem('number')
    return number


def _plain_number(text, decimal_separator):
    """Return the text of a number as Python writes it: ``(1.234,50 €)`` becomes ``-1234.50``."""
    text = _without_noise(text)
    if decimal_separator == 'auto':
        if GROUPED.fullmatch(text):
            raise ValueProblem('ambiguous_number')
        decimal_separator = find_separator(text) or '.'
    negative = text.startswith('(') and text.endswith(')')
    text = text.strip('()')
    if text.endswith('-'):
        negative, text = True, text[:-1]
    thousands = ',' if decimal_separator == '.' else '.'
    if text.count(decimal_separator) > 1 or thousands in text.partition(decimal_separator)[2]:
        raise ValueProblem('number')
    groups = text.partition(decimal_separator)[0].lstrip('+-').split(thousands)
    if len(groups) > 1 and (not 0 < len(groups[0]) <= 3 or any(len(group) not in (2, 3) for group in groups[1:])):
        raise ValueProblem('number')
    text = text.replace(thousands, '').replace(decimal_separator, '.')
    if not NUMBER.fullmatch(text.lstrip('+')) or (negative and text.startswith('-')):
        raise ValueProblem('number')
    return f'-{text}' if negative else text


def _without_noise(text):
    return NOISE.sub('', text).rstrip('%').replace('−', '-')


def find_separator(text: str) -> str | None:
    """Return the decimal separator that a written number gives away; ``None`` if it has none, or may have either."""
    if ',' not in text and '.' not in text:
        return None
    text = _without_noise(text.strip())
    if GROUPED.fullmatch(text) or not WRITTEN.fullmatch(text):
        return None
    last, other = sorted(',.', key=text.rfind, reverse=True)
    return other if text.count(last) > 1 else last


def parse_discount(value, decimal_separator: str = 'auto', as_fraction: bool | None = None) -> Decimal:
    """Return a discount in percent.

    :param as_fraction: the column says ``0.2`` for 20 %; ``None``: a number below 1 without ``%`` is a fraction,
        and 1 may be 1 % or all
    :raise ValueProblem: as :func:`parse_number`; ``ambiguous_discount``; ``discount`` if not between 0 and 100 %
    """
    number = parse_number(value, decimal_separator)
    if '%' in str(value):
        as_fraction = False
    elif as_fraction is None:
        if abs(number) == 1:
            raise ValueProblem('ambiguous_discount')
        as_fraction = abs(number) < 1
    percent = number * 100 if as_fraction else number
    if not 0 <= percent <= 100:
        raise ValueProblem('discount')
    return percent


def parse_date(value, date_format: str = 'auto') -> datetime:
    """Read a date, with or without its time; one without is put at noon.

    :param date_format: a key of :data:`DATE_FORMATS`, a ``strptime`` format, or ``auto``, which refuses
        ``03/04/2020`` as it may be March or April
    :raise ValueProblem: ``date``, ``ambiguous_date``
    """
    if isinstance(value, datetime):
        return _check_year(_at_noon(value.replace(tzinfo=None)))  # a workbook has days as moments at midnight
    if isinstance(value, date):
        return _check_year(datetime.combine(value, NOON))
    if isinstance(value, (int, float)) and 20000 < value < 80000:
        return _check_year(_at_noon(EXCEL_EPOCH + timedelta(seconds=round(value * 86400))))
    text = str(value).strip()
    if date_format in ('auto', 'ymd'):
        parsed = _parse_iso(text)
        if parsed:
            return _check_year(_at_noon(parsed) if len(text) <= 10 else parsed)
    if '年' in text:
        text = re.sub(r'[年月]', '-', text, count=2).replace('日', '', 1)
    if '%' in date_format:
        return _check_year(_strptime(text, [date_format]))
    day, clock = _split_time(text)
    formats = DATE_FORMATS[_guess_date_format(day) if date_format == 'auto' else date_format]
    return _check_year(datetime.combine(_strptime(day, formats), clock))


def _parse_iso(text):
    """Return the moment of an ISO 8601 text, None for any other."""
    try:
        return datetime.fromisoformat(text[:-1] if text.endswith('Z') else text).replace(tzinfo=None)
    except ValueError:
        return None


def _split_time(text):
    """Split ``12/01/2010 8:26`` into its day and its time (noon if there is none)."""
    head, separator, tail = text.replace('T', ' ', 1).partition(' ')
    if separator and ':' in tail:
        return head, _strptime(tail.strip(), TIME_FORMATS).time()
    head, separator, tail = text.rpartition(' ')
    if separator and ':' in tail:
        return head, _strptime(tail, TIME_FORMATS).time()
    return text, NOON


def _guess_date_format(day):
    match = DATE.match(day)
    if not match:
        return 'dmy' if day[:1].isdigit() and not day.isdigit() else 'ymd' if day.isdigit() else 'mdy'
    first, separator, second, _third = match.groups()
    if len(first) == 4:
        return 'ymd'
    if separator == '.' or int(first) > 12:
        return 'dmy'
    if int(second) > 12 or first.zfill(2) == second.zfill(2):
        return 'mdy'
    raise ValueProblem('ambiguous_date')


def _strptime(text, formats):
    for one in formats:
        try:
            return datetime.strptime(text, one)
        except ValueError:
            continue
    raise ValueProblem('date')


def _at_noon(moment):
    return moment if moment.time() != time.min else datetime.combine(moment, NOON)


def _check_year(moment):
    if not 1900 <= moment.year <= 2200:
        raise ValueProblem('date')
    return moment


@dataclass(frozen=True)
class Price:
    """What an order line needs so that the host computes the subtotal the file states."""

    price_unit: float
    discount: float
    subtotal: Decimal


def price_line(
    quantity: Decimal,
    unit_price: Decimal | None,
    discount: Decimal | None,
    total: Decimal | None,
    rounding: Decimal = CENT,
) -> Price:
    """Price a line; ``total``, when there is one, is taken at its word.

    The host keeps a unit price with all its digits and a discount with two, so the exact total is kept in
    the unit price: the stated one if it leads there, else the shortest one that does. Nothing is stored beside
    it, so a later change of the quantity or the discount is computed as for any other order.

    :param discount: in percent; with none, but a price and a lower total, it is what lies between them
    :param rounding: the currency's
    :raise ValueProblem: ``price`` if there is neither price nor total, ``total`` if no price can lead to it
    """
    percent = (discount or Decimal(0)).quantize(CENT, ROUND_HALF_UP)
    if total is None:
        if unit_price is None:
            raise ValueProblem('price')
        return Price(float(unit_price), float(percent), _round(quantity * unit_price * (1 - percent / 100), rounding))
    total = _round(total, rounding)
    if discount is None and unit_price is not None:
        percent = _implied_discount(quantity, unit_price, total)
    factor = quantity * (1 - percent / 100)
    if not factor:
        if total:
            raise ValueProblem('total')
        return Price(float(unit_price or 0), float(percent), total)
    return Price(_exact_price(factor, unit_price, total, rounding), float(percent), total)


def _implied_discount(quantity, unit_price, total):
    full = quantity * unit_price
    if not full or not 0 < total / full < 1:
        return Decimal(0)
    return ((1 - total / full) * 100).quantize(CENT, ROUND_HALF_UP) % 100


def _exact_price(factor, unit_price, total, rounding):
    """Return the shortest unit price that times ``factor`` is ``total``, or so near that no sum of lines shows it."""
    if unit_price is not None and _round(factor * unit_price, rounding) == total:
        return float(unit_price)
    exact = total / factor
    for digits in range(2, 9):
        price = exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        if abs(factor * price - total) < rounding * TOLERANCE:
            return float(price)
    return float(exact)


def _round(amount, rounding):
    return (amount / rounding).quantize(Decimal(1), ROUND_HALF_UP) * rounding
