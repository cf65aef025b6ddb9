"""`/healthz` and `/readyz`: is the process alive, and which parts work. Answered before Django's middleware.

Evaluation needs none of the other parts, so `/readyz` says 200 while flags can be evaluated, and names what is down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from communications.services.lanes import ROUND
from core import heartbeats
from flags.adapters import bus
from flags.services.holding import Holder, Source
from nctool_rollout.beat import SCHEDULE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

PATIENCE = 1.5  # seconds for all parts together
BY_THE_CLOCK = ("guard", "ramps", "follow", "requests", "incidents", "escalate")
WATCHED = {**{name: SCHEDULE[name]["schedule"] for name in BY_THE_CLOCK}, "announce": ROUND}  # seconds of a round
Part = dict[str, Any]


def healthz(start_response: StartResponse) -> Iterable[bytes]:
    """The process answers."""
    return _answer(start_response, 200, {"status": "alive"})


def readyz(holder: Holder, start_response: StartResponse) -> Iterable[bytes]:
    """200 while flags can be evaluated; the body tells each part's state."""
    holder.start()
    parts = {"evaluation": evaluation(holder), **asked()}
    able = parts["evaluation"]["state"] != "down"
    calm = all(part["state"] == "ok" for part in parts.values())
    status = ("ready" if calm else "degraded") if able else "unavailable"
    return _answer(start_response, 200 if able else 503, {"status": status, "parts": parts})


def evaluation(holder: Holder) -> Part:
    """What this process answers from, and how long ago the database confirmed it."""
    held, age = holder.held, holder.age
    if held.source is Source.NOWHERE:
        return {
            "state": "down",
            "detail": "No configuration could be loaded yet, neither from the database nor from disk.",
        }
    fresh = age is not None and age <= 3 * settings.SNAPSHOT_POLL_SECONDS
    return {
        "state": "ok" if fresh else "stale",
        "source": held.source,
        "confirmed_seconds_ago": None if age is None else round(age, 1),
        "versions": {key: configuration.version for key, configuration in held.configurations.items()},
    }


def asked() -> dict[str, Part]:
    """The parts that have to be asked, all at once. One that does not answer in time is asked no second time."""
    probes = {name: probe.pending() for name, probe in _probes().items()}
    wait(probes.values(), timeout=PATIENCE)
    found: dict[str, Part] = {}
    for name, future in probes.items():
        found |= future.result() if future.done() else {name: _down(f"No answer within {PATIENCE} seconds.")}
    return found


class _Probe:
    """Asks one part in a thread of its own, so that one that hangs delays nobody else."""

    def __init__(self, name: str, ask: Callable[[], dict[str, Part]]) -> None:
        self._name, self._ask = name, ask
        self._pool = ThreadPoolExecutor(1, f"probe-{name}")
        self._future: Future[dict[str, Part]] | None = None

    def pending(self) -> Future[dict[str, Part]]:
        if self._future is None or self._future.done():
            self._future = self._pool.submit(self._run)
        return self._future

    def _run(self) -> dict[str, Part]:
        try:
            return self._ask()
        except Exception as error:  # whatever a driver raises, the part is down
            return {self._name: _down(f"{type(error).__name__}: {error}".splitlines()[0][:200])}
        finally:
            connections.close_all()


@cache
def _probes() -> dict[str, _Probe]:
    return {
        "database": _Probe("database", _database),
        "redis": _Probe("redis", _redis),
        "mongodb": _Probe("mongodb", _mongodb),
    }


def _database() -> dict[str, Part]:
    """The database, and through it the parts that work on their own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    beats = heartbeats.last()
    return {"database": {"state": "ok"}, **{name: _working(name, beats, now=timezone.now()) for name in WATCHED}}


def _redis() -> dict[str, Part]:
    return {"redis": {"state": "ok"} if bus.reachable() else _down("It does not answer; changes are found by polling.")}


def _mongodb() -> dict[str, Part]:
    connections["nctool"].database.command("ping")  # type: ignore[attr-defined]  # the MongoDB backend's own
    return {"mongodb": {"state": "ok"}}


def _working(name: str, beats: dict[str, datetime], *, now: datetime) -> Part:
    """Late: it missed three rounds."""
    if name not in beats:
        return {"state": "late", "detail": "It has not worked yet: does its process run?"}
    ago = (now - beats[name]).total_seconds()
    state = "ok" if ago <= 3 * WATCHED[name] + 5 else "late"
    return {"state": state, "last_seconds_ago": round(ago, 1)}


def _down(detail: str) -> Part:
    return {"state": "down", "detail": detail}


def _answer(start_response: StartResponse, status: int, body: dict[str, Any]) -> Iterable[bytes]:
    content = orjson.dumps(body)
    line = {200: "200 OK", 503: "503 Service Unavailable"}[status]
    start_response(line, [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]
