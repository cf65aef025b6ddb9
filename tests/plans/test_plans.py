"""A plan from its start to its end, over real rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from core import events
from core.actors import Actor
from core.errors import Conflict, IllegalMove, Invalid, Refused, StaleVersion
from flags import selectors as flags
from flags.services import rollout
from monitoring.models import Trigger
from plans import selectors
from plans.domain.states import ItemState
from plans.models import Checklist, Item, Phase, Plan
from plans.services import items, measuring, overdue, phases, plans, templates
from tests.plans.conftest import APPROVER, DOCUMENT, calm, item, phase, validated
from tests.racing import at_once

pytestmark = pytest.mark.django_db
Passes = Callable[..., None]


def told(*kinds: str) -> list[str]:
    return list(events.recent().filter(kind__in=kinds).order_by("id").values_list("kind", flat=True))


def test_a_plan_is_a_copy_that_later_editions_leave_alone(plan: Plan, operator_actor: Actor, now: datetime) -> None:
    said: dict[str, Any] = {"actor": operator_actor, "reason": "tests", "now": now}
    templates.define("small", {**DOCUMENT, "name": "Other"}, **said)
    plan.refresh_from_db()
    assert (plan.name, plan.state) == ("Small plan", "running")
    assert list(Phase.objects.values_list("key", "first_week", "last_week")) == [("first", 1, 1), ("second", 2, 3)]
    assert [row.key for row in selectors.checklists(plan.pk)] == [
        "first.activities",
        "first.criteria",
        "second.criteria",
        "before",
        "soon",
    ]
    with pytest.raises(Conflict, match="lives in Production already"):
        plans.start("small", "production", **said)
    assert plans.start("small", "staging", **said).pk != plan.pk


def test_both_phases_from_end_to_end(plan: Plan, passes: Passes, operator_actor: Actor, now: datetime) -> None:
    said: dict[str, Any] = {"actor": operator_actor, "reason": "as planned", "now": now}
    with pytest.raises(Conflict, match="Before: 0 of 2 done"):
        phases.start(phase("first").pk, **said)
    passes("Reviewed", "Backed up")
    assert phases.start(phase("first").pk, **said).state == "active"
    with pytest.raises(Conflict, match=r"First: activities: 0 of 2 done.*First: success criteria: 0 of 2 done"):
        phases.complete(phase("first").pk, **said)
    with pytest.raises(Conflict, match="first comes 'Deploy'"):
        passes("Smoke tests")
    passes("Deploy", "Smoke tests", "All works")
    validated(now)
    assert measuring.measure_all(now=now) == 1
    assert (item("It starts").state, item("It starts").by) == ("PASSED", "plans")
    assert phases.complete(phase("first").pk, **said).state == "completed"

    with pytest.raises(Conflict, match="Approved by another person"):
        phases.start(phase("second").pk, **said)
    phases.approve(phase("second").pk, actor=operator_actor, reason="mine", now=now)
    with pytest.raises(Refused):
        phases.start(phase("second").pk, **said)
    phases.approve(phase("second").pk, actor=APPROVER, reason="looked at it", now=now)
    phases.start(phase("second").pk, **said)
    rollout.change(
        "atomicMeltOperations", "production", rollout.StateChange(enabled=True, percentage=Decimal(100)), **said
    )
    measuring.measure_all(now=now)
    phases.complete(phase("second").pk, **said)
    assert plans.complete(plan.pk, **said).state == "completed"
    assert told("plan.started", "phase.started", "phase.completed", "plan.completed") == [
        "plan.started",
        "phase.started",
        "phase.completed",
        "phase.started",
        "phase.completed",
        "plan.completed",
    ]
    with pytest.raises(IllegalMove):
        plans.resume(plan.pk, **said)


def test_what_is_measured_ticks_and_unticks_itself_and_no_data_is_no_tick(
    plan: Plan, passes: Passes, operator_actor: Actor, now: datetime
) -> None:
    said: dict[str, Any] = {"actor": operator_actor, "reason": "r", "now": now}
    measuring.measure_all(now=now)
    assert item("It starts").measured_at is None  # its phase has not begun
    passes("Reviewed", "Backed up")
    phases.start(phase("first").pk, **said)
    measuring.measure_all(now=now)
    assert (item("It starts").state, "No validation since" in item("It starts").why) == ("PENDING", True)
    states: list[tuple[int, bool | None, str]] = [(1, True, "PASSED"), (2, False, "FAILED"), (3, True, "PASSED")]
    for minutes, success, state in [*states, (4, None, "PENDING")]:  # None: there was nothing to validate
        validated(now + timedelta(minutes=minutes), success=success)
        measuring.measure_all(now=now + timedelta(minutes=minutes))
        assert item("It starts").state == state
    assert told("item.marked") == ["item.marked"] * 6  # two by hand, four by the measurement
    with pytest.raises(Conflict, match="This is measured"):
        passes("It starts")
    items.mark(item("It starts").pk, ItemState.SKIPPED, comment="No health address.", **_who(said))
    validated(now + timedelta(minutes=5), success=False)
    measuring.measure_all(now=now + timedelta(minutes=5))
    assert item("It starts").state == "SKIPPED"


def test_an_address_ticks_its_item_while_it_answers_and_is_asked_once_a_minute(plan: Plan, now: datetime) -> None:
    class Dashboard(BaseHTTPRequestHandler):
        asked, status = 0, 302

        def do_GET(self) -> None:
            Dashboard.asked += 1
            self.send_response(Dashboard.status)
            self.send_header("Location", "/login")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """The test's output stays quiet."""

    with HTTPServer(("127.0.0.1", 0), Dashboard) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        Item.objects.filter(text="Reviewed").update(check_of={"reachable": f"http://127.0.0.1:{server.server_port}/d"})
        seen = []
        for seconds, status in ((0, 302), (15, 500), (60, 500), (120, 200)):
            Dashboard.status = status
            measuring.measure_all(now=now + timedelta(seconds=seconds))
            seen.append(item("Reviewed").state)
        server.shutdown()
    assert (seen, Dashboard.asked) == (["PASSED", "PASSED", "FAILED", "PASSED"], 3)
    measuring.measure_all(now=now + timedelta(seconds=180))
    assert (item("Reviewed").state, "does not answer" in item("Reviewed").why) == ("FAILED", True)


