"""One child process: started, watched, ended with everything it started itself."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path

from core import lifeline
from nctool_rollout.supervisor import backoff
from nctool_rollout.supervisor.plan import Part

LOG_LIMIT = 10 * 1024 * 1024
BASE_DIR = Path(__file__).parents[2]


class Child:
    """The process of one part. Its output goes to `log`; it leads a process group of its own."""

    def __init__(self, part: Part, *, log: Path, environment: dict[str, str], log_limit: int = LOG_LIMIT) -> None:
        self.part = part
        self.log = log
        self.log_limit = log_limit
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.failures = 0
        self.start_at: float | None = None  # when it may be started again; None: not yet, or it runs
        self.answered = False
        self.echoed = log.stat().st_size if log.exists() else 0

    def start(self, *, now: float) -> None:
        """Start it below this process, tied to its life. A Ctrl-C of the terminal reaches the supervisor only."""
        self.trim()
        tied = (sys.executable, "-I", "-S", lifeline.__file__, str(os.getpid()))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - the commands are ours
                [*tied, *self.part.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=BASE_DIR,
                env=self.environment,
                process_group=0,
            )
        self.started_at = now
        self.start_at = None

    def died(self, *, now: float) -> int | None:
        """Its exit code when it ended since the last question. What it left running is killed, and its next
        start is set."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self.kill()
        self.process = None
        self.failures = backoff.failures_after(self.failures, ran=now - self.started_at)
        self.start_at = now + backoff.delay(self.failures)
        return code

    def poll_answer(self) -> bool:
        """Whether it answered once; a part that serves nobody answers when it runs."""
        if not self.answered and self.process is not None:
            self.answered = self.part.answers is None or self.part.answers()
        return self.answered

    def terminate(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def kill(self) -> None:
        """End the whole group at once."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def trim(self) -> None:
        """Keep the last 10 MB at most twice: in the log and in `<log>.1`. The writer appends, so it goes on."""
        if self.log.exists() and self.log.stat().st_size > self.log_limit:
            shutil.copyfile(self.log, self.log.with_name(f"{self.log.name}.1"))
            os.truncate(self.log, 0)
            self.echoed = 0

    def new_lines(self) -> list[str]:
        """The whole lines it wrote since the last call."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(self.echoed)
            complete = log.read().rpartition(b"\n")
        self.echoed += len(complete[0]) + len(complete[1])
        return complete[0].decode(errors="replace").splitlines()

    def last_lines(self, count: int = 15) -> list[str]:
        with self.log.open(encoding="utf-8", errors="replace") as log:
            return [line.rstrip("\n") for line in deque(log, maxlen=count)]
