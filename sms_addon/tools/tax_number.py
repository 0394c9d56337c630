"""Whether a tax number can be one, by its form and check digits; nobody is asked.

Source: the national rules as python-stdnum has them.
"""

#: prefixes of tax numbers that are not the code of their country
PREFIXES = {'EL': 'GR', 'XI': 'GB'}


def is_tax_number(number, country_code):
    """Return whether a tax number has the form of its country.

    :param str number: as somebody typed it, with or without the prefix of a country
    :param country_code: ISO code of the country, or nothing
    :return: None where there is no rule to judge by
    """
    from stdnum.util import get_cc_module  # noqa: PLC0415

    number = number.strip()
    candidates = [(country_code, number)]
    prefix = number[:2].upper()
    if prefix.isalpha():
        candidates += [(PREFIXES.get(prefix, prefix), number), (PREFIXES.get(prefix, prefix), number[2:])]
    verdicts = []
    for code, text in candidates:
        module = code and get_cc_module(code.lower(), 'vat')
        if module:
            verdicts.append(module.is_valid(text))
    return any(verdicts) if verdicts else None
