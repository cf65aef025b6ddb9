"""Ramps on the database: started, advanced by the clock, held, steered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from core import events, heartbeats
from core.actors import CLOCK, GUARD, Actor
from core.errors import Conflict, Invalid, NotFound, Refused, StaleVersion
from flags import selectors as flag_selectors
from flags.domain.change import StateChange
from flags.models import Flag, FlagState
from flags.services import emergency, lists, rollout, targeting
from monitoring.domain.verdict import Verdict
from rollouts import selectors, tasks
from rollouts.models import Ramp, RampStep, RampTemplate
from rollouts.services import clock, starting, steering
from tests.rollouts.conftest import DAY, KEY, Guard, as_playbook

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
Steer = Callable[..., Any]


def flag_now() -> tuple[bool, int, dict[str, Any]]:
    state = flag_selectors.state(KEY, "production")
    return state.enabled, int(state.percentage), state.parameters


def kinds(ramp: Ramp) -> list[str]:
    """The ramp's history, oldest first, without the noun."""
    return [event.kind.removeprefix("ramp.") for event in reversed(events.about(f"ramp:{ramp.pk}"))]


def at_ten_percent(ramp: Ramp, guard: Guard, now: datetime, actor: Actor) -> datetime:
    """Bring the ramp to its second step, two hours after its start; the time of it."""
    for _ in range(2):
        steering.advance(ramp.pk, actor=actor, reason="rehearsed", now=now + 2 * HOUR)
    guard.passes(since=now + 2 * HOUR, until=now + 2 * HOUR + timedelta(seconds=2))
    ramp.refresh_from_db()
    return now + 2 * HOUR


def test_a_ramp_keeps_the_playbook_s_weeks_and_its_own_copy_of_the_steps(
    template: RampTemplate, operator_actor: Actor, now: datetime
) -> None:
    start_at = now + timedelta(days=1)
    ramp = starting.start(template.key, "production", actor=operator_actor, reason="go", now=now, starts_at=start_at)
    template.steps = [as_playbook("other", 1, 1, 100)]
    template.save()

    steps = list(selectors.get(ramp.pk).steps.all())
    assert ramp.state == "planned"
    assert [step.due_at for step in steps] == [start_at + timedelta(days=days) for days in (0, 2, 4, 7, 10)]
    assert [(step.label, int(step.percentage), step.soak) for step in steps][:2] == [
        ("5.1", 0, 3600),
        ("5.2", 10, 3600),
    ]
    event = events.about(f"ramp:{ramp.pk}").get()
    assert (event.kind, event.actor, event.reason) == ("ramp.started", operator_actor.name, "go")
    assert event.data["steps"][1] == {
        "label": "5.2",
        "percentage": 10.0,
        "due_at": (start_at + 2 * timedelta(days=1)).isoformat(),
    }


def test_pace_and_soak_make_a_rehearsal(ramp: Ramp, now: datetime) -> None:
    steps = list(ramp.steps.all())
    assert ramp.state == "running"
    assert [step.due_at for step in steps] == [now + n * HOUR for n in range(5)]
    assert {step.soak for step in steps} == {1800}


@pytest.mark.parametrize(
    ("over", "error", "words"),
    [
        ({"template_key": "nosuch"}, NotFound, "Known: atomic-phased"),
        ({"environment": "mars"}, NotFound, "mars"),
        ({"reason": " "}, Invalid, "say why"),
        ({"starts_at": -HOUR}, Invalid, "in the past"),
        ({"pace": 0}, Invalid, "pace is 1 to"),
        ({"soak": -1}, Invalid, "soak is 0 to"),
        ({"soak": 400 * DAY}, Invalid, "soak is 0 to"),
    ],
)
def test_a_start_that_cannot_be_is_refused_and_leaves_nothing(
    over: dict[str, Any],
    error: type[Exception],
    words: str,
    template: RampTemplate,
    operator_actor: Actor,
    now: datetime,
) -> None:
    asked = {"template_key": template.key, "environment": "production", "reason": "go", **over}
    if "starts_at" in asked:
        asked["starts_at"] = now + asked["starts_at"]
    with pytest.raises(error, match=words):
        starting.start(asked.pop("template_key"), asked.pop("environment"), actor=operator_actor, now=now, **asked)
    assert not Ramp.objects.exists()


