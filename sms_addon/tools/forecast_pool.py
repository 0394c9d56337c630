"""Forecasts by several processes.

Each is a fresh Python that loads the tools alone, without Odoo: a fork of a server with threads may hang for ever, and
a process that imports `odoo.addons` has to set up the whole of it. They are started by this file as a script.
"""
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

#: pieces that wait for each process
AHEAD = 2
PACKAGE = 'sms_addon_forecast_tools'


def run_pieces(pieces, jobs: int) -> Iterator[list[tuple]]:
    """Yield the rows of each piece, in their order, a row being what :class:`.forecasting.Forecast` is made of.

    :param pieces: arguments of :func:`.forecasting.forecast_piece`
    :raise ValueError: what the forecast of one raised
    :raise RuntimeError: a process died
    """
    processes = [_start() for _job in range(jobs)]
    idle: SimpleQueue = SimpleQueue()
    for process in processes:
        idle.put(process)
    waiting: deque = deque()
    todo = iter(pieces)
    threads = ThreadPoolExecutor(jobs)
    try:
        for piece in todo:
            waiting.append(threads.submit(_ask, idle, piece))
            if len(waiting) >= AHEAD * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for process in processes:  # also those at work: nobody waits for them any more
            process.kill()
        threads.shutdown(cancel_futures=True)
        for process in processes:
            process.communicate()


def _start():
    # several processes are the parallel part; threads of the numeric libraries would only be in their way
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'OPENBLAS_NUM_THREADS': '1'}
    return subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def _ask(idle, piece):
    """Have a process that is idle work on a piece; return its rows."""
    process = idle.get()
    try:
        pickle.dump(piece, process.stdin)
        process.stdin.flush()
        answer = pickle.load(process.stdout)
    except (EOFError, OSError, pickle.UnpicklingError) as error:
        raise RuntimeError("A process that makes forecasts has died.") from error
    finally:
        idle.put(process)
    if isinstance(answer, Exception):
        raise answer
    return answer


def _serve(requests, answers):
    """Answer one piece after the other until the other side closes.

    :param requests: binary file, like ``answers``
    """
    import importlib  # noqa: PLC0415
    import types  # noqa: PLC0415
    package = types.ModuleType(PACKAGE)
    package.__path__ = [str(Path(__file__).parent)]
    sys.modules[PACKAGE] = package
    forecasting = importlib.import_module(f'{PACKAGE}.forecasting')
    while True:
        try:
            piece = pickle.load(requests)
        except EOFError:
            return
        try:
            # the class is another one here, its values are not
            answer = [tuple(vars(forecast).values()) for forecast in forecasting.forecast_piece(*piece)]
        except Exception as error:  # raised by the other side
            answer = error
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == '__main__':
    sys.path.pop(0)  # this folder: its modules are a package's
    # what libraries print must not get between the answers
    pipe = os.fdopen(os.dup(1), 'wb')
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, pipe)
