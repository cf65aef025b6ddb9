"""`DATA_DIR/run.json`: where the servers of the running system are. And the lock that lets only one system run."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Running:
    """What other commands must know of the system that runs on their DATA_DIR. `stream` is empty where clients are
    told of no stream, `nctool` (the simulator that plays it) where none is started."""

    pid: int
    url: str
    redis: str
    mongodb: str
    stream: str = ""
    nctool: str = ""


class AlreadyRunning(Exception):
    """Another supervisor has this DATA_DIR."""


def path(data_dir: Path) -> Path:
    return data_dir / "run.json"


def read(data_dir: Path) -> Running | None:
    """The system that runs on this DATA_DIR; None when none does, or a crash left the file behind."""
    try:
        running = Running(**json.loads(path(data_dir).read_text(encoding="utf-8")))
        os.kill(running.pid, 0)
    except PermissionError:  # alive, and another user's
        return running
    except (OSError, ValueError, TypeError):
        return None
    return running


def write(data_dir: Path, running: Running) -> None:
    """In one step, for its owner only: the URLs may hold passwords."""
    draft = data_dir / f"run.json.{running.pid}"
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(running), file, indent=1)
    draft.replace(path(data_dir))


def remove(data_dir: Path) -> None:
    path(data_dir).unlink(missing_ok=True)


@contextmanager
def only_one(data_dir: Path, name: str, *, wait: bool) -> Iterator[None]:
    """Hold the lock `name` of this DATA_DIR. The kernel gives it back when the process ends, however that is."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = (data_dir / f"{name}.lock").open("a")
    except OSError as error:
        raise ImproperlyConfigured(f"DATA_DIR={data_dir} cannot be written: {error.strerror}.") from error
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning from error
        yield
