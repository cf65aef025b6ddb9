"""Programs of this machine: no shell, an environment of their own, and no end of them left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

from django.conf import settings

from core import lifeline
from plans.adapters.ports import ProgramError
from plans.domain.command import MOST_OUTPUT

PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
CHUNK = 4096


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


class LocalPrograms:
    """Those of `RUNNER_PROGRAMS`, run in `RUNNER_DIRECTORY`.

    They get a few common variables, those named by `RUNNER_ENVIRONMENT`, the way to the environment's cluster as
    `KUBECONFIG`, and the key of the environment as `ROLLOUT_ENVIRONMENT`. Nothing of ours: no database, no secret key.
    A program dies with the runner, where the system can see to that.
    """

    def __init__(self) -> None:
        self.allowed = frozenset(settings.RUNNER_PROGRAMS)
        given = {name: os.environ[name] for name in settings.RUNNER_ENVIRONMENT if name in os.environ}
        self.secrets = [value for value in given.values() if len(value) >= 6]
        self._environment = {name: os.environ[name] for name in PASSED if name in os.environ} | given

    def start(self, argv: Sequence[str], *, environment: str) -> Child:
        directory = settings.RUNNER_DIRECTORY
        if not directory or not Path(directory).is_dir():
            raise ProgramError(f"RUNNER_DIRECTORY is no directory where the runner is: {directory or 'it is not set'}.")
        name = environment.upper().replace("-", "_")
        kubeconfig = settings.KUBECONFIGS.get(name) or settings.KUBECONFIG
        passed = {**self._environment, "ROLLOUT_ENVIRONMENT": environment}
        if kubeconfig:
            passed["KUBECONFIG"] = kubeconfig
        program = shutil.which(argv[0], path=passed.get("PATH"))
        if program is None:
            raise ProgramError(f"There is no {argv[0]} where the runner is.")
        try:
            process = subprocess.Popen(  # noqa: S603 -- from the list of the installation, arguments apart, no shell
                [sys.executable, "-I", "-S", lifeline.__file__, str(os.getpid()), program, *argv[1:]],
                cwd=directory,
                env=passed,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ProgramError(f"{argv[0]} cannot be run: {error.strerror}.") from error
        return Child(process)
