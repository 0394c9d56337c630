import ast
import csv
import gzip
import statistics
import unittest
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.sms_addon.tools.process_mining import ProcessMap, Variant, discover

# public logs, kept beside the project where it is developed
SHARED = Path(__file__).resolve().parents[2] / 'shared/data/process'
SECOND = 1_000_000


def read_shared(name):
    """Return the rows of a shared file."""
    path = SHARED / name
    if not path.exists():
        raise unittest.SkipTest(f"the shared file {name} is not here")
    opener = gzip.open if path.suffix == '.gz' else open
    with opener(path, 'rt', newline='') as file:
        return list(csv.DictReader(file))


def moment(text):
    """Return a time with a zone as microseconds."""
    return int(datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp() * SECOND)


def discover_naively(events):
    """Do the same one event at a time.

    :return: (edges with their durations, variants with their durations, cases by activity)
    """
    traces = defaultdict(list)
    for case, activity, time in sorted(events, key=lambda event: (event[0], event[2])):
        traces[case].append((activity, time))
    edges, variants, cases = defaultdict(list), defaultdict(list), Counter()
    for trace in traces.values():
        for (source, start), (target, end) in zip(trace, trace[1:], strict=False):
            edges[source, target].append(end - start)
        variants[tuple(activity for activity, _time in trace)].append(trace[-1][1] - trace[0][1])
        cases.update({activity for activity, _time in trace})
    return edges, variants, cases


EVENTS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from('abcd'), st.integers(0, 20).map(lambda s: s * SECOND)))


class TestProcessMining(unittest.TestCase):

    def test_paths_of_two_cases(self):
        start = datetime(2026, 1, 1)
        found = discover(
            [2, 1, 1, 1, 2],
            ['quote', 'quote', 'order', 'ship', 'order'],
            [start + timedelta(hours=hours) for hours in (0, 0, 2, 3, 4)])
        self.assertEqual((found.cases, found.events), (2, 5))
        self.assertEqual(
            [(edge.source, edge.target, edge.count, edge.cases, edge.median_seconds) for edge in found.edges],
            [('quote', 'order', 2, 2, 3 * 3600), ('order', 'ship', 1, 1, 3600)])
        self.assertEqual(found.variants, (
            Variant(('quote', 'order'), 1, 4 * 3600), Variant(('quote', 'order', 'ship'), 1, 3 * 3600)))
        self.assertEqual(found.starts, {'quote': 2})
        self.assertEqual(found.ends, {'order': 1, 'ship': 1})

    def test_repetition_counts_transitions_and_cases_apart(self):
        [edge] = discover([7, 7, 7], ['ship'] * 3, [0, SECOND, 4 * SECOND]).edges
        self.assertEqual((edge.source, edge.target, edge.count, edge.cases), ('ship', 'ship', 2, 1))
        self.assertEqual(edge.median_seconds, 2)

    def test_equal_times_keep_their_order(self):
        for names in (('b', 'a', 'c'), ('c', 'b', 'a')):
            [variant] = discover([1, 1, 1], names, [5, 5, 5]).variants
            self.assertEqual(variant.sequence, names)

    def test_nothing_gives_an_empty_map(self):
        self.assertEqual(discover([], [], []), ProcessMap(0, 0, (), (), ()))

    def test_single_events_have_no_edges(self):
        found = discover(['x', 'y'], ['quote', 'quote'], [0, 0])
        self.assertEqual(found.edges, ())
        self.assertEqual(found.variants, (Variant(('quote',), 2, 0),))

    def test_what_cannot_be_read_is_refused(self):
        with self.assertRaisesRegex(ValueError, "not 2, 1 and 2"):
            discover([1, 1], ['a'], [0, 1])
        with self.assertRaisesRegex(ValueError, "NaT"):
            discover([1, 1], ['a', 'b'], np.array(['2026-01-01', 'NaT'], 'datetime64[s]'))
        with self.assertRaisesRegex(ValueError, "one dimension"):
            discover([[1]], ['a'], [0])

    @settings(deadline=None, max_examples=200)
    @given(EVENTS)
    def test_it_finds_what_counting_one_by_one_finds(self, events):
        found = discover(*([event[column] for event in events] for column in range(3)))
        edges, variants, cases = discover_naively(events)
        self.assertEqual(
            {(edge.source, edge.target): (edge.count, edge.median_seconds) for edge in found.edges},
            {key: (len(times), statistics.median(times) / SECOND) for key, times in edges.items()})
        self.assertEqual(
            {variant.sequence: (variant.count, variant.median_seconds) for variant in found.variants},
            {key: (len(times), statistics.median(times) / SECOND) for key, times in variants.items()})
        self.assertEqual({activity.name: activity.cases for activity in found.activities}, dict(cases))

    @settings(deadline=None)
    @given(EVENTS)
    def test_totals_agree(self, events):
        found = discover(*([event[column] for event in events] for column in range(3)))
        self.assertEqual(sum(variant.count for variant in found.variants), found.cases)
        self.assertEqual(sum(activity.count for activity in found.activities), len(events))
        self.assertEqual(sum(edge.count for edge in found.edges), len(events) - found.cases)
        self.assertEqual(sum(found.starts.values()), found.cases)
        self.assertEqual(sum(found.ends.values()), found.cases)
        counts = [variant.count for variant in found.variants]
        self.assertEqual(counts, sorted(counts, reverse=True))

    @settings(deadline=None)
    @given(EVENTS, st.randoms(use_true_random=False))
    def test_the_order_of_different_times_does_not_matter(self, events, rng):
        events = list({(case, time): (case, activity, time) for case, activity, time in events}.values())
        shuffled = rng.sample(events, len(events))
        first, second = (
            discover(*([event[column] for event in log] for column in range(3))) for log in (events, shuffled))
        self.assertEqual(first, second)


class TestPublishedLogs(unittest.TestCase):

    def test_receipt_phase_of_a_building_permit(self):
        rows = read_shared('receipt.csv.gz')
        found = discover(
            [row['case:concept:name'] for row in rows], [row['concept:name'] for row in rows],
            [moment(row['time:timestamp']) for row in rows])
        self.assertEqual((found.events, found.cases, len(found.activities)), (8577, 1434, 27))
        self.assertEqual((len(found.variants), found.variants[0].count), (116, 713))
        self.assertEqual(found.starts, {'Confirmation of receipt': 1434})

    def test_running_example_of_the_book(self):
        rows = read_shared('running_example.csv')
        found = discover(
            [int(row['case:concept:name']) for row in rows], [row['concept:name'] for row in rows],
            [moment(row['time:timestamp']) for row in rows])
        self.assertEqual((found.events, found.cases, len(found.variants)), (42, 6, 6))
        self.assertEqual(found.starts, {'register request': 6})
        self.assertEqual(found.ends, {'pay compensation': 3, 'reject request': 3})

    def test_orders_to_cash(self):
        cases, activities, times = [], [], []
        for row in read_shared('order_management_ocel.csv.gz'):
            if row['ocel:type:orders'].strip():  # a blank is a space
                for order in ast.literal_eval(row['ocel:type:orders']):
                    cases.append(order)
                    activities.append(row['ocel:activity'])
                    times.append(moment(row['ocel:timestamp']))
        found = discover(cases, activities, times)
        counts = {activity.name: activity.count for activity in found.activities}
        self.assertEqual(found.cases, 2000)
        self.assertEqual(found.starts, {'place order': 2000})
        self.assertEqual(counts['place order'], 2000)
        self.assertEqual(counts['payment reminder'], 514)
