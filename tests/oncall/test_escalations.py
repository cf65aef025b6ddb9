"""Escalations on a real database: on time, once, in order, whatever happens in between."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import events, heartbeats
from core.errors import Invalid, NotFound
from core.models import User
from oncall import selectors
from oncall.domain.running import EscalationState
from oncall.models import Chain, Escalation
from oncall.services import chaining, escalating, planning, ticking
from tests.oncall.conftest import ANNA, MAJOR, Start, called, told
from tests.oncall.test_chain import step_lists

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def test_whoever_is_on_call_is_told_then_the_others_until_the_chain_is_at_its_end(start: Start, now: datetime) -> None:
    row = start()
    assert (row.state, told("escalation.started")[0]["subject"]) == ("running", "incident:12")
    for minute, people in ((0, ["bob"]), (14, ["bob"]), (15, ["bob", "carl"]), (30, ["bob", "carl", "bob"])):
        ticking.tick(now=now + minute * MINUTE)
        assert called() == people
    ticking.tick(now=now + 45 * MINUTE)
    ticking.tick(now=now + 60 * MINUTE)
    row.refresh_from_db()
    assert (row.state, row.due_at, row.notifications) == ("exhausted", None, 4)
    assert told("escalation.exhausted")[0]["notifications"] == 4
    first = told("escalation.notified")[0]
    assert {name: first[name] for name in ("to", "audience", "chain", "step", "level", "title", "subject")} == {
        "to": ["bob"],
        "audience": "",
        "chain": "major",
        "step": 1,
        "level": 2,
        "title": "Melts fail",
        "subject": "incident:12",
    }


def test_an_acknowledgement_ends_it_and_a_second_one_or_a_new_start_changes_nothing(
    start: Start, now: datetime
) -> None:
    first = start()
    ticking.tick(now=now)
    escalating.acknowledge("incident:12", actor=ANNA, now=now + 5 * MINUTE, reason="I look")
    escalating.acknowledge("incident:12", actor=ANNA, now=now + 6 * MINUTE)
    assert start(now=now + 7 * MINUTE).pk == first.pk
    ticking.tick(now=now + HOUR)
    first.refresh_from_db()
    assert (first.state, first.acknowledged_by, called()) == ("acknowledged", "anna", ["bob"])
    assert [data["seconds"] for data in told("escalation.acknowledged")] == [300]
    escalating.stop("incident:12", actor=ANNA, reason="resolved", now=now + HOUR)
    assert start(now=now + 2 * HOUR).pk != first.pk


def test_an_exhausted_one_can_still_be_acknowledged_and_one_that_is_stopped_not(start: Start, now: datetime) -> None:
    start(level=1)
    for minute in range(0, 70, 15):
        ticking.tick(now=now + minute * MINUTE)
    assert escalating.acknowledge("incident:12", actor=ANNA, now=now + 2 * HOUR).state == EscalationState.ACKNOWLEDGED
    assert escalating.stop("incident:12", actor=ANNA, reason="over", now=now + 2 * HOUR) is not None
    assert escalating.stop("incident:12", actor=ANNA, reason="over", now=now + 2 * HOUR) is None
    with pytest.raises(NotFound, match="Nothing is escalated about incident:12"):
        escalating.acknowledge("incident:12", actor=ANNA, now=now)


def test_a_chain_that_is_changed_or_removed_changes_nothing_that_runs(start: Start, now: datetime) -> None:
    start()
    ticking.tick(now=now)
    chaining.define("major", {**MAJOR, "steps": [{"notify": {"people": ["ada"]}}]}, actor=ANNA, reason="", now=now)
    chaining.remove("major", actor=ANNA, reason="", now=now)
    ticking.tick(now=now + 15 * MINUTE)
    assert called() == ["bob", "carl"]


def test_steps_of_a_higher_level_are_taken_once_it_is_reached(start: Start, now: datetime) -> None:
    start()
    ticking.tick(now=now)
    escalating.raise_level("incident:12", 3, actor=ANNA, reason="worse", now=now + MINUTE)
    escalating.raise_level("incident:12", 3, actor=ANNA, reason="worse", now=now + MINUTE)
    assert len(told("escalation.level_changed")) == 1
    ticking.tick(now=now + 15 * MINUTE)
    assert called() == ["bob", "carl", "management"]


def test_with_another_chain_people_are_called_anew_also_after_an_acknowledgement(start: Start, now: datetime) -> None:
    chaining.define(
        "critical", {"name": "Critical", "steps": [{"notify": {"people": ["ada"]}}]}, actor=ANNA, reason="", now=now
    )
    start(level=1)
    escalating.acknowledge("incident:12", actor=ANNA, now=now)
    row = escalating.raise_level("incident:12", 3, chain="critical", actor=ANNA, reason="worse", now=now + MINUTE)
    ticking.tick(now=now + MINUTE)
    assert (called(), row.level, row.chain) == (["ada"], 3, "critical")
    assert Escalation.objects.filter(ended_at=None).count() == 1
    with pytest.raises(Invalid, match="A level is 1, 2 or 3"):
        escalating.raise_level("incident:12", 4, actor=ANNA, reason="", now=now)


def test_who_cannot_be_reached_is_named_and_the_next_is_told_at_once(start: Start, now: datetime) -> None:
    User.objects.filter(username="bob").update(email="")
    start()
    ticking.tick(now=now)
    first, second = told("escalation.notified")
    assert (first["to"], first["missing"], second["to"]) == ([], ["bob has no mail address."], ["carl"])


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"people": ["zoe", "off"]}, ["There is no account zoe.", "The account of off is switched off."]),
        ({"role": "nobody-has-it"}, ["Nobody has the role nobody-has-it."]),
        ({"schedule": "later"}, ["Nobody is on call in Later until 2025-08-20 07:00 UTC."]),
    ],
)
def test_a_step_that_reaches_nobody_says_why(
    step: dict[str, Any], words: list[str], start: Start, now: datetime
) -> None:
    User.objects.create_user("off", email="off@example.org", is_active=False)
    later = {"name": "Night", "people": ["ada"], "starts": "2025-08-20T09:00", "turn": "1d"}
    planning.define(
        "later", {"name": "Later", "zone": "Europe/Berlin", "layers": [later]}, actor=ANNA, reason="", now=now
    )
    steps = [{"notify": step}, {"wait": 5}]
    chaining.define("lonely", {"name": "Lonely", "steps": steps}, actor=ANNA, reason="", now=now)
    start(chain="lonely")
    ticking.tick(now=now)
    assert told("escalation.notified")[0]["missing"] == words


def test_after_a_stop_all_overdue_steps_are_taken_in_order_and_waits_begin_when_they_are(
    start: Start, now: datetime
) -> None:
    start()
    restarted = now + 3 * HOUR
    ticking.tick(now=restarted)
    assert called() == ["bob"]
    ticking.tick(now=restarted + 14 * MINUTE)
    assert called() == ["bob"]
    ticking.tick(now=restarted + 15 * MINUTE)
    assert called() == ["bob", "carl"]
    late = told("escalation.late")
    assert [(data["step"], data["seconds"]) for data in late] == [(1, 10_800)]
    assert told("escalation.notified")[0]["late"] == 10_800


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_clock_that_jumps_makes_no_step_twice_and_loses_none(jump: timedelta, start: Start, now: datetime) -> None:
    start()
    ticking.tick(now=now)
    ticking.tick(now=now + jump)
    for minute in range(0, 120, 5):
        ticking.tick(now=now + jump + minute * MINUTE)
    assert called() == ["bob", "carl", "bob", "carl"]
    assert [data["step"] for data in told("escalation.notified")] == [1, 3, 1, 3]


def test_a_clock_that_is_set_back_delays_a_step_by_one_wait_of_its_chain(start: Start, now: datetime) -> None:
    start()
    ticking.tick(now=now)
    back = now - timedelta(hours=1)
    ticking.audit(now=back)
    ticking.audit(now=back + 5 * MINUTE)
    ticking.tick(now=back + 14 * MINUTE)
    assert called() == ["bob"]
    ticking.tick(now=back + 15 * MINUTE)
    assert called() == ["bob", "carl"]


def test_one_whose_step_cannot_be_taken_keeps_no_other_waiting(start: Start, now: datetime) -> None:
    start("incident:1")
    Escalation.objects.update(steps=[{"notify": "nobody knows what"}], due_at=now - MINUTE)
    start("incident:2")
    assert ticking.tick(now=now) == 1
    assert called() == ["bob"]


def test_a_ticker_that_dies_within_a_step_leaves_nothing_half_done(start: Start, now: datetime) -> None:
    row = start()

    class Killed(BaseException):
        pass

    def die() -> None:
        with transaction.atomic():
            ticking.tick(now=now)
            assert called() == ["bob"]
            raise Killed

    with pytest.raises(Killed):
        die()
    row.refresh_from_db()
    assert (called(), row.position, row.version) == ([], 0, 1)
    ticking.tick(now=now)
    assert called() == ["bob"]


def test_the_auditor_tells_each_late_step_once_and_says_when_all_is_well(start: Start, now: datetime) -> None:
    for name in selectors.NEEDED_BEATS:
        heartbeats.beat(name, now=now + 70 * timedelta(seconds=1))
    start()
    assert ticking.audit(now=now + timedelta(seconds=5)).overdue == 0
    assert ticking.audit(now=now + timedelta(seconds=6)).overdue == 1
    assert not told("escalation.late")
    for second in (61, 70, 80):
        assert not ticking.audit(now=now + timedelta(seconds=second)).clean
    assert [data["seconds"] for data in told("escalation.late")] == [61]
    ticking.tick(now=now + timedelta(seconds=81))
    assert len(told("escalation.late")) == 1
    assert ticking.audit(now=now + timedelta(seconds=82)).clean
    assert ticking.audit(now=now + timedelta(seconds=200)).silent == selectors.NEEDED_BEATS


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"subject": " "}, "Name what it is about"),
        ({"title": ""}, "Say in a few words"),
        ({"level": 0}, "A level is 1, 2 or 3"),
        ({"chain": "none"}, "There is no chain 'none'. Known: major"),
        ({"environment": "moon"}, "There is no environment"),
    ],
)
def test_a_start_that_cannot_be_is_refused(over: dict[str, Any], words: str, start: Start) -> None:
    with pytest.raises((Invalid, NotFound), match=words):
        start(**over)
    assert not Escalation.objects.exists()


def on_ticks(steps: list[dict[str, Any]], level: int, ticks: list[int]) -> list[tuple[str, int]]:
    """Whom it has to tell at which second, when the clock only comes at these."""
    mine = [step for step in steps if step.get("fromLevel", 1) <= level]
    times = next((step["repeat"] for step in mine if "repeat" in step), 0)
    due, waits, found = 0, False, []
    for step in [step for step in mine * (times + 1) if "repeat" not in step]:
        taken = next((tick for tick in ticks if tick >= due), None)
        if "wait" in step:  # begins with the step before it; after another wait when that one was over
            if waits and taken is None:
                break
            due = (taken if waits and taken is not None else due) + 60 * step["wait"]
        elif taken is None:
            break
        else:
            found.append((step["notify"]["people"][0], taken))
            due = taken
        waits = "wait" in step
    return found


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(step_lists(), st.integers(1, 3), st.lists(st.integers(0, 2000), max_size=15), st.integers(0, 9000))
def test_with_any_chain_ticks_and_answer_everybody_is_told_once_in_order_and_at_the_first_tick_when_due(
    major: Chain, now: datetime, steps: list[dict[str, Any]], level: int, pauses: list[int], answered: int
) -> None:
    with transaction.atomic():
        chaining.define("any", {"name": "Any", "steps": steps}, actor=ANNA, reason="", now=now)
        User.objects.bulk_create(User(username=name, email=f"{name}@example.org") for name in "abcdz")
        escalating.start("incident:1", chain="any", title="x", level=level, actor=ANNA, now=now)
        ticks = [tick for tick in accumulate([0, *pauses]) if tick <= answered]
        for tick in ticks:
            ticking.tick(now=now + timedelta(seconds=tick))
        escalating.acknowledge("incident:1", actor=ANNA, now=now + timedelta(seconds=answered))
        ticking.tick(now=now + timedelta(days=9))
        sent = events.recent().filter(kind="escalation.notified").order_by("id")
        found = [(event.data["to"][0], round((event.at - now).total_seconds())) for event in sent]
        transaction.set_rollback(True)
    assert found == on_ticks(steps, level, ticks)


def test_a_tick_asks_the_database_a_fixed_number_of_times_when_nothing_is_due(
    start: Start, now: datetime, django_assert_num_queries: Any
) -> None:
    for number in range(20):
        start(f"incident:{number}", now=now + HOUR)
    with django_assert_num_queries(1):
        ticking.tick(now=now)
