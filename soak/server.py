"""A real Odoo server that runs scheduled actions, and can be killed with all its processes."""
import contextlib
import os
import signal
import subprocess
import sys

from scripts.project import process
from scripts.project.paths import ROOT, cache

COMMAND = ('server', '--no-http', '--workers=0', '--max-cron-threads=1', '--log-level=warn')


class Server:

    def __init__(self, world):
        self.world = world
        self.log = cache('logs') / 'soak-server.log'

    @classmethod
    @contextlib.contextmanager
    def running(cls, world):
        server = cls(world)
        server.start()
        try:
            yield server
        finally:
            server.kill()

    def start(self):
        with self.log.open('w') as log:
            self.child = process.start(
                [sys.executable, '-m', 'odoo', *COMMAND, '-c', os.environ['SMS_ODOO_CONFIG'], '-d', self.world.name],
                cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)

    def nudge(self):
        """Tell the server that something is to be done, as a commit does; one that has just started was not told."""
        if self.child.poll() is not None:
            raise AssertionError(f"The Odoo server ended by itself: {self.log.read_text()[-2000:]}")
        with self.world.environment() as env:
            env['ir.cron']._notifydb()

    def kill(self):
        """End the server's process group as `kill -9` does."""
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
