"""Timing, memory and the table of results; nothing here knows what is measured."""
import os
import statistics
import threading
import time


def at_least(measure, value, bound, unit='times', **details):
    return {'measure': measure, 'value': value, 'bound': f'>= {bound} {unit}', 'holds': value >= bound, **details}


def at_most(measure, value, bound, unit='times', **details):
    return {'measure': measure, 'value': value, 'bound': f'<= {bound} {unit}', 'holds': value <= bound, **details}


def seconds(function, rounds, before=None):
    """Return the median time of ``rounds`` calls, after one that warms the caches.

    :param before: called before each, outside the time
    """
    times = []
    for _round in range(rounds + 1):
        if before:
            before()
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def resident_mb():
    with open('/proc/self/statm', encoding='ascii') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 1e6


def memory_growth(function):
    """Return by how many MB the resident memory of this process was above its start, at the most, during a call."""
    start = peak = resident_mb()
    done = threading.Event()

    def watch():
        nonlocal peak
        while not done.wait(0.01):
            peak = max(peak, resident_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        function()
    finally:
        done.set()
        watcher.join()
    return max(peak, resident_mb()) - start


def format_table(results):
    """Return the results as an aligned Markdown table."""
    rows = [('measure', 'value', 'bound', 'holds', 'seconds')]
    for result in results:
        timings = ', '.join(f'{name} {value:.4f}' for name, value in result.get('seconds', {}).items())
        rows.append((
            result['measure'], f"{result['value']:,.2f}", result['bound'], 'yes' if result['holds'] else 'NO', timings))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        '| ' + ' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + ' |' for row in rows]
    lines.insert(1, '|' + '|'.join('-' * (width + 2) for width in widths) + '|')
    return '\n'.join(lines)