def _who(said: dict[str, Any]) -> dict[str, Any]:
    return {"actor": said["actor"], "now": said["now"]}


def test_an_item_says_why_it_failed_and_a_faster_person_is_not_overwritten(
    plan: Plan, operator_actor: Actor, now: datetime
) -> None:
    row = item("Reviewed")
    with pytest.raises(Invalid, match="Say why"):
        items.mark(row.pk, ItemState.FAILED, actor=operator_actor, now=now)
    items.mark(row.pk, ItemState.FAILED, comment="Two are open.", actor=operator_actor, now=now, version=1)
    with pytest.raises(StaleVersion):
        items.mark(row.pk, ItemState.PASSED, actor=APPROVER, now=now, version=1)
    plans.abort(plan.pk, actor=operator_actor, reason="Enough.", now=now)
    with pytest.raises(Conflict, match="The plan is aborted"):
        items.mark(row.pk, ItemState.PASSED, actor=operator_actor, now=now)


def test_a_window_opens_by_the_clock_after_a_deployment_and_is_told_when_it_is_overdue(
    plan: Plan, passes: Passes, operator_actor: Actor, now: datetime
) -> None:
    with pytest.raises(Conflict, match="opens when the list before it is done"):
        passes("Look")
    with pytest.raises(Conflict, match="First has not begun"):
        passes("Deploy")
    passes("Reviewed", "Backed up")
    phases.start(phase("first").pk, actor=operator_actor, reason="r", now=now)
    passes("Deploy", "Smoke tests")
    soon = Checklist.objects.get(key="soon")
    assert (soon.opens_at, soon.due_at) == (now + timedelta(hours=1), now + timedelta(hours=2))
    with pytest.raises(Conflict, match="opens at 2025-08-11 10:00"):
        passes("Look")
    late = now + timedelta(hours=2, minutes=1)
    assert (overdue.tell_overdue(now=now), overdue.tell_overdue(now=late), overdue.tell_overdue(now=late)) == (0, 1, 0)
    passes("Look", at=late)
    assert list(selectors.overdue(now=late)) == []


