"""A process tells which versions it serves and how often its flags were asked for, through outages."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.actors import Actor
from flags.domain.change import StateChange
from flags.domain.usage import Answer, Counts
from flags.models import Acknowledgement, Asked, Flag, Instance, SeenUnit, Usage
from flags.services import observing, rollout
from flags.services.holding import Holder
from flags.services.observing import Observer, Units

pytestmark = pytest.mark.django_db(transaction=True)
ON = Answer("atomicMeltOperations", "on", "SPLIT")


class Counted:
    """Counts what the test says."""

    def __init__(self) -> None:
        self.next: Counter[Answer] = Counter()
        self.seen: list[str] = []

    def take(self) -> Counts:
        counts, self.next = self.next, Counter()
        return {"production": counts, "gone": Counter({ON: 1})}

    def units(self) -> Units:
        seen, self.seen = self.seen, []
        return {"production": seen}


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def observer(counted: Counted, holder: Holder, flag: Flag) -> Iterator[Observer]:
    observer = Observer("web", clock=timezone.now, counting=counted)
    holder.listeners.append(observer.heard)
    yield observer
    observer.stop()


def until(true: Callable[[], Any], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def production() -> Instance | None:
    return Instance.objects.filter(environment__key="production").first()


def test_a_new_version_is_acknowledged_at_once(observer: Observer, holder: Holder, operator_actor: Actor) -> None:
    holder.refresh()
    until(lambda: Instance.objects.count() == 4)  # one for each environment
    before = timezone.now()
    rollout.change(ON.flag, "production", StateChange(percentage=10), actor=operator_actor, reason="canary", now=before)
    holder.refresh()
    version = holder.held.configurations["production"].version
    until(lambda: Acknowledgement.objects.filter(instance__environment__key="production", version=version).exists())
    at = Acknowledgement.objects.get(instance__environment__key="production", version=version).at
    assert 0 <= (at - before).total_seconds() < 1
    found = production()
    assert found is not None
    assert (found.version, found.kind, found.stopped_at) == (version, "web", None)


def test_the_end_of_a_process_loses_no_count(observer: Observer, holder: Holder, counted: Counted) -> None:
    holder.refresh()
    until(production)
    counted.next = Counter({ON: 3, Answer("typo", "", "FLAG_NOT_FOUND"): 1})
    counted.seen = ["npub1", "npub1", "npub2"]
    observer.stop()
    assert dict(Usage.objects.values_list("flag_key", "count")) == {ON.flag: 3, "typo": 1}
    assert {row.source for row in Usage.objects.all()} == {"server"}
    assert sorted(SeenUnit.objects.values_list("unit", flat=True)) == ["npub1", "npub2"]
    assert Asked.objects.get().state.flag.key == ON.flag
    assert not Instance.objects.filter(stopped_at=None).exists()


@pytest.fixture
def no_table() -> Iterator[Callable[[], None]]:
    """Take the table of usage away, as far as this process can tell; called again, it is back."""
    names = ["flags_usage", "flags_usage_away"]

    def switch() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {names[0]} RENAME TO {names[1]}")
        names.reverse()

    yield switch
    if names[0] != "flags_usage":
        switch()


def test_counts_are_kept_while_the_database_refuses_them(
    observer: Observer, holder: Holder, counted: Counted, no_table: Callable[[], None], caplog: Any
) -> None:
    holder.refresh()
    until(production)
    no_table()
    for _ in range(3):
        counted.next = Counter({ON: 5})
        assert not observer._tell(count=True)
    assert len([line for line in caplog.messages if "they are kept" in line]) == 1
    no_table()
    counted.next = Counter({ON: 1})
    observer.stop()
    assert Usage.objects.get(flag_key=ON.flag).count == 16


def test_an_npub_is_told_once_a_day(observer: Observer, holder: Holder, counted: Counted) -> None:
    holder.refresh()
    until(production)
    today, tomorrow = (datetime(2025, 8, day, 0, 1, tzinfo=UTC) for day in (11, 12))
    for day, told in ((today, 1), (today, 0), (tomorrow, 1)):
        observer._clock = lambda: day  # noqa: B023
        SeenUnit.objects.all().delete()
        counted.seen = ["npub1"]
        assert observer._tell(count=True)
        assert SeenUnit.objects.filter(seen_on=day.date()).count() == told


def test_a_silent_process_goes_on_telling_that_it_lives(
    observer: Observer, holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "EVERY", 0.1)
    holder.refresh()
    until(production)
    first = production()
    assert first is not None
    until(lambda: (found := production()) is not None and found.seen_at > first.seen_at)
