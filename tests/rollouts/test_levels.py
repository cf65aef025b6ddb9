"""Monitoring levels: what they ask for is done, and only while the flag stands at such a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alerting.domain.states import AlertState
from alerting.models import Alert as Raised
from communications.models import Alert
from communications.services.announcing import announce
from core import events
from core.actors import Actor
from core.errors import Invalid, NotFound
from monitoring.models import Attention, Source, Trigger
from monitoring.services import attention
from monitoring.services import guard as guard_service
from rollouts.domain.levels import Level, soaks
from rollouts.domain.states import MonitoringLevel
from rollouts.domain.template import RampStepSpec
from rollouts.models import Ramp, RampTemplate
from rollouts.services import clock, levels, starting, steering
from tests.rollouts.conftest import KEY, Guard, as_playbook
from tests.telling import somebody_hears

INTENSIVE = {"every": 10, "soak": 1.5, "calm": True, "tell": ["slack"]}
REDUCED = {"every": 30}
HOUR = timedelta(hours=1)


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "r", "now": now}


@pytest.fixture
def ramp(template: RampTemplate, guard: Guard, who: dict[str, Any]) -> Ramp:
    """Intensive, reduced, standard; an hour apart, half an hour of soak each by the playbook."""
    levels.define("intensive", INTENSIVE, **who)
    levels.define("reduced", REDUCED, **who)
    kinds = ("intensive", "reduced", "standard")
    template.steps = [
        as_playbook(kind, week, 1, 10 * week, monitoring=kind, soak_seconds=1800) for week, kind in enumerate(kinds, 1)
    ]
    template.save()
    return starting.start(template.key, "production", pace=3600, **who)


def every() -> list[int]:
    return list(Attention.objects.values_list("every", flat=True))


def test_soak_is_as_strict_as_the_level_at_which_the_flag_stands_meanwhile() -> None:
    step = RampStepSpec("a", week=1, day=1, percentage=Decimal(1), monitoring=MonitoringLevel.INTENSIVE)
    steps = [step, replace(step, monitoring=MonitoringLevel.STANDARD), step]
    assert soaks(steps, {"intensive": {"soak": 1.5}}, None) == [3600, 5400, 3600]
    assert soaks(steps, {}, None) == [3600] * 3
    assert soaks(steps, {"intensive": {"soak": 1.5}}, 60) == [60] * 3


@pytest.mark.parametrize("values", [{"every": 9}, {"every": 31}, {"soak": 0}, {"soak": 11}])
def test_a_level_that_cannot_be_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        Level.read(values)


@pytest.mark.django_db
def test_a_level_is_defined_once_and_a_ramp_keeps_what_it_started_with(ramp: Ramp, who: dict[str, Any]) -> None:
    levels.define("intensive", INTENSIVE, **who)
    assert events.about("monitoring_level:intensive").count() == 1
    levels.define("intensive", {"soak": 3}, **who)
    with pytest.raises(NotFound):
        levels.define("extreme", {}, **who)
    ramp.refresh_from_db()
    assert [step.soak for step in ramp.steps.all()] == [1800, 2700, 1800]
    assert ramp.levels["intensive"]["soak"] == 1.5


@pytest.mark.django_db
def test_the_flag_gets_attention_while_its_ramp_stands_at_such_a_step(ramp: Ramp, who: dict[str, Any]) -> None:
    seen = [every()]
    for steer in (
        steering.advance,
        steering.hold,
        steering.resume,
        steering.advance,
        steering.step_back,
        steering.resume,
        steering.advance,
        steering.advance,
    ):
        steer(ramp.pk, **who)
        seen.append(every())
    assert seen == [[], [10], [10], [10], [30], [10], [10], [30], []]


@pytest.mark.django_db
def test_sources_of_the_flag_s_metrics_are_pulled_more_often_and_none_less(ramp: Ramp, who: dict[str, Any]) -> None:
    told = {"environment": ramp.environment, "url": "http://x", "interval": 60, "due_at": who["now"] + HOUR}
    ours = Source.objects.create(key="ours", queries={"melt_errors_total": {}}, **told)
    other = Source.objects.create(key="other", queries={"disk": {}}, **told)
    for expected in (10, 60, 60):
        steering.advance(ramp.pk, **who)
        assert [attention.interval(each) for each in (ours, other)] == [expected, 60]
    ours.refresh_from_db()
    other.refresh_from_db()
    assert (ours.due_at, other.due_at) == (who["now"] + timedelta(seconds=10), who["now"] + HOUR)


@pytest.mark.django_db
def test_at_a_reduced_step_the_flag_s_own_triggers_are_judged_every_thirty_seconds(
    ramp: Ramp, guard: Guard, who: dict[str, Any], now: datetime
) -> None:
    of_all = Trigger.objects.get(pk=guard.trigger.pk)
    of_all.pk, of_all.key, of_all.target, of_all.flag_key = None, "drop", "last_raised", ""
    of_all.save()

    def judged(seconds: int) -> list[str]:
        at = now + timedelta(seconds=seconds)
        guard_service.judge_all(now=at)
        return list(Trigger.objects.filter(judged_at=at).order_by("key").values_list("key", flat=True))

    steering.advance(ramp.pk, **who)
    Trigger.objects.update(max_window=10)
    assert [judged(n) for n in (30, 40)] == [["drop", "error-rate"]] * 2
    steering.advance(ramp.pk, **who)
    assert [judged(n) for n in (50, 60, 71, 81)] == [["drop"], ["drop"], ["drop", "error-rate"], ["drop"]]


@pytest.mark.django_db
def test_at_an_intensive_step_the_clock_waits_while_an_alert_about_the_flag_fires(
    ramp: Ramp, guard: Guard, who: dict[str, Any], now: datetime
) -> None:
    steering.advance(ramp.pk, **who)
    later = now + 2 * HOUR
    guard.passes(since=now, until=later)
    told = {"environment": ramp.environment, "state": AlertState.FIRING.value, "starts_at": now}
    Raised.objects.create(name="Other", labels={"feature": "another"}, fingerprint="1", **told)
    about = Raised.objects.create(name="FeatureRollbackRequired", labels={"feature": KEY}, fingerprint="2", **told)

    assert clock.advance_due(now=later) == 0
    ramp.refresh_from_db()
    assert ramp.waiting_for.startswith("Alert FeatureRollbackRequired fires about this flag")
    about.delete()
    assert clock.advance_due(now=later) == 1
    Raised.objects.create(name="FeatureRollbackRequired", labels={"flag": KEY}, fingerprint="3", **told)
    guard.passes(since=later, until=later + 2 * HOUR)
    assert clock.advance_due(now=later + 2 * HOUR) == 1  # the present step is a reduced one


@pytest.mark.django_db
def test_a_step_is_told_by_the_channels_of_its_level_and_else_by_none(
    ramp: Ramp, who: dict[str, Any], now: datetime
) -> None:
    for kind in ("slack", "email"):
        somebody_hears(kind)
    for _ in range(2):
        steering.advance(ramp.pk, **who)
    assert announce(now=now) == 1
    alert = Alert.objects.get()
    assert [each.channel.key for each in alert.announcements.all()] == ["slack"]
    assert alert.text.startswith("[INFO] STEP TAKEN: atomicMeltOperations in production")
    assert "Percentage: 10" in alert.text
    assert "Monitoring: intensive" in alert.text


@pytest.mark.django_db
def test_the_page_says_what_the_level_asks_for(
    ramp: Ramp, who: dict[str, Any], client_as: Callable[[str], Client]
) -> None:
    steering.advance(ramp.pk, **{**who, "now": timezone.now()})
    page = client_as("viewer").get(f"/admin/rollouts/ramp/{ramp.pk}/change/").content.decode()
    assert "looked at every 10 s, soak × 1.5, waits while an alert about the flag fires" in page
