"""``python -m bench``: measure the promises of the addon and say which of them hold."""
import argparse
import importlib
import json
import sys

from bench.measure import format_table

SUITES = (
    'warehouse', 'import', 'ledger', 'broker', 'tracking', 'decisions', 'rules', 'customers', 'studies', 'suggestions',
    'inventory',
)


def main():
    parser = argparse.ArgumentParser(prog='bench', description=__doc__)
    parser.add_argument('--only', choices=SUITES, help="run one suite")
    parser.add_argument('--json', metavar='FILE', help="write the results as JSON, too")
    parser.add_argument('--lines', type=int, default=1_000_000, help="order lines of the generated history")
    options = parser.parse_args()
    results = []
    for suite in [options.only] if options.only else SUITES:
        module = importlib.import_module(f'bench.bench_{suite}')
        results += [result | {'suite': suite} for result in module.run(options.lines)]
    print(format_table(results))
    if options.json:
        with open(options.json, 'w', encoding='utf-8') as file:
            # what numpy worked out is of its own types
            json.dump(results, file, indent=2, default=lambda value: value.item())
    return 0 if all(result['holds'] for result in results) else 1


if __name__ == '__main__':
    sys.exit(main())
