"""Who serves which version: told by processes and clients, read as "seen by 12 of 12 in 0.21 s"."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from core import environments
from core.actors import Actor
from core.errors import Conflict
from flags.domain.acknowledging import Standing, reach
from flags.domain.usage import Answer
from flags.models import Acknowledgement, Asked, Flag, Instance, SeenUnit, Usage
from flags.selectors.instances import acknowledged
from flags.services import instances, tokens, usage
from flags.services.instances import Process
from tests.racing import at_once

CHANGED = datetime(2025, 8, 11, 9, 0, tzinfo=UTC)
PATH = "/api/v1/clients/report"


def after(seconds: float) -> datetime:
    return CHANGED + timedelta(seconds=seconds)


def standing(
    name: str,
    *,
    started: float = -3600,
    seen: float = 60,
    served: float | None = None,
    stopped: float | None = None,
    interval: int = 10,
) -> Standing:
    return Standing(
        name,
        "web",
        "",
        7,
        interval,
        after(started),
        after(seen),
        None if stopped is None else after(stopped),
        None if served is None else after(served),
    )


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (standing("served", served=0.21), (1, 1, 0.21, [], [])),
        (standing("served, and gone since", served=0.3, seen=1), (1, 1, 0.3, [], [])),
        (standing("served, then stopped", served=0.3, seen=9, stopped=9), (1, 1, 0.3, [], [])),
        (standing("before its clock said so", served=-0.5), (1, 1, 0.0, [], [])),
        (standing("live, on an older version"), (0, 1, None, ["live, on an older version"], [])),
        (standing("silent since", seen=5), (0, 0, None, [], ["silent since"])),
        (standing("silent long before", seen=-300), (0, 0, None, [], [])),
        (standing("stopped before it came", seen=5, stopped=5), (0, 0, None, [], [])),
        (standing("started later", started=30, served=31), (0, 0, None, [], [])),
        (standing("started later on old data", started=30), (0, 1, None, ["started later on old data"], [])),
        (standing("reports each minute", seen=-60, interval=60), (0, 1, None, ["reports each minute"], [])),
    ],
    ids=lambda value: value.name if isinstance(value, Standing) else "",
)
def test_lagging_vanished_and_late_starters_are_told_apart(one: Standing, told: tuple[Any, ...]) -> None:
    found = reach([one], changed_at=CHANGED, now=after(60))
    names = [[each.name for each in group] for group in (found.lagging, found.vanished)]
    assert (found.seen, found.total, found.seconds, *names) == told


moments = st.integers(-600, 600)


@given(st.lists(st.builds(standing, st.just("x"), started=moments, seen=moments, served=st.none() | moments)))
def test_nobody_is_counted_twice(rows: list[Standing]) -> None:
    found = reach(rows, changed_at=CHANGED, now=after(60))
    assert found.total == found.seen + len(found.lagging)
    assert found.seen + len(found.lagging) + len(found.vanished) <= len(rows)
    assert (found.seconds is None) == (found.seen == 0)


@pytest.fixture
def production(flag: Flag) -> int:
    return environments.get("production").pk


@pytest.fixture
def web(production: int) -> Callable[..., None]:
    """A process of ours tells that it serves a version, `at` so many seconds after the change."""

    def tell(name: str, version: int, at: float, *, taken: float | None = None) -> None:
        process = Process(name, "web", "nctool-rollout", 10, after(-3600))
        since = {} if taken is None else {(production, version): after(taken)}
        instances.beat(process, {production: version}, since, now=after(at))

    return tell


@pytest.mark.django_db
def test_a_change_is_seen_by_all_in_the_time_of_the_slowest(
    web: Callable[..., None], django_assert_num_queries: Callable[..., Any]
) -> None:
    for number in range(5):
        web(f"web{number}", 41, -5, taken=-900)
        web(f"web{number}", 42, 1, taken=0.1 * number)
    with django_assert_num_queries(1):
        found = acknowledged("production", 42, CHANGED, now=after(2))
    assert (found.seen, found.total, found.lagging, found.vanished) == (5, 5, (), ())
    assert found.seconds == pytest.approx(0.4)


@pytest.mark.django_db
def test_who_skips_a_version_has_seen_it_with_the_later_one(web: Callable[..., None]) -> None:
    web("web1", 41, -5, taken=-900)
    web("web1", 44, 3, taken=2)
    assert acknowledged("production", 42, CHANGED, now=after(4)).seconds == 2.0


@pytest.mark.django_db
def test_a_process_that_stops_in_order_is_not_missed(web: Callable[..., None], production: int) -> None:
    web("web1", 41, -5, taken=-900)
    web("web2", 41, -5, taken=-900)
    instances.stop(Process("web1", "web", "", 10, after(-3600)), now=after(1))
    found = acknowledged("production", 42, CHANGED, now=after(300))
    assert [each.name for each in found.vanished] == ["web2"]


@pytest.mark.django_db
def test_telling_again_keeps_the_first_time(web: Callable[..., None]) -> None:
    web("web1", 42, 1, taken=0.5)
    web("web1", 42, 9, taken=8)
    assert Acknowledgement.objects.get().at == after(0.5)
    assert Instance.objects.get().seen_at == after(9)


def report(**changes: Any) -> dict[str, Any]:
    row = {"flag": "atomicMeltOperations", "variant": "on", "reason": "SPLIT", "count": 5}
    told = {"instance": "melt-1", "software": "lib/1.0", "version": 42, "interval": 30, "usage": [row]}
    return {**told, "units": ["npub1"], "report": str(uuid4()), **changes}


@pytest.fixture
def send(client: Client, flag: Flag, operator_actor: Actor, now: datetime) -> Callable[..., Any]:
    """Send a report with a token of this scope."""

    def send(body: object, scope: str = "snapshot") -> Any:
        _, text = tokens.create("lib", "production", [scope], actor=operator_actor, now=now)
        return client.post(PATH, body, content_type="application/json", headers={"Authorization": f"Bearer {text}"})

    return send


@pytest.mark.django_db
def test_a_report_keeps_usage_version_and_npubs(send: Callable[..., Any]) -> None:
    assert send(report()).status_code == 204
    counted = Usage.objects.get()
    assert (counted.flag_key, counted.variant, counted.reason, counted.source, counted.count) == (
        "atomicMeltOperations",
        "on",
        "SPLIT",
        "client",
        5,
    )
    assert counted.at.timestamp() % 300 == 0
    instance = Instance.objects.get()
    assert (instance.name, instance.kind, instance.version, instance.interval) == ("melt-1", "client", 42, 30)
    assert Acknowledgement.objects.get().version == 42
    assert SeenUnit.objects.get().unit == "npub1"
    assert Asked.objects.get().state.flag.key == "atomicMeltOperations"


@pytest.mark.django_db
def test_the_same_report_counts_once(send: Callable[..., Any]) -> None:
    twice = report()
    assert [send(twice).status_code for _ in range(2)] == [204, 204]
    assert Usage.objects.get().count == 5
    send(report())
    assert Usage.objects.get().count == 10


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"usage": [{"flag": "a b", "variant": "on", "reason": "SPLIT", "count": 1}]}, "usage.0.flag"),
        ({"usage": [{"flag": "a", "variant": "on", "reason": "SPLIT", "count": 0}]}, "usage.0.count"),
        ({"usage": [{"flag": "a", "variant": "\0", "reason": "SPLIT", "count": 1}]}, "usage.0.variant"),
        ({"usage": [{"flag": "a", "variant": "on", "reason": "no reason", "count": 1}]}, "usage.0.reason"),
        ({"usage": [{"flag": "a", "reason": "SPLIT", "count": 1}] * 2001}, "usage"),
        ({"units": ["n"] * 1001}, "units"),
        ({"units": ["n" * 201]}, "units.0"),
        ({"instance": ""}, "instance"),
        ({"instance": "melt\n1"}, "instance"),
        ({"version": -1}, "version"),
        ({"interval": 0}, "interval"),
        ({"report": "not a uuid"}, "report"),
        ({"verison": 1}, "verison"),
    ],
)
def test_a_bad_report_names_the_field_and_keeps_nothing(
    send: Callable[..., Any], changes: dict[str, Any], field: str
) -> None:
    answer = send(report(**changes))
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert answer.json()["field"] == field
    assert not Usage.objects.exists()
    assert not Instance.objects.exists()


@pytest.mark.django_db
def test_every_bad_row_is_told(send: Callable[..., Any]) -> None:
    rows = [{"flag": "a b", "reason": "SPLIT", "count": 1}, {"flag": "c", "reason": "SPLIT", "count": -1}]
    told = [error["field"] for error in send(report(usage=rows)).json()["errors"]]
    assert told == ["usage.0.flag", "usage.1.count"]


@pytest.mark.django_db
def test_npubs_that_no_database_can_hold_are_left_out(send: Callable[..., Any]) -> None:
    assert send(report(units=["", "a\0b", "good"])).status_code == 204
    assert SeenUnit.objects.get().unit == "good"


@pytest.mark.django_db
@pytest.mark.parametrize("scope", ["report", "evaluate"])
def test_other_scopes_may_not_report_not_even_that_of_browsers(send: Callable[..., Any], scope: str) -> None:
    refused = send(report(), scope)
    assert refused.status_code == 403
    assert "lacks the scope snapshot" in refused.json()["detail"]


@pytest.mark.django_db
def test_a_client_cannot_speak_for_a_process_of_ours(web: Callable[..., None], send: Callable[..., Any]) -> None:
    web("web1", 42, 0, taken=0)
    assert send(report(instance="web1")).status_code == 409
    assert Instance.objects.get().kind == "web"
    assert not Usage.objects.exists()


def take(*, at: float, version: int, stopping: bool = False) -> bool:
    told = instances.Report("melt-1", "lib", version, 30, str(uuid4()), {}, (), stopping)
    return instances.take(told, "production", now=after(at))


@pytest.mark.django_db
def test_a_client_that_was_away_counts_as_started_anew(production: int) -> None:
    take(at=-600, version=41)
    take(at=400, version=42)
    found = acknowledged("production", 42, CHANGED, now=after(401))
    assert (found.seen, found.total) == (0, 0)


@pytest.mark.django_db
def test_the_last_report_of_a_client_that_stops_says_so(production: int) -> None:
    take(at=-10, version=41)
    take(at=-1, version=41, stopping=True)
    assert acknowledged("production", 42, CHANGED, now=after(400)).vanished == ()


@pytest.mark.django_db
def test_an_environment_has_room_for_so_many_instances(production: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instances, "MOST", 1)
    take(at=0, version=42)
    other = instances.Report("melt-2", "lib", 42, 30, str(uuid4()), {}, (), stopping=False)
    with pytest.raises(Conflict, match="keeps its name"):
        instances.take(other, "production", now=CHANGED)
    assert take(at=1, version=43)


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_a_report_sent_twice_at_once_counts_once(flag: Flag) -> None:
    answer = Answer("atomicMeltOperations", "on", "SPLIT")
    told = instances.Report("melt-1", "lib", 42, 30, str(uuid4()), {answer: 5}, ["npub1"], stopping=False)
    kept = at_once(*[partial(instances.take, told, "production", now=CHANGED)] * 4)
    assert sorted(kept) == [False, False, False, True]
    assert Usage.objects.get().count == 5


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_counts_of_several_processes_add_up(flag: Flag) -> None:
    where = environments.get("production").pk
    counts = {Answer(f"flag{number}", "on", "SPLIT"): 1 for number in range(50)}
    add = partial(usage.add, where, counts, source=usage.UsageSource.SERVER, now=CHANGED)
    see = partial(usage.see, where, [f"npub{number}" for number in range(50)], on=date(2025, 8, 11))
    at_once(*[add] * 4, *[see] * 4)
    assert {row.count for row in Usage.objects.all()} == {4}
    assert SeenUnit.objects.count() == 50
