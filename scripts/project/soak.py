"""`make soak`: faults with real processes, on a database server of its own that may be killed."""

import contextlib
import os
import secrets
import shutil
import subprocess

from . import frontend, host, locks, postgres, process, rabbitmq, system
from .console import Failure, step
from .databases import Databases
from .paths import ROOT, cache

ROUNDS = 20


def main(options):
    """Run every fault in full and return the exit code."""
    own = host.ensure(system.POSTGRESQL, rabbitmq.packages(), development=True)
    frontend.ensure()
    with postgres.server() as variables:
        databases = Databases(own, variables)
        with databases.scratch() as name:
            return run(own, databases, name, ROUNDS, options)


def run(own, databases, name, rounds, options):
    """Run the faults on a copy of a database.

    :param rounds: of each fault
    """
    with _cluster() as cluster:
        with step('Copy the database to a server that may be killed'):
            _copy(databases, name, cluster)
        environment = {
            **databases.env,
            **cluster.variables(),
            'SMS_SOAK_DB': name,
            'SMS_SOAK_CLUSTER': str(cluster.folder),
            'SMS_SOAK_PROGRAMS': str(cluster.programs),
            'SMS_ODOO_CONFIG': str(databases.bench_config()),
        }
        arguments = [
            *(['--only', options.only] if options.only else []),
            *(['--json', options.json] if options.json else []),
            *options.args,
        ]
        command = [own.python, '-m', 'soak', '--rounds', str(rounds), *arguments]
        return process.foreground(command, env=environment, cwd=ROOT)


@contextlib.contextmanager
def _cluster():
    """Give a cluster of our own, removed in the end; what killed runs left is removed first."""
    base = cache('soak')
    for folder in base.iterdir():
        with contextlib.suppress(locks.Taken), locks.hold(f'soak-{folder.name}', wait=False):
            _remove(postgres.Cluster(postgres.Cluster.newest().programs, folder))
    name = secrets.token_hex(3)
    with locks.hold(f'soak-{name}'):
        cluster = postgres.Cluster(postgres.Cluster.newest().programs, base / name)
        try:
            cluster.start()
            yield cluster
        finally:
            _remove(cluster)
    (cache('locks') / f'soak-{name}.lock').unlink(missing_ok=True)


def _remove(cluster):
    with contextlib.suppress(Failure):
        cluster.stop(mode='immediate')
    shutil.rmtree(cluster.folder, ignore_errors=True)


def _copy(databases, name, cluster):
    source, target = ({**os.environ, **databases.env, **variables} for variables in ({}, cluster.variables()))
    programs = cluster.programs
    subprocess.run([programs / 'createdb', name], env=target, check=True)
    with subprocess.Popen([programs / 'pg_dump', '-Fc', '-Z0', name], env=source, stdout=subprocess.PIPE) as dump:
        restored = subprocess.run(
            [programs / 'pg_restore', '--no-owner', '-d', name], env=target, stdin=dump.stdout, check=False)
    if dump.returncode or restored.returncode:
        raise Failure('The database could not be copied.', 'See above what pg_dump or pg_restore says.')
