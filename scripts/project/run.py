"""`make run`: a running system with the app on it, from whatever is there."""

import contextlib
import os
import socket
import time
import urllib.error
import urllib.request

from . import demonstration, frontend, host, locks, postgres, process, system
from .console import Failure, note, say, step
from .databases import ADDON_NAME, Databases, check_name
from .paths import ADDON, cache, tree_digest

START_LIMIT = 180
# Run in an Odoo shell: bundle the web client now rather than in the face of the first visitor.
BUNDLES = """env['ir.qweb']._pregenerate_assets_bundles()
env.cr.commit()
"""
# None takes an update of the database: files of the web client are read as they are, tests are not loaded.
NOT_IN_DATABASE = ('tests', 'static', '__pycache__')


def main(options):
    """Prepare the database and serve it until Ctrl-C."""
    check_name(options.db)
    _check_port(options.listen, options.port)
    own = host.ensure(postgres.packages(), system.REPORTS)
    frontend.ensure()
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locks.hold(f'db-{options.db}', wait=False))
        except locks.Taken:
            raise Failure(
                f'The database {options.db} is in use by another run of this project.',
                'Stop that one, or choose another database: make run DB=other PORT=8070',
                step='Open the database',
            ) from None
        databases = Databases(own, stack.enter_context(postgres.server()))
        _prepare(databases, options.db)
        _load_demonstration(databases, options.db)
        _set_addresses(databases, options.db, _local_address(options))
        _serve(databases, options)
    return 0


def _check_port(interface, port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Odoo does
        try:
            probe.bind((interface, port))
        except OSError as error:
            raise Failure(
                f'Port {port} on {interface} cannot be used: {error.strerror}.',
                f'Choose another one: make run PORT={port + 1}',
                step='Check the port',
            ) from error


def _prepare(databases, name):
    """Create the database or bring it up to date with the checkout and with Odoo."""
    state = databases.state(name)
    if state is None:
        with step(f'Create the database {name}'):
            databases.create(name)
        state = {'origin': 'template'}
    if not state:
        raise Failure(
            f'The database {name} was not made by this command, which would load demonstration data into it.',
            'Choose another one (make run DB=other), or install the app there from the Apps menu.',
            step='Open the database',
        )
    sources = tree_digest(ADDON, skip=NOT_IN_DATABASE)
    if 'sources' not in state:
        with step(f'Install {ADDON_NAME}'):
            databases.odoo(name, '-i', ADDON_NAME)
            databases.script(name, BUNDLES, 'The log names the error.')
    elif state.get('odoo') != databases.host.version:
        with step('Odoo has changed: update all apps'):
            databases.odoo(name, '-u', 'all')
    elif state['sources'] != sources:
        with step(f'The sources have changed: update {ADDON_NAME}'):
            databases.odoo(name, '-u', ADDON_NAME)
    if (state.get('sources'), state.get('odoo')) != (sources, databases.host.version):
        databases.set_state(name, sources=sources, odoo=databases.host.version)


def _load_demonstration(databases, name):
    """Load the demonstration data once; without npm or network the system starts without it."""
    wish = os.environ.get('DEMO')
    if wish == '0' or databases.state(name).get('demonstration'):
        return
    if not databases.host.own and wish != '1' and not demonstration.is_cached():
        say('--> No demonstration data: with ODOO_HOME nothing is downloaded unasked; DEMO=1 asks for it')
        return
    try:
        file = demonstration.fetch(install=databases.host.own)
    except Failure as failure:
        say(f'--> {failure.step}: failed; the system starts without the demonstration data')
        note(f'cause: {failure.cause.splitlines()[0]}')
        note(f'what to do: {failure.remedy}')
        return
    with step('Load the demonstration data', passthrough=True):
        said = databases.script(
            name,
            demonstration.LOADER,
            'The log names the error. To start without the data: make run DEMO=0',
            SMS_DEMONSTRATION=str(file),
            SMS_NO_IMPORTER=demonstration.NO_IMPORTER,
        )
    if demonstration.NO_IMPORTER not in said:
        databases.set_state(name, demonstration=demonstration.PACKAGE)


def _local_address(options):
    """Return the address under which this machine reaches the server."""
    return f'http://{"127.0.0.1" if options.listen == "0.0.0.0" else options.listen}:{options.port}'


def _set_addresses(databases, name, address):
    """Tell Odoo its own address: links in mails are made of it, and the PDF printer fetches styles from it."""
    upsert = (
        'INSERT INTO ir_config_parameter (key, value, create_date, write_date) VALUES (%s, %s, now(), now()) '
        'ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE ir_config_parameter.value <> excluded.value'
    )
    frozen = databases.query("SELECT 1 FROM ir_config_parameter WHERE key = 'web.base.url.freeze'", database=name)
    keys = ['report.url'] if frozen else ['report.url', 'web.base.url']
    databases.query(*((upsert, [key, address]) for key in keys), database=name)


def _serve(databases, options):
    log = cache('logs') / f'server-{options.db}.log'
    address = _local_address(options)
    # One process with threads: it runs the scheduled jobs too, and takes the least memory.
    command = databases.host.command(
        'server',
        '-c',
        databases.config(options.db),
        '-d',
        options.db,
        '--workers=0',
        f'--http-interface={options.listen}',
        f'--http-port={options.port}',
        *options.args,
    )
    with log.open('a') as out:
        with step('Start Odoo'):
            server = process.start(
                command,
                env=databases.env,
                cwd=databases.data,
                stdin=process.subprocess.DEVNULL,
                stdout=process.subprocess.PIPE,
                stderr=process.subprocess.STDOUT,
                text=True,
                errors='replace',
            )
            reader = process.pump_in_background(server.stdout, out, process.OdooWarnings())
            try:
                _wait_until_up(server, address, log)
            except BaseException:
                process.stop(server)
                raise
        try:
            say(
                f'\nSales Management is up:  {address}\n    login admin, password admin\n'
                f'    log {log}\nCtrl-C stops it.'
            )
            code = server.wait()
        except BaseException:
            say('\n--> Stop')
            process.stop(server)
            reader.join(5)
            raise
    if code:
        raise Failure(f'Odoo ended by itself with exit code {code}.', f'Read {log}.', step='Serve')


def _wait_until_up(server, address, log):
    """Wait until the login page comes: then the registry is loaded, which /web/health does not tell."""
    deadline = time.monotonic() + START_LIMIT
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise Failure(f'Odoo ended with exit code {server.returncode} while starting.', f'Read {log}.')
        try:
            with opener.open(f'{address}/web/login', timeout=60) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise Failure(f'Odoo did not answer within {START_LIMIT} s.', f'Read {log}.')
