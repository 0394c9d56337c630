"""The command line; the Makefile calls it."""

import argparse
import os
import shlex
import sys

from . import process
from .console import Failure, report, say

COMMANDS = {
    'run': 'run the app on http://127.0.0.1:8069',
    'test': 'run the tests on a fresh database',
    'bench': 'measure, and compare with the bounds',
    'soak': 'break things, in full: nothing may be lost',
    'lint': 'check style, XML and translations',
    'pot': 'export the terms to translate',
    'dist': 'package the addon as a zip',
    'clean': 'remove what was made in the checkout (--all: the cache too)',
    'shell': 'open an Odoo shell on the database of `run`',
    'setup': 'fetch and build what the others need',
}


def main():
    """Run one command and return its exit code."""
    options = _parse()
    process.install_signal_handlers()
    try:
        return _command(options.command)(options)
    except Failure as failure:
        report(failure)
        return 1
    except KeyboardInterrupt:
        say('Stopped.')
        return 130


def _command(name):
    # Imported here: a broken part must not take the others with it.
    from importlib import import_module

    module = {'test': 'suite', 'pot': 'translations'}.get(name, name)
    return import_module(f'.{module}', __package__).main


def _port(text):
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f'{text} is not a port (1 to 65535)')
    return int(text)


def _parse():
    parser = argparse.ArgumentParser(
        prog='scripts.project', description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        'command',
        choices=COMMANDS,
        metavar='command',
        help='\n'.join(f'{name:6} {text}' for name, text in COMMANDS.items()),
    )
    # `make` hands its variables on in the environment, where they need no quoting.
    given = os.environ.get
    parser.add_argument('--db', default=given('DB') or 'sms_demo', help='database of run and shell')
    parser.add_argument('--listen', default=given('LISTEN') or '127.0.0.1', help='address to listen on')
    parser.add_argument('--port', type=_port, default=given('PORT') or '8069', help='port to listen on')
    parser.add_argument(
        '--only', default=given('ONLY'), help='a part: of the benchmark, the checks, or the tests (as pytest -k)'
    )
    parser.add_argument('--json', default=given('JSON'), help="file for the benchmark's results")
    parser.add_argument(
        '--all', action='store_true', default=given('ALL', '0') not in ('', '0'), help='clean the cache too'
    )
    parser.add_argument(
        '--args', type=shlex.split, default=given('ARGS') or '', help='more arguments for the program behind it'
    )
    options = parser.parse_args()
    options.json = options.json and os.path.abspath(options.json)
    return options


if __name__ == '__main__':
    sys.exit(main())