def test_a_flag_has_one_live_ramp_in_an_environment(ramp: Ramp, operator_actor: Actor, now: datetime) -> None:
    with pytest.raises(Conflict, match=f"ramp {ramp.pk}"):
        starting.start("atomic-phased", "production", actor=operator_actor, reason="again", now=now)
    assert starting.start("atomic-phased", "staging", actor=operator_actor, reason="", now=now).pk != ramp.pk


def test_a_ramp_starts_neither_on_a_halted_flag_nor_below_where_the_flag_stands(
    template: RampTemplate, operator_actor: Actor, now: datetime
) -> None:
    def start() -> Ramp:
        return starting.start(template.key, "production", actor=operator_actor, reason="go", now=now)

    emergency.roll_back(KEY, "production", actor=GUARD, reason="errors", now=now)
    with pytest.raises(Conflict, match="Enable it first"):
        start()
    up = StateChange(enabled=True, percentage=5)
    rollout.change(KEY, "production", up, actor=operator_actor, reason="fixed", now=now)
    with pytest.raises(Conflict, match="never goes back"):
        start()
    rollout.set_rollout(KEY, "production", 0, actor=operator_actor, reason="from the start", now=now)
    assert start().state == "running"


def test_a_template_that_the_flag_s_buckets_cannot_follow_is_refused(
    template: RampTemplate, operator_actor: Actor, now: datetime
) -> None:
    template.steps = [as_playbook("half", 1, 1, 12.5)]
    template.save()
    with pytest.raises(Invalid, match="steps of 1"):
        starting.start(template.key, "production", actor=operator_actor, reason="go", now=now)


def test_the_clock_takes_a_ramp_from_the_allow_list_to_everybody(ramp: Ramp, guard: Guard, now: datetime) -> None:
    seen = []
    for minutes in range(0, 5 * 60, 5):
        tick = now + timedelta(minutes=minutes)
        guard.judges(Verdict.PASS if minutes else Verdict.NO_DATA, at=tick)
        clock.advance_due(now=tick + timedelta(seconds=1))
        if not seen or seen[-1] != flag_now():
            seen.append(flag_now())

    assert seen == [
        (True, 0, {"fallbackToLegacy": True}),
        (True, 10, {"fallbackToLegacy": True}),
        (True, 25, {"fallbackToLegacy": True, "transactionTimeout": 30000}),
        (True, 50, {"fallbackToLegacy": True, "transactionTimeout": 30000}),
        (True, 100, {"fallbackToLegacy": False, "transactionTimeout": 30000}),
    ]
    ramp.refresh_from_db()
    assert (ramp.state, ramp.position) == ("completed", 5)
    assert kinds(ramp) == ["started", *["advanced"] * 5, "completed"]
    change = events.about(f"flag:{KEY}").filter(kind="flag.rollout_changed").first()
    assert change is not None
    assert (change.data["ramp"], change.data["step"], change.actor) == (ramp.pk, 5, CLOCK.name)


