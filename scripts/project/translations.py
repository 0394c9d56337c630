"""The addon's translations: export of the terms, merge into the languages, and the check that nothing is untranslated.

`merge` and `check` need polib, so they run as a child with the project's Python environment.
"""

import sys

from . import frontend, host, postgres, process
from .console import note, step
from .databases import ADDON_NAME, LANGUAGES, Databases
from .paths import ADDON, ROOT

FOLDER = ADDON / 'i18n'
POT = FOLDER / f'{ADDON_NAME}.pot'
DATES = ('POT-Creation-Date', 'PO-Revision-Date')
SHOWN = 20


def main(_options):
    """`make pot`: export the terms from a fresh database and merge them into every language."""
    own = host.ensure(postgres.packages(), development=True)
    frontend.ensure()
    with postgres.server() as variables:
        databases = Databases(own, variables)
        with databases.scratch() as name, step('Export the terms'):
            fresh = databases.data / f'{name}.pot'
            command = own.command(
                'i18n', 'export', '-c', databases.config(name), '-d', name, '-l', 'pot', '-o', fresh, ADDON_NAME
            )
            process.logged(command, 'i18n-export', 'The log names the error.', env=databases.env, cwd=databases.data)
            try:
                code = process.foreground(
                    [own.python, '-m', __spec__.name, 'merge', fresh], env=databases.env, cwd=ROOT
                )
            finally:
                fresh.unlink()
    return code


def merge(exported):
    """Write the exported terms as the .pot file and bring every language's file in line with it."""
    import polib

    FOLDER.mkdir(exist_ok=True)
    pot = polib.pofile(exported, wrapwidth=0)
    for date in DATES:
        # Odoo stamps every export; without the stamp, an export with nothing new changes nothing.
        pot.metadata.pop(date, None)
    pot.save(str(POT))
    for language in LANGUAGES:
        file = FOLDER / f'{language}.po'
        old = {(entry.msgctxt, entry.msgid): entry for entry in polib.pofile(str(file))} if file.exists() else {}
        new = polib.POFile(wrapwidth=0)
        new.header, new.metadata = pot.header, {**pot.metadata, 'Language': language}
        for entry in pot:
            known = old.get((entry.msgctxt, entry.msgid))
            entry.msgstr = known.msgstr if known else ''
            entry.flags = list(known.flags) if known else entry.flags
            new.append(entry)
        new.save(str(file))
        note(f'{file.relative_to(ROOT)}: {len(new)} terms, {len(new.untranslated_entries())} to translate')


def check():
    """Return the complaints about the languages' files: one line each."""
    import polib

    if not POT.exists():
        return [f'{POT.relative_to(ROOT)} is missing: make pot']
    terms = {(entry.msgctxt, entry.msgid) for entry in polib.pofile(str(POT))}
    complaints = []
    for language in LANGUAGES:
        file = FOLDER / f'{language}.po'
        name = file.relative_to(ROOT)
        if not file.exists():
            complaints.append(f'{name} is missing: make pot')
            continue
        po = polib.pofile(str(file))
        there = {(entry.msgctxt, entry.msgid) for entry in po}
        complaints += [f'{name}: not translated: {entry.msgid!r}' for entry in po.untranslated_entries()]
        complaints += [f'{name}: fuzzy: {entry.msgid!r}' for entry in po.fuzzy_entries()]
        complaints += [f'{name}: not in it (make pot): {msgid!r}' for _context, msgid in sorted(terms - there, key=str)]
        complaints += [
            f'{name}: not in the .pot any more (make pot): {msgid!r}'
            for _context, msgid in sorted(there - terms, key=str)
        ]
    return complaints


if __name__ == '__main__':
    if sys.argv[1] == 'merge':
        merge(sys.argv[2])
    else:
        found = check()
        print('\n'.join(found[:SHOWN] + ([f'and {len(found) - SHOWN} more'] if len(found) > SHOWN else [])))
        sys.exit(bool(found))
