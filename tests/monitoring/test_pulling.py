"""Sources against real HTTP servers that do everything a Prometheus, or what stands in its place, may do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from core import environments, events
from core.actors import Actor
from core.errors import Invalid
from monitoring.models import Source
from monitoring.selectors import store
from monitoring.services import pulling, sources
from tests.prometheus import Answer, Server, serving, vector
from tests.racing import at_once

pytestmark = pytest.mark.usefixtures("all_environments")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture
def source(server: Server, operator_actor: Actor, now: datetime) -> Callable[..., Source]:
    def defined(key: str = "prom", **values: Any) -> Source:
        queries = {"error_rate": {"query": "error_rate"}, "melts_total": {"query": "sum(melts)", "kind": "counter"}}
        given = {"kind": "prometheus", "url": server.url, "timeout": 0.5, "queries": queries} | values
        return sources.define(key, "production", given, actor=operator_actor, reason="tests", now=now)

    return defined


def pull(now: datetime, seconds: int = 0) -> Source:
    moment = now + timedelta(seconds=seconds)
    pulling.pull_due(now=moment, clock=lambda: moment)
    return Source.objects.first()


def values(name: str, now: datetime) -> list[tuple[str, float, float]]:
    start = int(now.timestamp()) - 3600
    found = store.read(environments.get("production").pk, name, start=start, end=start + 9000)
    return [(read.source, row.sum, row.last) for read in found for row in read.rows]


@pytest.mark.django_db(transaction=True)
def test_gauges_are_kept_and_running_totals_become_increments(
    server: Server, source: Callable[..., Source], now: datetime
) -> None:
    source()
    totals = iter((100, 130, 10))

    def answer(form: dict[str, list[str]], headers: Any) -> tuple[int, bytes]:
        at = float(form["time"][0])
        counted = form["query"] == ["sum(melts)"]
        return 200, vector(({"__name__": "x", "source": "theirs"}, at, str(next(totals)) if counted else "2.5"))

    server.answer = answer
    for seconds in (0, 10, 20):
        row = pull(now, seconds)
    assert (row.samples, row.error, row.problems) == (2, "", {})
    assert values("error_rate", now) == [("prom", 2.5, 2.5)] * 3
    assert [added for _, added, _ in values("melts_total", now)] == [30, 10]
    assert store.read(row.environment_id, "error_rate", start=0, end=1)[0].labels == {"exported_source": "theirs"}
    assert pull(now, 25).tried_at == now + timedelta(seconds=20)  # not due yet


BAD: dict[str, tuple[Answer, str]] = {
    "an error": (lambda form, _: (500, b"oops"), "It answers 500, and not as a Prometheus would."),
    "a refused query": (
        lambda form, _: (400, b'{"status":"error","errorType":"bad_data","error":"unknown function"}'),
        "It answers 400: unknown function.",
    ),
    "another page": (lambda form, _: (200, b"<html>sign in</html>"), "It answers 200, and not as a Prometheus would."),
    "a redirect": (lambda form, _: (302, b""), "It answers 302"),
    "nonsense": (
        lambda form, _: (200, b'{"status":"success","data":{"resultType":"vector","result":[1]}}'),
        "not as a",
    ),
    "a range": (lambda form, _: (200, b'{"status":"success","data":{"resultType":"matrix","result":[]}}'), "a range"),
    "silence": (lambda form, _: (time.sleep(1.2), (200, vector()))[1], "It did not answer within 0.5 s."),
    "too much": (lambda form, _: (200, b" " * (10 * 1024 * 1024 + 1)), "more than 10 MB"),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("case", BAD)
def test_a_server_that_gives_no_answer_is_told_and_nothing_is_stored(
    case: str, server: Server, source: Callable[..., Source], now: datetime
) -> None:
    server.answer, words = BAD[case]
    source(queries={"error_rate": {"query": "error_rate"}}, timeout=0.5 if case == "silence" else 20)
    row = pull(now)
    assert words in row.error
    assert (row.failing_since, row.samples, values("error_rate", now)) == (now, 0, [])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "No series"),
        ([({}, 0, "NaN")], "no number"),
        ([({}, 0, "+Inf")], "no number"),
        ([({}, -120, "1")], "120 s old"),
        ([({}, 120, "1")], "from the future"),
        ([({"a": "1"}, 0, "1"), ({"a": "1", "__name__": "x"}, 0, "2")], "a series twice"),
    ],
)
def test_what_cannot_be_used_is_left_out_and_told_while_the_rest_is_kept(
    rows: list[Any], words: str, server: Server, source: Callable[..., Source], now: datetime
) -> None:
    def answer(form: dict[str, list[str]], headers: Any) -> tuple[int, bytes]:
        at = float(form["time"][0])
        return 200, vector(*((labels, at + apart, value) for labels, apart, value in rows))

    server.answer = answer
    source(queries={"error_rate": {"query": "error_rate"}})
    row = pull(now)
    assert words in row.problems["error_rate"]
    assert row.error == ""
    assert len(values("error_rate", now)) == (1 if "twice" in words else 0)


@pytest.mark.django_db(transaction=True)
def test_failing_is_told_once_after_two_minutes_and_once_when_it_is_over(
    server: Server, source: Callable[..., Source], now: datetime
) -> None:
    source()
    server.answer = lambda form, headers: (503, b"")
    for seconds in range(0, 300, 10):
        pull(now, seconds)
    told = events.recent().filter(kind__startswith="source.").exclude(kind="source.created")
    assert [(event.kind, event.at) for event in told] == [("source.failed", now + timedelta(seconds=120))]
    server.answer = lambda form, headers: (200, vector())
    pull(now, 300)
    pull(now, 310)
    assert [event.kind for event in told.all()] == ["source.recovered", "source.failed"]


@pytest.mark.django_db(transaction=True)
def test_secrets_come_from_the_environment_and_are_told_to_nobody_else(
    server: Server, source: Callable[..., Source], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = source(auth="bearer")
    assert "SOURCE_PROM_TOKEN is not set" in pull(now).error
    monkeypatch.setenv("SOURCE_PROM_TOKEN", "t0p-secret")
    server.answer = lambda form, headers: (401, b'{"status":"error","error":"bad token"}')
    row = pull(now, 20)
    assert server.asked[-1][2]["Authorization"] == "Bearer t0p-secret"
    assert "t0p" not in json.dumps([row.error, row.problems, *events.recent().values_list("data", flat=True)])
    source(auth="basic")
    monkeypatch.setenv("SOURCE_PROM_USER", "u")
    monkeypatch.setenv("SOURCE_PROM_PASSWORD", "p")
    pull(now, 60)
    assert server.asked[-1][2]["Authorization"].startswith("Basic ")


@pytest.mark.django_db(transaction=True)
def test_a_probe_says_up_or_down_and_rests_while_nobody_knows_where_nctool_is(
    server: Server, source: Callable[..., Source], now: datetime, settings: Settings
) -> None:
    settings.NCTOOL_URL = ""
    source("nctool-health", kind="probe", url="${NCTOOL_URL}/health", queries={})
    assert pull(now).tried_at is None
    settings.NCTOOL_URL = server.url
    for seconds, status in ((0, 200), (20, 503)):
        server.answer = lambda form, headers, status=status: (status, b"")
        pull(now, seconds)
    settings.NCTOOL_URL = "http://127.0.0.1:9"
    row = pull(now, 40)
    assert [last for _, _, last in values("up", now)] == [1, 0, 0]
    assert row.problems == {"up": "Nobody answers there."}
    assert server.asked[0][0] == "/health"


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_of_several_workers_one_asks(server: Server, source: Callable[..., Source], now: datetime) -> None:
    source(queries={"error_rate": {"query": "error_rate"}})
    at_once(*[lambda: pulling.pull_due(now=now, clock=lambda: now)] * 4)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "ftp://x"}, "url"),
        ({"url": "http://user:secret@x"}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"kind": "influx"}, "kind"),
        ({"auth": "digest"}, "auth"),
        ({"timeout": 60}, "timeout"),
        ({"interval": 1}, "interval"),
        ({"queries": {"m": {"query": ""}}}, "queries"),
        ({"queries": {"m": {"query": "x", "kind": "timing"}}}, "queries"),
        ({"queries": {"1m": {"query": "x"}}}, "queries"),
        ({"kind": "probe", "queries": {"m": {"query": "x"}}}, "queries"),
        ({"token": "t"}, "token"),
    ],
)
def test_a_source_that_cannot_be_is_refused_by_its_field(
    change: dict[str, Any], field: str, source: Callable[..., Source]
) -> None:
    with pytest.raises(Invalid) as refusal:
        source(**change)
    assert refusal.value.field == field
