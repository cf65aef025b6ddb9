"""What the OFREP door counts, what it tells of the stream, and that it never answers with less than was heard of."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.actors import Actor
from core.tokens import digest
from flags.adapters.disk import DiskCopy
from flags.api import event_streams
from flags.api.counting import Counting
from flags.api.event_streams import EventStreams
from flags.api.ofrep import OfrepDoor
from flags.api.snapshot import PATH, SnapshotDoor
from flags.domain.bucketing import Bucketing
from flags.domain.change import StateChange
from flags.domain.configuration import EnvironmentConfig, FlagConfig, TokenConfig
from flags.domain.document import etag
from flags.domain.limit import MinuteLimit
from flags.domain.usage import ERROR, NOT_FOUND, OTHER_UNKNOWN, Answer
from flags.services import rollout, tickets
from flags.services.holding import Held, Holder, Source

ALL = "/ofrep/v1/evaluate/flags"
TOKEN = TokenConfig(digest("good"), "good", "production", frozenset({"evaluate"}))
SPLIT = {"enabled": True, "percentage": Decimal(40)}
IN_DE = {"attribute": "country", "op": "equals", "values": ["DE"]}
PRODUCTION = EnvironmentConfig(
    "production",
    7,
    "2025-08-11T09:00:00+00:00",
    (
        FlagConfig("plain", allowed=frozenset({"vip"}), **SPLIT),
        FlagConfig("everybody", enabled=True, percentage=Decimal(100)),
        FlagConfig("nobody", enabled=True),
        FlagConfig("disabled"),
        FlagConfig("salted", Bucketing.MURMUR3, "s", **SPLIT),
        FlagConfig("ruled", targeting={"rules": [{"name": "DE", "when": [IN_DE]}]}, **SPLIT),
    ),
    (TOKEN,),
)


class StillHolder(Holder):
    """Holds what the test gave it."""

    def start(self) -> None:
        pass


def holding(config: EnvironmentConfig = PRODUCTION) -> Held:
    return Held().with_news(Source.DATABASE, {"production": config}, ["production"])


@pytest.fixture
def still(make_holder: Callable[..., Holder]) -> Holder:
    holder = make_holder()
    holder.__class__ = StillHolder
    holder.held = holding()
    return holder


Door = OfrepDoor | SnapshotDoor


def door_of(holder: Holder, counting: Counting, streams: EventStreams | None = None) -> OfrepDoor:
    return OfrepDoor(holder, limit=MinuteLimit(10**9), origins=("*",), counting=counting, streams=streams)


def ask(door: Door, path: str = ALL, context: Any = None, **environ: Any) -> tuple[int, dict[str, str], Any]:
    raw = json.dumps({"context": context or {}}).encode()
    environ = {
        "PATH_INFO": path,
        "REQUEST_METHOD": "POST",
        "HTTP_AUTHORIZATION": "Bearer good",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(raw)),
        "wsgi.input": io.BytesIO(raw),
        **environ,
    }
    setup_testing_defaults(environ)
    told: list[Any] = []
    body = b"".join(door(environ, lambda status, headers: told.extend((int(status[:3]), dict(headers)))))  # type: ignore[arg-type]
    return told[0], told[1], json.loads(body) if body else None


def answers_in(body: Any) -> list[Answer]:
    """What a body says, counted by hand."""
    flags = body.get("flags", [body])
    return [
        Answer(flag["key"], "", NOT_FOUND if flag["errorCode"] == NOT_FOUND else ERROR)
        if "errorCode" in flag
        else Answer(flag["key"], flag["variant"], flag["reason"])
        for flag in flags
    ]


units = st.sampled_from(["", "vip", *(f"npub{number}" for number in range(30))])
paths = st.sampled_from([ALL, *(f"{ALL}/{key}" for key in ("plain", "salted", "ruled", "disabled", "missing"))])
requests = st.lists(st.tuples(paths, units, st.sampled_from(["DE", "FR"])), max_size=30)


@given(before=requests, after=requests)
def test_every_answer_is_counted_once_also_over_a_change(
    tmp_path_factory: pytest.TempPathFactory, before: Any, after: Any
) -> None:
    holder = StillHolder(DiskCopy(tmp_path_factory.mktemp("copy") / "snapshot.json"), poll_seconds=60)
    holder.held = holding()
    counting = Counting(units=10)
    door = door_of(holder, counting)
    expected: Counter[Answer] = Counter()
    taken: Counter[Answer] = Counter()
    for asked in (before, after):
        for path, unit, country in asked:
            context = {"targetingKey": unit, "country": country} if unit else {"country": country}
            expected.update(answers_in(ask(door, path, context)[2]))
        holder.held = holding(replace(PRODUCTION, version=8))
        taken += counting.take().get("production", Counter())
    assert taken == expected


def test_no_answer_is_lost_between_threads(still: Holder) -> None:
    counting = Counting(units=100)
    door = door_of(still, counting)
    taken: Counter[Answer] = Counter()

    def client(number: int) -> None:
        for turn in range(200):
            ask(door, ALL if turn % 2 else f"{ALL}/plain", {"targetingKey": f"npub{number}-{turn}"})

    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(client, number) for number in range(4)]
        while not all(each.done() for each in clients):
            still.held = holding()
            taken += counting.take().get("production", Counter())
    taken += counting.take().get("production", Counter())
    of_flag: Counter[str] = Counter()
    for answer, times in taken.items():
        of_flag[answer.flag] += times
    assert of_flag == {key: 800 if key == "plain" else 400 for key in still.held.snapshots["production"].keys}


def test_the_sheet_of_an_old_snapshot_is_read_once_more_and_dropped(still: Holder) -> None:
    counting = Counting(units=10)
    door = door_of(still, counting)
    ask(door, f"{ALL}/plain", {"targetingKey": "npub1"})
    still.held = holding(replace(PRODUCTION, version=8))
    ask(door, f"{ALL}/plain", {"targetingKey": "npub1"})
    assert counting.take()["production"].total() == 2
    assert len(counting._sheets) == 1


def test_misspelt_flags_are_counted_and_do_not_grow_without_end(still: Holder) -> None:
    counting = Counting(units=10)
    door = door_of(still, counting)
    for number in range(1_100):
        ask(door, f"{ALL}/typo{number}")
    ask(door, f"{ALL}/not a key")
    counts = counting.take()["production"]
    assert counts.total() == 1_101
    assert counts[OTHER_UNKNOWN] >= 101
    assert len(counts) <= 1_001
    ask(door, f"{ALL}/typo5000")
    assert counting.take()["production"] == {Answer("typo5000", "", NOT_FOUND): 1}


def test_the_newest_npubs_are_remembered(still: Holder) -> None:
    counting = Counting(units=3)
    door = door_of(still, counting)
    for unit in ("a", "b", "b", "c", ""):
        ask(door, ALL, {"targetingKey": unit})
    assert counting.units() == {"production": {"b", "c"}}
    assert counting.units() == {"production": set()}


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the clock of the tickets."""
    return lambda moment: monkeypatch.setattr(event_streams.time, "time", lambda: moment)


