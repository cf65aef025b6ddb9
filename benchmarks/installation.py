"""A whole system of its own for a benchmark: a new DATA_DIR, a free port, stopped and removed at the end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_FOREIGN = ("DATABASE_URL", "REDIS_URL", "NCTOOL_MONGODB_URL", "SLACK_WEBHOOK_URL", "ALERT_EMAILS")


def granian(port: int, module: str) -> tuple[str, ...]:
    """The web server alone, with the options it has under `manage.py up`."""
    options = "--interface wsgi --http 1 --no-ws --workers 2 --blocking-threads 4 --backpressure 256"
    stop = "--workers-kill-timeout 2"
    return (sys.executable, "-m", "granian", *f"{options} {stop} --host 127.0.0.1 --port {port} {module}".split())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Installation:
    """Where it keeps its data, and where it answers."""

    data_dir: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of every process of this installation."""
        kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        return {**kept, "DATA_DIR": str(self.data_dir), "PORT": str(self.port), "LOG_LEVEL": "WARNING"}

    def manage(self, *arguments: str) -> str:
        """Run a management command and give back what it printed."""
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def token(self, name: str, scope: str, environment: str = "production") -> str:
        made = self.manage("apitoken", "create", "--name", name, "--environment", environment, "--scope", scope)
        return made.splitlines()[-1]

    @contextmanager
    def process(self, *command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """A process of this installation, ended with SIGTERM."""
        child = subprocess.Popen(command, env={**self.environment, **environment}, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()

    @contextmanager
    def up(self, *, simulator: bool) -> Iterator[float]:
        """`manage.py up`; the seconds until it was ready."""
        began = time.monotonic()
        manage = str(ROOT / "manage.py")
        with self.process(sys.executable, manage, "up", SIMULATOR="on" if simulator else "off"):
            self.wait_until_ready()
            yield time.monotonic() - began

    def wait_until_ready(self, *, path: str = "/readyz", seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(self.url + path, timeout=2):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.02)
        raise TimeoutError(f"{self.url}{path} did not answer within {seconds:g} s")


@contextmanager
def installation() -> Iterator[Installation]:
    """A new one, set up but not running. Nobody has to approve what a benchmark does."""
    with tempfile.TemporaryDirectory(prefix="nctool-rollout-benchmark-") as directory:
        made = Installation(Path(directory), free_port())
        made.manage("setup")
        made.manage("shell", "-c", "from flags.models import ApprovalRule; ApprovalRule.objects.all().delete()")
        yield made
