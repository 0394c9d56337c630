"""Child processes: their output, their end, and what happens on Ctrl-C."""

import collections
import ctypes
import os
import re
import signal
import subprocess
import sys
import threading

from .console import Failure
from .paths import cache

GRACE = 20
TAIL = 15
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_received = []


def install_signal_handlers():
    """Turn the first SIGINT, SIGTERM or SIGHUP into KeyboardInterrupt.

    More of them are ignored: cleaning up must not be cut short.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)


def _interrupt(number, _frame):
    _received.append(number)
    if len(_received) == 1:
        raise KeyboardInterrupt


def _die_with_parent():
    # If this program is killed with -9, nobody is left to stop its children: the kernel does it.
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def start(command, env=None, foreground=False, **options):
    """Start a child. In the background it gets a session of its own, so that Ctrl-C reaches it only through `stop`."""
    try:
        return subprocess.Popen(
            [str(part) for part in command],
            env=env,
            start_new_session=not foreground,
            preexec_fn=_die_with_parent,
            **options,
        )
    except FileNotFoundError as error:
        raise Failure(f'{command[0]} is not installed.', f'Install {command[0]}, then try again.') from error


def stop(child, foreground=False):
    """Ask a child (and what it started) to end, and insist after a while."""
    if child.poll() is not None:
        return
    # A foreground child has had the terminal's Ctrl-C already; a second one would cut its clean-up short.
    if not (foreground and _received[:1] == [signal.SIGINT] and os.isatty(0)):
        _signal(child, signal.SIGINT, foreground)
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        _signal(child, signal.SIGKILL, foreground)
        child.wait()


def _signal(child, number, foreground):
    try:
        if foreground:
            child.send_signal(number)
        else:
            os.killpg(child.pid, number)
    except ProcessLookupError:
        pass


def foreground(command, env=None, cwd=None):
    """Run a child on the reader's terminal and return its exit code."""
    child = start(command, env=env, foreground=True, cwd=cwd)
    try:
        return child.wait()
    except BaseException:
        stop(child, foreground=True)
        raise


def logged(command, log, remedy, env=None, cwd=None, stdin=None, echo=None):
    """Run a child with its output in a log file of the cache; raise `Failure` with the log's end when it fails.

    :param echo: a test on lines; those it accepts are printed too
    :return: the lines of the output's end
    """
    file = cache('logs') / f'{log}.log'
    tail = collections.deque(maxlen=TAIL)
    with file.open('w') as out:
        child = start(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
        )
        try:
            if stdin:
                child.stdin.write(stdin)
                child.stdin.close()
            pump(child.stdout, out, echo, tail)
            code = child.wait()
        except BaseException:
            stop(child)
            raise
    if code:
        raise Failure(
            f'{os.path.basename(str(command[0]))} ended with exit code {code}. The end of {file}:\n' + '\n'.join(tail),
            remedy,
        )
    return list(tail)


def pump(stream, out, echo=None, tail=None):
    """Copy lines of a stream to a file, printing those that `echo` accepts."""
    for line in stream:
        out.write(line)
        out.flush()
        if tail is not None:
            tail.append(line.rstrip())
        if echo and echo(line):
            sys.stdout.write(line)
            sys.stdout.flush()


def pump_in_background(stream, out, echo):
    """Do `pump` in a thread, for a child that goes on."""
    thread = threading.Thread(target=pump, args=(stream, out, echo), daemon=True)
    thread.start()
    return thread


class OdooWarnings:
    """Accept the lines of an Odoo log that a person should see: warnings and worse, with their tracebacks."""

    record = re.compile(r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ \d+ (\w+) ')
    # Said at every start by a development server that is run as set up here; nothing to act on.
    usual = re.compile(r"Running as user 'root'|Python 'gevent'|unaccent")

    def __init__(self):
        self.showing = False

    def __call__(self, line):
        if match := self.record.match(line):
            self.showing = match[1] in ('WARNING', 'ERROR', 'CRITICAL') and not self.usual.search(line)
        return self.showing


def output(command, **options):
    """Return a short command's standard output, or None when it fails or is not there."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
            **options,
        )
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
