"""The page of what a trigger did judges its window again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.test import Client

from core import events
from core.actors import Actor
from core.models import Event
from monitoring.models import Series, Trigger
from tests.monitoring_admin.conftest import KEY, judge, report


def fire(trigger: Trigger, end: int, operator_actor: Actor, now: datetime) -> Event:
    """The event of a rollback whose evidence is the window that ended then."""
    ended = datetime.fromtimestamp(end, now.tzinfo).isoformat()
    return events.record(
        "flag.rolled_back",
        subject=f"flag:{KEY}",
        actor=operator_actor,
        now=now,
        environment_id=trigger.environment_id,
        reason="errors",
        data={"evidence": {"trigger": trigger.key, "window_end": ended}},
    )


def test_a_rollback_shows_the_same_numbers_again_until_late_ones_come(
    client_as: Callable[..., Client],
    trigger: Trigger,
    series: Callable[..., Series],
    operator_actor: Actor,
    now: datetime,
) -> None:
    end = int(now.timestamp()) - 60
    bad, all_of_them = (series(name, flag=KEY, variant="on") for name in ("melt_errors_total", "melt_operations_total"))
    report(bad, end - 10, 10)
    report(all_of_them, end - 10, 50)
    judge(trigger, end, 20.0)
    event = fire(trigger, end, operator_actor, now)
    page = f"/admin/core/event/{event.pk}/change/"
    client = client_as("viewer")
    shown = client.get(page).content.decode()
    assert "the same numbers again" in shown
    assert shown.count("20 %") == 2
    report(all_of_them, end - 20, 50)  # before the window: changes nothing
    assert "the same numbers again" in client.get(page).content.decode()
    bad.buckets.update(sum=5)
    shown = client.get(page).content.decode()
    assert "The value was 20.0 and is 10.0 now." in shown


def test_a_window_that_was_forgotten_says_so(
    client_as: Callable[..., Client], trigger: Trigger, operator_actor: Actor, now: datetime
) -> None:
    event = fire(trigger, int(now.timestamp()), operator_actor, now)
    assert "has been forgotten" in client_as("viewer").get(f"/admin/core/event/{event.pk}/change/").content.decode()