def test_after_a_long_outage_one_step_is_taken_and_the_plan_goes_on_from_there(
    ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    at_ten_percent(ramp, guard, now, operator_actor)
    back = now + 10 * HOUR
    guard.judges(Verdict.PASS, at=back)

    assert [clock.advance_due(now=back + n * timedelta(seconds=30)) for n in (1, 1, 2, 3)] == [1, 0, 0, 0]
    assert flag_now()[1] == 25
    taken = back + timedelta(seconds=30)
    assert [step.due_at for step in ramp.steps.all()][3:] == [taken + HOUR, taken + 2 * HOUR]
    told = events.about(f"ramp:{ramp.pk}").filter(kind="ramp.advanced")[0].data
    assert (told["moved_seconds"], told["monitoring"]) == (6 * 3600 + 30, "intensive")
    guard.judges(Verdict.PASS, at=back + timedelta(minutes=59))
    assert clock.advance_due(now=back + timedelta(minutes=59)) == 0
    guard.judges(Verdict.PASS, at=back + timedelta(minutes=61))
    assert clock.advance_due(now=back + timedelta(minutes=61)) == 1
    assert flag_now()[1] == 50


def test_a_ramp_that_was_rolled_back_and_held_for_weeks_does_not_race_to_its_end(
    template: RampTemplate, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    who = {"actor": operator_actor, "reason": "weeks 5 and 6"}
    ramp = starting.start(template.key, "production", now=now, **who)
    for day in (0, 2):
        steering.advance(ramp.pk, now=now + timedelta(days=day), **who)
    emergency.roll_back(KEY, "production", actor=GUARD, reason="errors", now=now + timedelta(days=3))
    clock.follow(now=now + timedelta(days=3))
    again = now + timedelta(days=24)
    steering.resume(ramp.pk, now=again, **who)

    assert flag_now()[:2] == (True, 10)
    assert [step.due_at - again for step in ramp.steps.all()][2:] == [timedelta(days=days) for days in (2, 5, 8)]
    taken = []
    for hour in range(0, 9 * 24, 6):
        tick = again + timedelta(hours=hour)
        guard.judges(Verdict.PASS if hour else Verdict.NO_DATA, at=tick)
        if clock.advance_due(now=tick):
            taken.append((hour // 24, flag_now()[1]))
    assert taken == [(2, 25), (5, 50), (8, 100)]


def test_an_early_or_punctual_step_leaves_the_plan_alone(
    ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    plan = [step.due_at for step in ramp.steps.all()]
    assert clock.advance_due(now=now + timedelta(seconds=45)) == 1
    steering.advance(ramp.pk, actor=operator_actor, reason="early", now=now + timedelta(minutes=5))
    assert [step.due_at for step in ramp.steps.all()] == plan


def test_a_resume_says_beforehand_what_it_does_to_the_flag(ramp: Ramp, operator_actor: Actor, now: datetime) -> None:
    who = {"actor": operator_actor, "reason": "r", "now": now}
    assert "stays as it is (disabled at 0 %)" in selectors.resume_effect(ramp.pk)
    for _ in range(3):
        steering.advance(ramp.pk, **who)
    for percentage, words in ((40, "SETS IT BACK to 25 %"), (10, "RAISES it to 25 %"), (25, "stays enabled at 25 %")):
        rollout.set_rollout(KEY, "production", percentage, **who)
        assert words in selectors.resume_effect(ramp.pk)
    rollout.disable(KEY, "production", **who)
    assert "ENABLES it at 25 %" in selectors.resume_effect(ramp.pk)


@pytest.mark.parametrize("verdict", [Verdict.INSUFFICIENT, Verdict.NO_DATA, Verdict.BREACH])
def test_without_a_pass_the_clock_waits_says_why_and_writes_no_event(
    verdict: Verdict, ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    at_ten_percent(ramp, guard, now, operator_actor)
    rows, version = events.recent().count(), ramp.version
    later = now + 4 * HOUR
    guard.judges(verdict, at=later)
    for seconds in (1, 31):
        assert clock.advance_due(now=later + timedelta(seconds=seconds)) == 0

    ramp.refresh_from_db()
    assert verdict.value in ramp.waiting_for
    assert (ramp.version, events.recent().count()) == (version, rows)
    assert selectors.timeline(ramp.pk, now=later).waits_for == ramp.waiting_for


def test_when_the_guard_is_silent_not_even_the_first_step_is_taken(ramp: Ramp, guard: Guard, now: datetime) -> None:
    assert clock.advance_due(now=now + timedelta(minutes=2)) == 0
    ramp.refresh_from_db()
    assert "nobody is watching" in ramp.waiting_for
    heartbeats.beat("guard", now=now + timedelta(minutes=2))
    assert clock.advance_due(now=now + timedelta(minutes=2)) == 1


BY_OTHERS: dict[str, Callable[[Actor, datetime], object]] = {
    "flag.rolled_back": lambda actor, now: emergency.roll_back(KEY, "production", actor=GUARD, reason="20 %", now=now),
    "flag.emergency_disabled": lambda actor, now: emergency.emergency_disable(
        KEY, "production", actor=actor, reason="mint", now=now
    ),
    "flag.disabled": lambda actor, now: rollout.disable(KEY, "production", actor=actor, reason="night", now=now),
    "flag.rollout_changed": lambda actor, now: rollout.set_rollout(
        KEY, "production", 40, actor=actor, reason="haste", now=now
    ),
    "flag.targeting_changed": lambda actor, now: targeting.set_targeting(
        KEY,
        "production",
        {"rules": [{"name": "EU", "when": [{"attribute": "country", "op": "in", "values": ["DE"]}]}]},
        actor=actor,
        reason="testers abroad",
        now=now,
    ),
}


@pytest.mark.parametrize("kind", BY_OTHERS)
@pytest.mark.parametrize("look", [clock.follow, clock.advance_due])
def test_what_others_do_to_the_flag_holds_the_ramp_once_and_names_the_event(
    look: Callable[..., int], kind: str, ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    then = at_ten_percent(ramp, guard, now, operator_actor) + 3 * HOUR
    guard.judges(Verdict.PASS, at=then)
    BY_OTHERS[kind](operator_actor, then)
    event = events.recent().get(kind=kind, data__ramp__isnull=True)
    for _ in range(3):
        look(now=then)

    ramp.refresh_from_db()
    assert (ramp.state, ramp.held_at) == ("held", then)
    assert f"[{kind}, event {event.pk}]" in ramp.hold_reason
    assert event.reason in ramp.hold_reason
    assert kinds(ramp).count("held") == 1
    assert flag_now()[1] != 25


def test_a_completed_ramp_has_nothing_to_hold(ramp: Ramp, operator_actor: Actor, now: datetime) -> None:
    for _ in range(5):
        steering.advance(ramp.pk, actor=operator_actor, reason="rehearsed", now=now)
    with pytest.raises(Conflict, match="is completed: no step is left that could be held"):
        steering.hold(ramp.pk, actor=operator_actor, reason="r", now=now)
    ramp.refresh_from_db()
    assert (ramp.state, kinds(ramp)[-1]) == ("completed", "completed")


def test_a_flag_that_was_off_and_on_again_between_two_looks_holds_its_ramp(
    ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    then = at_ten_percent(ramp, guard, now, operator_actor) + 3 * HOUR
    guard.judges(Verdict.PASS, at=then)
    rollout.disable(KEY, "production", actor=operator_actor, reason="a doubt", now=then)
    rollout.enable(KEY, "production", actor=operator_actor, reason="no doubt", now=then)

    assert clock.advance_due(now=then) == 0
    ramp.refresh_from_db()
    assert ramp.state == "held"
    assert "a doubt" in ramp.hold_reason


def test_an_emergency_before_the_first_step_holds_a_planned_ramp(
    template: RampTemplate, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    later = now + HOUR
    ramp = starting.start(template.key, "production", actor=operator_actor, reason="r", now=now, starts_at=later)
    emergency.emergency_disable(KEY, "production", actor=operator_actor, reason="mint", now=now)
    heartbeats.beat("guard", now=later)
    clock.advance_due(now=later)

    ramp.refresh_from_db()
    assert (ramp.state, flag_now()[0]) == ("held", False)
    with pytest.raises(Conflict, match="Enable it first"):
        steering.resume(ramp.pk, actor=operator_actor, reason="go", now=later)
    rollout.enable(KEY, "production", actor=operator_actor, reason="mint is back", now=later)
    steering.resume(ramp.pk, actor=operator_actor, reason="go", now=later)
    assert clock.follow(now=later) == 0
    assert clock.advance_due(now=later) == 1


def test_changes_that_are_no_rollout_do_not_hold_the_ramp(ramp: Ramp, operator_actor: Actor, now: datetime) -> None:
    who = {"actor": operator_actor, "reason": "r", "now": now}
    lists.edit_allow_list(KEY, "production", add=["npub1a"], **who)
    rollout.set_parameters(KEY, "production", {"fallbackToLegacy": False}, **who)
    rollout.enable(KEY, "staging", **who)
    assert clock.follow(now=now) == 0


def test_only_a_person_resumes_and_a_resume_sets_the_flag_to_the_last_step_again(
    ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    then = at_ten_percent(ramp, guard, now, operator_actor)
    emergency.roll_back(KEY, "production", actor=GUARD, reason="20 % errors", now=then + HOUR)
    guard.fires()
    clock.follow(now=then + HOUR)
    back = then + 2 * HOUR

    with pytest.raises(Refused, match="Only a person"):
        steering.resume(ramp.pk, actor=CLOCK, reason="on we go", now=back)
    with pytest.raises(Conflict, match="re-arms it"):
        steering.resume(ramp.pk, actor=operator_actor, reason="fixed", now=back)
    guard.trigger.state = "armed"
    guard.judges(Verdict.NO_DATA, at=back)
    assert flag_now()[:2] == (False, 0)
    assert "ENABLES it at 10 % again" in selectors.resume_effect(ramp.pk)
    steering.resume(ramp.pk, actor=operator_actor, reason="fixed in 2.0.1", now=back)

    assert flag_now()[:2] == (True, 10)
    ramp.refresh_from_db()
    assert (ramp.state, ramp.hold_reason, ramp.soaking_since) == ("running", "", back)
    assert clock.follow(now=back) == 0
    assert kinds(ramp)[-1] == "resumed"


def test_a_pause_that_left_the_flag_alone_does_not_cost_the_soak_time(
    ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    then = at_ten_percent(ramp, guard, now, operator_actor)
    steering.hold(ramp.pk, actor=operator_actor, reason="month end", now=then + HOUR)
    guard.judges(Verdict.PASS, at=then + 2 * HOUR)
    assert clock.advance_due(now=then + 2 * HOUR) == 0
    assert "stays enabled at 10 %" in selectors.resume_effect(ramp.pk)
    steering.resume(ramp.pk, actor=operator_actor, reason="month ended", now=then + 2 * HOUR)

    ramp.refresh_from_db()
    assert ramp.soaking_since == then
    assert clock.advance_due(now=then + 2 * HOUR) == 1


def test_a_person_may_advance_past_time_soak_and_few_samples_but_not_past_harm(
    ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    def advance() -> Ramp:
        return steering.advance(ramp.pk, actor=operator_actor, reason="allow-list is calm", now=now)

    advance()
    guard.judges(Verdict.INSUFFICIENT, at=now)
    advance()
    assert flag_now()[:2] == (True, 10)
    taken = RampStep.objects.get(ramp=ramp, position=2)
    assert (taken.taken_at, taken.taken_by) == (now, operator_actor.name)

    guard.judges(Verdict.BREACH, at=now)
    with pytest.raises(Conflict, match="BREACH"):
        advance()
    guard.judges(Verdict.PASS, at=now)
    rollout.disable(KEY, "production", actor=operator_actor, reason="night", now=now)
    with pytest.raises(Conflict, match="disabled the flag"):
        advance()
    clock.follow(now=now)
    with pytest.raises(Conflict, match="Resume it first"):
        advance()
    assert flag_now()[:2] == (False, 10)


@pytest.mark.parametrize("steer", [steering.advance, steering.hold, steering.skip, steering.roll_back])
def test_steering_asks_why_and_refuses_who_looked_at_an_older_state(
    steer: Steer, ramp: Ramp, operator_actor: Actor, now: datetime
) -> None:
    rows = events.recent().count()
    with pytest.raises(Invalid, match="Say why"):
        steer(ramp.pk, actor=operator_actor, reason=" ", now=now)
    with pytest.raises(StaleVersion, match="you saw version 0"):
        steer(ramp.pk, actor=operator_actor, reason="r", now=now, version=0)
    with pytest.raises(NotFound):
        steer(0, actor=operator_actor, reason="r", now=now)
    assert events.recent().count() == rows

    steer(ramp.pk, actor=operator_actor, reason="because", now=now, version=ramp.version)
    event = events.about(f"ramp:{ramp.pk}").first()
    assert event is not None
    assert (event.reason, event.actor) == ("because", operator_actor.name)
    assert event.before["state"] == "running"


def test_a_skipped_step_is_left_out_but_its_parameters_come_with_the_next(
    ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    at_ten_percent(ramp, guard, now, operator_actor)
    steering.skip(ramp.pk, actor=operator_actor, reason="25 was rehearsed", now=now + 2 * HOUR)
    assert flag_now()[1] == 10
    steering.advance(ramp.pk, actor=operator_actor, reason="on", now=now + 3 * HOUR)

    assert flag_now() == (True, 50, {"fallbackToLegacy": True, "transactionTimeout": 30000})
    view = selectors.timeline(ramp.pk, now=now + 3 * HOUR)
    assert [step.status.value for step in view.steps] == ["taken", "taken", "skipped", "now", "next"]
    assert view.now is not None
    assert view.next is not None
    assert (view.now.label, view.next.label) == ("6.1", "6.2")
    steering.skip(ramp.pk, actor=operator_actor, reason="50 is enough", now=now + 3 * HOUR)
    ramp.refresh_from_db()
    assert (ramp.state, ramp.ended_at) == ("completed", now + 3 * HOUR)
    assert flag_now()[1] == 50


def test_a_rollback_ends_the_ramp_and_the_flag_and_the_next_ramp_is_a_new_one(
    ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    then = at_ten_percent(ramp, guard, now, operator_actor)
    rollback_id = steering.roll_back(ramp.pk, actor=operator_actor, reason="customers call", now=then)

    assert flag_now()[:2] == (False, 0)
    assert flag_selectors.state(KEY, "production").rollback_id == rollback_id
    assert clock.follow(now=then) == clock.advance_due(now=then) == 0
    assert kinds(ramp)[-1] == "rolled_back"
    for steer in (steering.resume, steering.hold, steering.roll_back):
        with pytest.raises(Conflict):
            steer(ramp.pk, actor=operator_actor, reason="r", now=then)
    rollout.change(KEY, "production", StateChange(enabled=True), actor=operator_actor, reason="fixed", now=then)
    assert starting.start("atomic-phased", "production", actor=operator_actor, reason="again", now=then).position == 0


def test_a_step_the_flag_refuses_holds_its_ramp_and_no_other(
    ramp: Ramp, guard: Guard, template: RampTemplate, operator_actor: Actor, now: datetime
) -> None:
    RampStep.objects.filter(ramp=ramp, position=1).update(percentage=Decimal("0.5"))
    other = starting.start(template.key, "staging", actor=operator_actor, reason="r", now=now, pace=60, soak=0)

    assert clock.advance_due(now=now) == 1
    ramp.refresh_from_db()
    other.refresh_from_db()
    assert (ramp.state, other.position) == ("held", 1)
    assert "The step was refused: This flag moves in steps of 1 percent" in ramp.hold_reason
    assert ramp.steps.filter(taken_at__isnull=False).count() == 0


def test_unguarded_environments_wait_for_a_person_after_the_first_step(
    template: RampTemplate, operator_actor: Actor, now: datetime
) -> None:
    heartbeats.beat("guard", now=now)
    ramp = starting.start(template.key, "staging", actor=operator_actor, reason="", now=now, pace=1, soak=0)
    assert clock.advance_due(now=now) == 1
    heartbeats.beat("guard", now=now + HOUR)
    assert clock.advance_due(now=now + HOUR) == 0
    ramp.refresh_from_db()
    assert "No trigger watches this flag here" in ramp.waiting_for
    assert steering.advance(ramp.pk, actor=operator_actor, reason="rehearsal", now=now + HOUR).position == 2


def test_all_live_ramps_are_read_in_two_queries(
    ramp: Ramp,
    template: RampTemplate,
    operator_actor: Actor,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for environment in ("development", "staging", "pre-production"):
        starting.start(template.key, environment, actor=operator_actor, reason="r", now=now)
    with django_assert_num_queries(2):
        views = selectors.live()
        assert [view.ramp.environment.key for view in views] == [
            "development",
            "staging",
            "pre-production",
            "production",
        ]
        assert [view.next.label for view in views if view.next] == ["5.1"] * 4


def test_the_tasks_look_and_leave_their_heartbeats(ramp: Ramp) -> None:
    tasks.advance()
    tasks.follow()
    assert {"ramps", "follow"} <= set(heartbeats.last())


def test_a_ramp_whose_step_is_not_due_is_looked_at_once_and_again_when_it_is(
    template: RampTemplate,
    guard: Guard,
    operator_actor: Actor,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    soon = now + HOUR
    ramp = starting.start(template.key, "production", actor=operator_actor, reason="go", now=now, starts_at=soon)
    clock.advance_due(now=now)
    with django_assert_num_queries(1):
        clock.advance_due(now=now)
    assert "is due" in selectors.get(ramp.pk).waiting_for
    guard.passes(since=now, until=soon)
    clock.advance_due(now=soon)
    assert selectors.get(ramp.pk).position == 1


def test_the_clock_asks_no_more_of_many_ramps_that_wait_than_of_one(
    ramp: Ramp, guard: Guard, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    clock.advance_due(now=now + timedelta(minutes=2))  # nobody watches: it waits

    def another(number: int) -> None:
        flag = Flag.objects.create(key=f"f{number}", name="F", salt="x", created_at=now)
        FlagState.objects.create(flag=flag, environment=ramp.environment, changed_at=now)
        steps = list(ramp.steps.all())
        other = Ramp.objects.get(pk=ramp.pk)
        other.pk, other.flag = None, flag
        other.save()
        for step in steps:
            step.pk, step.ramp = None, other
        RampStep.objects.bulk_create(steps)

    later = now + timedelta(minutes=3)
    with CaptureQueriesContext(connection) as one:
        clock.advance_due(now=later)
    for number in range(9):
        another(number)
    clock.advance_due(now=later)
    with django_assert_num_queries(len(one)):
        clock.advance_due(now=later)
