"""The whole system in a directory of its own, as a person would start it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import psutil

from nctool_rollout.supervisor import run_file
from tests.servers import free_port

BASE_DIR = Path(__file__).parents[2]
SECONDS = 180  # a generous bound on a machine that has ten things to do at once; how fast it is, the benchmarks say


def wait_for(condition: Callable[[], object], *, seconds: float = SECONDS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        time.sleep(0.05)


@dataclass
class System:
    """`manage.py` with a DATA_DIR, a port and nothing else of this machine's environment."""

    data_dir: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    def copy(self, data_dir: Path) -> System:
        """Another system that is set up as this one is, which must not run."""
        shutil.copytree(self.data_dir, data_dir, dirs_exist_ok=True)
        return System(data_dir)

    @property
    def environment(self) -> dict[str, str]:
        ours = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        servers = ("EMBEDDED_REDIS_PORT", "EMBEDDED_MONGODB_PORT", "SIMULATOR_PORT")
        ports = {name: str(free_port()) for name in servers}
        little = {"SIMULATOR_RATE": "1"}  # one more process on a machine that has ten things to do
        return ours | ports | little | {"DATA_DIR": str(self.data_dir), "PORT": str(self.port)}

    def manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(BASE_DIR / "manage.py"), *arguments]
        return subprocess.run(
            command, env=self.environment | environment, cwd="/", capture_output=True, text=True, timeout=SECONDS * 2
        )

    def start(self) -> list[psutil.Process]:
        """Start it and wait until it says that it is ready; its processes, the supervisor first."""
        command = [sys.executable, str(BASE_DIR / "manage.py"), "up"]
        output = self.data_dir / "output"
        with output.open("w") as file:
            self.process = subprocess.Popen(
                command, env=self.environment, cwd="/", stdout=file, stderr=subprocess.STDOUT, text=True
            )
        wait_for(lambda: "is ready" in output.read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, output.read_text()
        return self.processes()

    def processes(self) -> list[psutil.Process]:
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def find(self, word: str) -> psutil.Process | None:
        """The child of the supervisor with this word in its command, when there is one that lives."""
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):  # it may end while we look
                if word in " ".join(child.cmdline()):
                    return child
        return None

    @property
    def running(self) -> run_file.Running:
        found = run_file.read(self.data_dir)
        assert found is not None
        return found

    def get(self, path: str) -> tuple[int, str]:
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=SECONDS) as response:
            return response.status, response.read().decode()

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(SECONDS)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; a zombie does not."""
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