def test_a_bulk_answer_tells_where_news_is_heard(still: Holder, at: Callable[[float], None]) -> None:
    door = door_of(still, Counting(units=10), EventStreams("https://flags.example/stream"))
    at(7200.0)
    [stream] = ask(door)[2]["eventStreams"]
    url, _, ticket = stream["url"].partition("?ticket=")
    assert (stream["type"], url, stream["inactivityDelaySec"]) == ("sse", "https://flags.example/stream", 120)
    ticket = ticket.replace("%3A", ":")
    assert tickets.owner(ticket, [TOKEN], at=7200 + 2 * 3600 - 1) is TOKEN
    assert tickets.owner(ticket, [TOKEN], at=7200 + 2 * 3600) is None
    assert "eventStreams" not in ask(door, f"{ALL}/plain")[2]
    assert "eventStreams" not in ask(door_of(still, Counting(units=10)))[2]


def test_a_client_whose_ticket_ended_is_not_told_that_nothing_changed(
    still: Holder, at: Callable[[float], None]
) -> None:
    door = door_of(still, Counting(units=10), EventStreams("https://flags.example/stream"))
    at(7200.0)
    _, headers, body = ask(door)
    at(7200.0 + 3599)
    assert ask(door, HTTP_IF_NONE_MATCH=headers["ETag"])[0] == 304
    at(7200.0 + 3600)
    status, _, later = ask(door, HTTP_IF_NONE_MATCH=headers["ETag"])
    assert status == 200
    assert later["eventStreams"] != body["eventStreams"]
    assert later["flags"] == body["flags"]