def test_a_phase_is_rolled_back_whatever_its_gate_says_and_begun_again_through_it(
    plan: Plan, passes: Passes, operator_actor: Actor, now: datetime
) -> None:
    said: dict[str, Any] = {"actor": operator_actor, "reason": "errors", "now": now}
    passes("Reviewed", "Backed up")
    phases.start(phase("first").pk, **said)
    rollout.change("atomicMeltOperations", "production", rollout.StateChange(enabled=True), **said)
    plans.pause(plan.pk, **said)
    (rollback_id,) = phases.roll_back(phase("first").pk, **said)
    state = flags.state("atomicMeltOperations", "production")
    assert (state.enabled, state.rollback_id) == (False, rollback_id)
    with pytest.raises(Conflict, match="The plan is paused"):
        phases.start(phase("first").pk, **said)
    plans.resume(plan.pk, **said)
    assert phases.start(phase("first").pk, **said).state == "active"


def test_an_approver_waives_what_is_not_met_until_a_time_and_never_what_nobody_knows(
    plan: Plan, operator_actor: Actor, now: datetime
) -> None:
    row, until = phase("first"), now + timedelta(hours=1)
    said: dict[str, Any] = {"actor": APPROVER, "reason": "It is fine.", "now": now}
    for requirement, expires_at, kind in (
        ("nothing", until, Invalid),
        ("checklist:before", now, Invalid),
        ("checklist:before", now + timedelta(days=8), Invalid),
        ("plan", until, Conflict),
    ):
        with pytest.raises(kind):
            phases.waive(row.pk, requirement, expires_at=expires_at, **said)
    late = now + timedelta(minutes=5)
    with pytest.raises(Conflict, match="What is not known cannot be waived"):
        phases.waive(row.pk, "guard", expires_at=until, **{**said, "now": late})
    phases.waive(row.pk, "checklist:before", expires_at=until, **said)
    calm(until)
    with pytest.raises(Conflict, match="0 of 2 done"):
        phases.start(row.pk, actor=operator_actor, reason="r", now=until)
    calm(now)
    phases.start(row.pk, actor=operator_actor, reason="r", now=now)


def test_a_rollback_trigger_of_the_phase_keeps_it_from_being_completed_also_one_that_only_observes(
    plan: Plan, passes: Passes, operator_actor: Actor, now: datetime, guarded: Trigger
) -> None:
    said: dict[str, Any] = {"actor": operator_actor, "reason": "r", "now": now}
    passes("Reviewed", "Backed up")
    first = phases.start(phase("first").pk, **said)
    Phase.objects.filter(pk=first.pk).update(triggers=[guarded.key])
    validated(now)
    measuring.measure_all(now=now)
    passes("Deploy", "Smoke tests", "All works")
    Trigger.objects.update(observe=True, verdict="BREACH", value=6.25)
    with pytest.raises(Conflict, match=r"It is in breach\. The last window has 6\.25, the threshold is 5"):
        phases.complete(first.pk, **said)
    Trigger.objects.update(verdict="NO_DATA")
    assert f"trigger:{guarded.key}" not in {each.key for each in phases.gate_of(phase("first"), now=now)}
    Trigger.objects.update(verdict="PASS")
    assert phases.complete(first.pk, **said).state == "completed"


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_of_many_who_start_a_phase_at_once_one_does(
    plan: Plan, passes: Passes, operator_actor: Actor, now: datetime
) -> None:
    passes("Reviewed", "Backed up")
    pk = phase("first").pk

    def go() -> str:
        try:
            return phases.start(pk, actor=operator_actor, reason="r", now=now).state
        except IllegalMove:
            return "late"

    assert sorted(at_once(*[go] * 4)) == ["active", "late", "late", "late"]
    assert told("phase.started") == ["phase.started"]


def test_the_gate_takes_the_same_queries_for_many_items(
    plan: Plan, now: datetime, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(10):
        selectors.start(phase("first"), selectors.facts_of(plan, now=now), now=now)
    row = Checklist.objects.get(key="before")
    Item.objects.bulk_create(Item(checklist=row, position=9 + n, text=f"more {n}") for n in range(100))
    with django_assert_num_queries(10):
        selectors.start(phase("first"), selectors.facts_of(plan, now=now), now=now)
