"""`make lint`: style, Odoo's pitfalls, XML and translations; each check says whether it passed."""

import os
import subprocess
import xml.etree.ElementTree as ElementTree

from . import host
from .console import Failure, say
from .databases import ADDON_NAME
from .paths import ADDON, ROOT, cache


def main(options):
    """Run the checks (all, or the one named by ONLY) and return 1 when one fails."""
    if options.only and options.only not in CHECKS:
        raise Failure(f'There is no check {options.only}.', f'ONLY= one of: {", ".join(CHECKS)}', step='Lint')
    python = host.ensure_python()
    failed = 0
    for name, check in CHECKS.items():
        if options.only in (None, name):
            passed, text = check(python)
            say(f'{"pass" if passed else "FAIL"}  {name}')
            if not passed:
                say(text.rstrip())
                failed += 1
    return int(bool(failed))


def _ruff(python):
    return _run(python, '-m', 'ruff', 'check', '--cache-dir', cache('ruff'), '.')


def _pylint(python):
    # Rules for members of the OCA only; here because pyproject.toml cannot take single rules out of a group it
    # turns on.
    oca = '--disable=manifest-required-author,missing-readme'
    return _run(python, '-m', 'pylint', '--rcfile=pyproject.toml', oca, '--score=n', ADDON_NAME)


def _translations(python):
    return _run(python, '-m', 'scripts.project.translations', 'check')


def _xml(_python):
    complaints = []
    for file in sorted(ADDON.rglob('*.xml')):
        try:
            ElementTree.parse(file)
        except ElementTree.ParseError as error:
            complaints.append(f'{file.relative_to(ROOT)}: {error}')
    return not complaints, '\n'.join(complaints)


def _run(*command):
    env = {**os.environ, 'PYLINTHOME': str(cache('pylint')), 'PYTHONPYCACHEPREFIX': str(cache('pycache'))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode == 0, done.stdout


CHECKS = {'ruff': _ruff, 'pylint-odoo': _pylint, 'xml': _xml, 'translations': _translations}
