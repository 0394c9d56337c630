"""``python -m soak``: break things while the ledger is written and read, and see that nothing is lost.

Every round is one fault with real processes. What was written is compared with what arrived: no event lost, none
out of order within a document, and doubled only where "at least once" allows it. Where a worker is killed, at least
half of the rounds must have interrupted it: events were still waiting.
"""
import argparse
import json
import sys

from soak.scenarios import SCENARIOS
from soak.world import World


def main():
    parser = argparse.ArgumentParser(prog='soak', description=__doc__)
    parser.add_argument('--rounds', type=int, default=20, help="rounds of each fault")
    parser.add_argument('--only', help="a part of a fault's name")
    parser.add_argument('--json', metavar='FILE', help="write the results as JSON, too")
    options = parser.parse_args()
    results = []
    with World() as world:
        for scenario in SCENARIOS:
            if options.only and options.only not in scenario.__name__:
                continue
            results.append(world.run(scenario, options.rounds))
            print(format_row(results[-1]), flush=True)
    if options.json:
        with open(options.json, 'w', encoding='utf-8') as file:
            json.dump(results, file, indent=2)
    failed = [result for result in results if not result['holds']]
    print(f'{len(results) - len(failed)} passed, {len(failed)} failed')
    return 1 if failed or not results else 0


def format_row(result):
    interrupted = '-' if result['interrupted'] is None else result['interrupted']
    return (
        f"| {result['fault']:60} | rounds {result['rounds']:3} | interrupted {interrupted:>3} "
        f"| events {result['written']:7,} | lost {result['lost']} "
        f"| out of order {result['disordered']} | doubled {result['doubled']} ({result['allowed']}) "
        f"| {'holds' if result['holds'] else 'DOES NOT HOLD'} |")


if __name__ == '__main__':
    sys.exit(main())
