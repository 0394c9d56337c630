"""A pytest plugin: a skipped test fails the run, unless its reason is known and accepted.

A suite that skips its browser tests because something is missing looks green and proves nothing.
"""

import pytest

# Reasons that may be given, with why each is all right.
ALLOWED = {'the shared file': 'Public data sets are not committed; they lie beside the project where it is developed.'}


class _Skips:
    def __init__(self):
        self.found = []

    def pytest_runtest_logreport(self, report):
        self._add(report)

    def pytest_collectreport(self, report):
        self._add(report)

    def _add(self, report):
        if report.skipped and not hasattr(report, 'wasxfail'):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            if not any(known in reason for known in ALLOWED):
                self.found.append(f'{report.nodeid}: {reason}')

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session, exitstatus):
        if self.found and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        if self.found:
            terminalreporter.section('skipped tests fail this run')
            for line in self.found:
                terminalreporter.line(line)


def pytest_configure(config):
    config.pluginmanager.register(_Skips(), 'sms_addon_skips')
