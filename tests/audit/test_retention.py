"""How long events are kept, and which are kept for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from audit.services import forgetting
from audit.tasks import forget
from communications.models import Alert
from communications.services import announcing
from core import environments, events
from core.actors import Actor
from core.models import Event
from flags.models import Flag
from flags.services import emergency, registry, rollout
from nctool_rollout import checks
from tests.audit.conftest import seal_all

YEAR = timedelta(days=365)


@pytest.fixture
def change(operator_actor: Actor, now: datetime) -> Callable[..., Event]:
    def record(kind: str, subject: str, *, days_ago: int, where: str | None = "production") -> Event:
        place = environments.get(where).pk if where else None
        at = now - timedelta(days=days_ago)
        return events.record(kind, subject=subject, actor=operator_actor, now=at, environment_id=place)

    return record


def left() -> set[int]:
    untold = ("environment.created", "events.forgotten")
    return set(Event.objects.exclude(kind__in=untold).values_list("pk", flat=True))


def prune(now: datetime) -> int:
    seal_all(now)
    return forgetting.forget(now=now, keep=YEAR)


def test_the_newest_event_of_each_kind_about_each_subject_stays_whatever_its_age(
    all_environments: None, change: Callable[..., Event], now: datetime
) -> None:
    change("flag.enabled", "flag:a", days_ago=900)
    kept = [
        change("flag.enabled", "flag:a", days_ago=800),
        change("flag.enabled", "flag:a", days_ago=900, where="staging"),
        change("flag.rolled_back", "flag:a", days_ago=900),
        change("flag.enabled", "flag:b", days_ago=900),
        change("playbook.loaded", "playbook:p", days_ago=400, where=None),
    ]
    change("person.changed", "person:p", days_ago=500, where=None)
    kept += [change("person.changed", "person:p", days_ago=10, where=None) for _ in range(2)]
    assert prune(now) == 2
    assert left() == {event.pk for event in kept}
    assert prune(now) == 0


def test_what_an_alert_stands_on_stays(flag: Flag, operator_actor: Actor, now: datetime) -> None:
    about = {"actor": operator_actor, "reason": "x"}
    for days in (900, 800, 700):
        at = now - timedelta(days=days)
        rollout.enable(flag.key, "production", now=at, **about)
        emergency.emergency_disable(flag.key, "production", now=at, **about)
    announcing.announce(now=now)
    prune(now)
    told = set(Alert.objects.values_list("event_id", flat=True))
    assert len(told) == 3
    assert told <= left()
    assert Event.objects.filter(kind="flag.enabled").count() == 1


def test_more_events_than_fit_into_one_batch_go(
    all_environments: None, change: Callable[..., Event], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "BATCH", 3)
    for _ in range(10):
        change("flag.enabled", "flag:a", days_ago=500)
    assert prune(now) == 9


@pytest.mark.parametrize(("days", "remaining"), [(0, 3), (365, 2)])
def test_the_clock_forgets_only_where_the_settings_say_so(
    all_environments: None, change: Callable[..., Event], settings: Settings, now: datetime, days: int, remaining: int
) -> None:
    settings.EVENTS_RETENTION_DAYS = days
    for _ in range(2):
        change("flag.enabled", "flag:a", days_ago=2_000)
    change("flag.enabled", "flag:b", days_ago=2_000)
    seal_all(now)
    forget()
    assert len(left()) == remaining


@pytest.mark.parametrize(("days", "accepted"), [(0, True), (30, True), (29, False), (1, False)])
def test_a_history_shorter_than_a_month_is_refused(settings: Settings, days: int, accepted: bool) -> None:
    settings.EVENTS_RETENTION_DAYS = days
    assert (not any(flaw.id == "rollout.E010" for flaw in checks.check())) == accepted


def test_the_history_of_an_archived_flag_stays(flag: Flag, operator_actor: Actor, now: datetime) -> None:
    from flags.services import archiving

    archiving.archive(flag.key, actor=operator_actor, reason="done", now=now)
    kinds = set(events.about(f"flag:{flag.key}").values_list("kind", flat=True))
    assert {"flag.created", "flag.archived"} <= kinds
    assert registry.Flag.objects.filter(key=flag.key).exists()
