"""What counting costs an evaluation: `python -m benchmarks.usage_overhead`. Needs `wrk`.

The OFREP door as a WSGI callable in this process: with the counting, and with the same source without the lines that
count. Both take turns in one run. What is more is then compared with the CPU of a whole request over HTTP, of the same
door under its server, which is what bounds the throughput.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import statistics
import tempfile
import textwrap
import time
from decimal import Decimal
from pathlib import Path
from types import FunctionType
from typing import Any

from benchmarks.installation import granian, installation
from benchmarks.ofrep import SECONDS, Case, make_flags, wrk
from benchmarks.table import show

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nctool_rollout.settings")
ROUNDS = 40
REQUESTS = 1_000
CONNECTIONS = 64
FLAGS = 20
NPUBS = 5_000
BULK = "/ofrep/v1/evaluate/flags"


def without(function: FunctionType, *lines: str) -> Any:
    """The same function without these lines of its source."""
    source = textwrap.dedent(inspect.getsource(function))
    for line in lines:
        assert source.count(f"{line}\n") == 1, line
        source = source.replace(f"{line}\n", "")
    made: dict[str, Any] = {}
    exec(source, function.__globals__, made)
    return made[function.__name__]


def doors(*, salted: bool) -> tuple[Any, Any]:
    """The door that counts, and the one that does not, each with its own twenty flags."""
    from flags.adapters.disk import DiskCopy
    from flags.api import ofrep, ofrep_bodies
    from flags.api.counting import Counting
    from flags.domain.limit import MinuteLimit
    from flags.services.holding import Held, Holder, Source

    class StillHolder(Holder):
        def start(self) -> None:
            pass

    class Uncounted(ofrep.OfrepDoor):
        _answer = without(ofrep.OfrepDoor._answer, "    if unit:\n        bodies.counted.see(unit)")

    class Fragments(ofrep_bodies._Fragments):
        of = without(ofrep_bodies._Fragments.of, "    found[1]()")
        _around = without(ofrep_bodies._Fragments._around, "    halves[2]()")

    class Bodies(ofrep_bodies.Bodies):
        all = without(ofrep_bodies.Bodies.all, "    self._hits[bucket]()")

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self._alone.__class__ = self._among.__class__ = self._common.__class__ = Fragments

    config = configuration(salted=salted)
    made = []
    for kind in (ofrep.OfrepDoor, Uncounted):
        holder = StillHolder(DiskCopy(Path(tempfile.gettempdir()) / "none"), poll_seconds=60)
        holder.held = Held().with_news(Source.DATABASE, {"production": config}, ["production"])
        made.append(kind(holder, limit=MinuteLimit(10**12), origins=("*",), counting=Counting(units=20_000)))
    made[1]._bodies["production"] = Bodies(made[1]._holder.held.snapshots["production"], made[1]._counting)
    return made[0], made[1]


def configuration(*, salted: bool) -> Any:
    """Twenty flags, and a token that may ask for them."""
    from core.tokens import digest
    from flags.domain.bucketing import Bucketing
    from flags.domain.configuration import EnvironmentConfig, FlagConfig, TokenConfig

    bucketing = Bucketing.MURMUR3 if salted else Bucketing.JS31
    flags = tuple(
        FlagConfig(f"flag{n}", bucketing, f"s{n}", enabled=True, percentage=Decimal(5 * n % 100 or 50))
        for n in range(FLAGS)
    )
    token = TokenConfig(digest("token"), "token", "production", frozenset({"evaluate"}))
    return EnvironmentConfig("production", 1, "", flags, (token,))


def requests(path: str) -> list[dict[str, Any]]:
    """WSGI environments; their bodies are read once, so each is used once a batch and rewound."""
    bodies = [b'{"context":{"targetingKey":"npub1%058d"}}' % number for number in range(NPUBS)]
    return [
        {
            "PATH_INFO": path,
            "REQUEST_METHOD": "POST",
            "HTTP_AUTHORIZATION": "Bearer token",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "QUERY_STRING": "",
            "wsgi.input": io.BytesIO(body),
        }
        for body in bodies
    ]


def batch(door: Any, asked: list[dict[str, Any]], turn: int) -> float:
    """Seconds of CPU for a request, the mean of a batch."""
    some = [asked[(turn * REQUESTS + number) % len(asked)] for number in range(REQUESTS)]
    for environ in some:
        environ["wsgi.input"].seek(0)
    began = time.thread_time()
    for environ in some:
        door(environ, _ignore)
    return (time.thread_time() - began) / REQUESTS


def _ignore(status: str, headers: list[tuple[str, str]]) -> None:
    assert status == "200 OK", status


def compare(counted: Any, uncounted: Any, path: str) -> tuple[float, float]:
    """Microseconds of CPU for a request without counting, and what counting adds: medians of pairs of batches."""
    asked = requests(path)
    without_it, more = [], []
    for turn in range(-4, ROUNDS):
        pair = (counted, uncounted) if turn % 2 else (uncounted, counted)
        found = {door: batch(door, asked, turn) for door in pair}
        if turn >= 0:
            without_it.append(found[uncounted])
            more.append(found[counted] - found[uncounted])
    return statistics.median(without_it) * 1e6, statistics.median(more) * 1e6


def over_http(path: str) -> float:
    """Microseconds of CPU of the web server's processes for a request, with 64 connections of wrk."""
    ours = "nctool_rollout.wsgi:application"
    with installation() as at:
        make_flags(at)
        token = at.token("bench", "evaluate")
        with at.process(*granian(at.port, ours)) as server:
            at.wait_until_ready()
            wrk(at, Case("warm", ours, path), token, CONNECTIONS)
            before = cpu(server.pid)
            rate, _ = wrk(at, Case("measured", ours, path), token, CONNECTIONS)
            return (cpu(server.pid) - before) / (rate * SECONDS) * 1e6


def cpu(parent: int) -> float:
    """Seconds of CPU that the children of a process have used."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    import django

    django.setup()
    whole = {"one flag": over_http(f"{BULK}/benchmark1"), f"all {FLAGS} flags": over_http(BULK)}
    rows = []
    for salted in (False, True):
        counted, uncounted = doors(salted=salted)
        for what, path in zip(whole, (f"{BULK}/flag7", BULK), strict=True):
            off, more = compare(counted, uncounted, path)
            share = f"{100 * more / whole[what]:.1f} %"
            kind = "salted" if salted else "js31"
            rows.append((f"{what}, {kind}", f"{off:.2f}", f"{more * 1000:.0f} ns", f"{whole[what]:.0f}", share))
    show(
        f"Counting: CPU of a request in µs (median of {ROUNDS} pairs of {REQUESTS} requests, {NPUBS} npubs)",
        ("request", "door without", "counting", "whole request over HTTP", "share"),
        rows,
    )


if __name__ == "__main__":
    main()
