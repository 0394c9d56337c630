"""What the person at the terminal sees: steps with their duration, notes, and failures without tracebacks."""

import contextlib
import sys
import threading
import time

TTY_TICK = 1
LOG_TICK = 30
_running = []


class Failure(Exception):
    """An expected failure: what went wrong and what the reader can do about it. The step is filled in by `step`."""

    def __init__(self, cause, remedy, step=None):
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy
        self.step = step


def say(text=''):
    """Print one line at once, also into a pipe."""
    print(text, flush=True)


def note(text):
    """Print a detail of the running step."""
    say(f'    {text}')


def report(failure):
    """Print a failure: the step, the cause, the way out."""
    step = failure.step or 'Set-up'
    print(
        f'\n{step}: failed\n  cause:      {_indent(failure.cause)}\n  what to do: {_indent(failure.remedy)}',
        file=sys.stderr,
        flush=True,
    )


def _indent(text):
    return str(text).strip().replace('\n', '\n' + ' ' * 14)


@contextlib.contextmanager
def step(name, passthrough=False):
    """Announce a long step, show that it is alive, and say how long it took.

    :param passthrough: the step prints by itself, so nothing ticks in between
    """
    start = time.monotonic()
    say(f'--> {name}')
    stop = threading.Event()
    ticker = threading.Thread(target=_tick, args=(name, start, stop), daemon=True)
    _running.append(name)
    if not passthrough:
        ticker.start()
    try:
        yield
    except Failure as failure:
        failure.step = failure.step or name
        raise
    finally:
        _running.remove(name)
        stop.set()
        if not passthrough:
            ticker.join()
    note(f'done in {time.monotonic() - start:.1f} s')


def _tick(name, start, stop):
    """Say every now and then that the step goes on: in place on a terminal, rarely in a log."""
    tty = sys.stdout.isatty()
    while not stop.wait(TTY_TICK if tty else LOG_TICK):
        elapsed = int(time.monotonic() - start)
        if _running[-1:] != [name]:
            continue  # a step within this one speaks
        if tty:
            sys.stdout.write(f'\r    {elapsed} s ')
            sys.stdout.flush()
        else:
            note(f'{name}: {elapsed} s so far')
    if tty:
        sys.stdout.write('\r' + ' ' * 16 + '\r')
        sys.stdout.flush()