@pytest.fixture
def changed(holder: Holder, token: str, operator_actor: Actor, now: Any) -> str:
    """A process that has not heard of the last change; what the stream said of it."""
    holder.refresh()
    holder.__class__ = StillHolder
    rollout.change(
        "atomicMeltOperations", "production", StateChange(percentage=30), actor=operator_actor, reason="r", now=now
    )
    version = holder.held.configurations["production"].version + 1
    return f"production-{version}-00000000"


@pytest.mark.django_db(transaction=True)
def test_a_client_that_heard_of_a_version_gets_no_older_one(holder: Holder, token: str, changed: str) -> None:
    door = door_of(holder, Counting(units=10))
    query = f"flagConfigEtag=%22{changed}%22&flagConfigLastModified=1"
    told = [
        ask(door, HTTP_AUTHORIZATION=f"Bearer {token}", QUERY_STRING=asked)[2]["metadata"]["configVersion"]
        for asked in ("", query)
    ]
    assert told[1] == told[0] + 1


@pytest.mark.django_db(transaction=True)
def test_the_snapshot_keeps_to_it_too(holder: Holder, changed: str) -> None:
    config = holder.held.configurations["production"]
    reader = TokenConfig(digest("reader"), "reader", "production", frozenset({"snapshot"}))
    holder.held = replace(holder.held, tokens={reader.digest: reader})
    door = SnapshotDoor(holder, limit=MinuteLimit(10))
    asked = {
        "REQUEST_METHOD": "GET",
        "HTTP_AUTHORIZATION": "Bearer reader",
        "QUERY_STRING": f"flagConfigEtag={changed}",
    }
    status, headers, told = ask(door, PATH, HTTP_IF_NONE_MATCH=etag(config), **asked)
    assert (status, told["version"]) == (200, config.version + 1)
    assert told["flags"][0]["percentage"] == 30
    assert headers["ETag"] != etag(config)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("query", ["flagConfigEtag=production-999999-0", "flagConfigEtag=x", "flagConfigEtag"])
def test_a_version_that_nobody_made_costs_one_look_at_most(
    holder: Holder, token: str, query: str, django_assert_max_num_queries: Any
) -> None:
    holder.refresh()
    holder.__class__ = StillHolder
    door = door_of(holder, Counting(units=10))
    with django_assert_max_num_queries(1):
        assert ask(door, HTTP_AUTHORIZATION=f"Bearer {token}", QUERY_STRING=query)[0] == 200


def test_while_the_database_is_away_what_is_held_must_do(still: Holder, caplog: Any) -> None:
    door = door_of(still, Counting(units=10))  # this test may not touch the database, which raises
    for _ in range(3):
        assert ask(door, QUERY_STRING="flagConfigEtag=production-8-0")[2]["metadata"]["configVersion"] == 7
    assert len([line for line in caplog.messages if "cannot be asked" in line]) == 1
