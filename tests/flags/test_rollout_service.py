"""Changing what a flag does: one service, one event, one version."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from core import events
from core.actors import Actor
from core.errors import Conflict, Invalid, NotFound, StaleVersion
from flags import selectors
from flags.domain.change import StateChange
from flags.services import emergency, rollout

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("flag")]
KEY = "atomicMeltOperations"


def version_of(environment: str = "production") -> int:
    return selectors.configuration_versions()[environment]


def test_a_change_writes_one_event_with_before_and_after_and_raises_both_versions(
    operator_actor: Actor, now: datetime
) -> None:
    before = version_of()
    state = rollout.set_rollout(KEY, "production", "25", actor=operator_actor, reason="canary is calm", now=now)

    assert (state.percentage, state.version) == (Decimal(25), 2)
    assert version_of() == before + 1
    event = events.about(f"flag:{KEY}", environment_id=state.environment_id).get(kind="flag.rollout_changed")
    assert (event.before["percentage"], event.after["percentage"]) == (0, 25)
    assert (event.actor, event.reason, event.at) == (operator_actor.name, "canary is calm", now)


def test_a_change_that_changes_nothing_writes_nothing(operator_actor: Actor, now: datetime) -> None:
    before, rows = version_of(), events.recent().count()
    state = rollout.disable(KEY, "production", actor=operator_actor, reason="to be sure", now=now)

    assert state.version == 1
    assert (version_of(), events.recent().count()) == (before, rows)


@pytest.mark.parametrize(
    ("percentage", "words"),
    [
        ("-1", "0 to 100"),
        ("101", "0 to 100"),
        ("abc", "not a number"),
        ("NaN", "0 to 100"),
        ("12.5", "steps of 1"),
        ("", "not a number"),
    ],
)
def test_a_percentage_that_cannot_be_is_refused_with_what_is_allowed(
    percentage: str, words: str, operator_actor: Actor, now: datetime
) -> None:
    rows = events.recent().count()
    with pytest.raises(Invalid, match=words) as refusal:
        rollout.set_rollout(KEY, "production", percentage, actor=operator_actor, reason="typo", now=now)

    assert refusal.value.field == "percentage"
    assert selectors.state(KEY, "production").percentage == 0
    assert events.recent().count() == rows


def test_a_protected_environment_asks_for_a_reason_and_staging_does_not(operator_actor: Actor, now: datetime) -> None:
    with pytest.raises(Invalid, match="say why"):
        rollout.enable(KEY, "production", actor=operator_actor, reason="  ", now=now)
    assert rollout.enable(KEY, "staging", actor=operator_actor, reason="", now=now).enabled


def test_a_reason_that_cannot_be_stored_is_refused(operator_actor: Actor, now: datetime) -> None:
    for reason in ("nul \x00", "half a pair \ud800"):
        with pytest.raises(Invalid, match="cannot be stored"):
            rollout.enable(KEY, "production", actor=operator_actor, reason=reason, now=now)
        with pytest.raises(Invalid, match="cannot be stored"):
            emergency.emergency_disable(KEY, "production", actor=operator_actor, reason=reason, now=now)


def test_who_saw_an_older_version_is_told_and_changes_nothing(operator_actor: Actor, now: datetime) -> None:
    rollout.set_rollout(KEY, "production", 10, actor=operator_actor, reason="first", now=now, version=1)
    with pytest.raises(StaleVersion, match="you saw version 1, it is now 2"):
        rollout.set_rollout(KEY, "production", 50, actor=operator_actor, reason="second", now=now, version=1)
    assert selectors.state(KEY, "production").percentage == 10


def test_several_fields_change_together_and_a_patch_keeps_other_parameters(
    operator_actor: Actor, now: datetime
) -> None:
    rollout.set_parameters(
        KEY,
        "production",
        {"fallbackToLegacy": True, "transactionTimeout": 30000},
        actor=operator_actor,
        reason="r",
        now=now,
    )
    wanted = StateChange(enabled=True, percentage=100, patch={"fallbackToLegacy": False})
    state = rollout.change(KEY, "production", wanted, actor=operator_actor, reason="full", now=now)

    assert (state.enabled, state.percentage) == (True, 100)
    assert state.parameters == {"fallbackToLegacy": False, "transactionTimeout": 30000}
    assert state.version == 3


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ([1], "JSON object"),
        ({"a": float("nan")}, "must be JSON"),
        ({"rule": 1}, "cannot be called rule"),
        ({"a": 2**64}, "64"),
    ],
)
def test_parameters_that_no_client_could_read_are_refused(
    parameters: object, words: str, operator_actor: Actor, now: datetime
) -> None:
    with pytest.raises(Invalid, match=words) as refusal:
        rollout.set_parameters(KEY, "staging", parameters, actor=operator_actor, reason="", now=now)
    assert refusal.value.field == "parameters"


def test_what_is_expected_is_checked_under_the_lock(operator_actor: Actor, now: datetime) -> None:
    rollout.enable(KEY, "production", actor=operator_actor, reason="on", now=now)
    with pytest.raises(Conflict, match=r"stands at 0\.00 %, not at 10 %"):
        rollout.change(
            KEY,
            "production",
            StateChange(percentage=25),
            expected=StateChange(enabled=True, percentage=10),
            actor=operator_actor,
            reason="step",
            now=now,
        )


def test_unknown_flags_and_environments_are_named(operator_actor: Actor, now: datetime) -> None:
    with pytest.raises(NotFound, match="nosuch"):
        rollout.enable("nosuch", "production", actor=operator_actor, reason="r", now=now)
    with pytest.raises(NotFound, match="mars"):
        rollout.enable(KEY, "mars", actor=operator_actor, reason="r", now=now)


def test_an_emergency_disable_switches_off_at_zero_and_tells_who_and_why(operator_actor: Actor, now: datetime) -> None:
    rollout.change(
        KEY, "production", StateChange(enabled=True, percentage=50), actor=operator_actor, reason="go", now=now
    )
    state = emergency.emergency_disable(
        KEY, "production", actor=operator_actor, reason="mint is down", now=now + timedelta(minutes=1)
    )

    assert (state.enabled, state.percentage) == (False, 0)
    assert (state.disabled_by, state.disabled_reason) == (operator_actor.name, "mint is down")
    assert state.disabled_at == now + timedelta(minutes=1)
    again = emergency.emergency_disable(KEY, "production", actor=operator_actor, reason="again", now=now)
    assert again.disabled_reason == "mint is down"
    assert events.recent().filter(kind="flag.emergency_disabled").count() == 1


def test_an_emergency_needs_a_reason_everywhere(operator_actor: Actor, now: datetime) -> None:
    with pytest.raises(Invalid, match="Say why"):
        emergency.emergency_disable(KEY, "development", actor=operator_actor, reason="", now=now)
    with pytest.raises(Invalid, match="Say why"):
        emergency.roll_back(KEY, "development", actor=operator_actor, reason="", now=now)


def test_a_rollback_has_an_id_and_evidence_and_happens_once(operator_actor: Actor, now: datetime) -> None:
    rollout.change(
        KEY, "production", StateChange(enabled=True, percentage=50), actor=operator_actor, reason="go", now=now
    )
    first = emergency.roll_back(
        KEY, "production", actor=operator_actor, reason="errors", now=now, evidence={"error_rate": 20.1}
    )
    second = emergency.roll_back(KEY, "production", actor=operator_actor, reason="errors", now=now)

    assert first == second
    event = events.recent().get(kind="flag.rolled_back")
    assert (event.data["rollback_id"], event.data["evidence"]) == (first, {"error_rate": 20.1})
    assert event.before["percentage"] == 50


def test_enabling_again_ends_the_emergency_and_the_events_keep_its_story(operator_actor: Actor, now: datetime) -> None:
    rollout.enable(KEY, "production", actor=operator_actor, reason="go", now=now)
    emergency.roll_back(KEY, "production", actor=operator_actor, reason="errors", now=now)
    state = rollout.enable(KEY, "production", actor=operator_actor, reason="fixed in 2.0.1", now=now)

    assert (state.rollback_id, state.rollback_at, state.disabled_at, state.disabled_by) == ("", None, None, "")
    assert events.recent().filter(kind="flag.rolled_back").count() == 1
