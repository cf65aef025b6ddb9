"""A program of this machine: no shell, an environment of its own, and no end of it left behind.

It dies with us, where the system can see to that.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Thread
from typing import IO

from core import lifeline
from core.commandline import MOST_OUTPUT

PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
CHUNK = 4096


class ProgramError(Exception):
    """It could not be started; the message says why."""


class Child:
    """A process in a group of its own, so that what it starts ends with it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._said: deque[bytes] = deque(maxlen=2 * MOST_OUTPUT // CHUNK)
        self._reader = Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._reader.start()

    def wait(self, seconds: float) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(seconds)
            self._signal(signal.SIGKILL)  # what it left behind: it would keep the pipe open, and run unwatched
            self._reader.join(1)
            return code
        return None

    def output(self) -> str:
        return b"".join(list(self._said)).decode(errors="replace")

    def end(self, *, grace: float) -> None:
        self._signal(signal.SIGTERM)
        if self.wait(grace) is None:
            self._signal(signal.SIGKILL)
            self._process.wait()
        self._reader.join(1)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _read(self, pipe: IO[bytes]) -> None:
        while chunk := pipe.read1(CHUNK):  # type: ignore[attr-defined]  # Popen gives a buffered reader
            self._said.append(chunk)


def passed() -> dict[str, str]:
    """The few variables that every program gets. Nothing of ours: no database, no secret key."""
    return {name: os.environ[name] for name in PASSED if name in os.environ}


def start(argv: Sequence[str], *, environment: Mapping[str, str], directory: str) -> Child:
    """Start a program with these variables alone. Raises ProgramError."""
    program = shutil.which(argv[0], path=environment.get("PATH"))
    if program is None:
        raise ProgramError(f"There is no {argv[0]} where the worker is.")
    try:
        process = subprocess.Popen(  # noqa: S603 -- from the installation, arguments apart, no shell
            [sys.executable, "-I", "-S", lifeline.__file__, str(os.getpid()), program, *argv[1:]],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise ProgramError(f"{argv[0]} cannot be run: {error.strerror}.") from error
    return Child(process)
