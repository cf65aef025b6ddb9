"""Step back: what goes back with it, what stands in its way (nothing but sense), and what comes after it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from core import events, freezing
from core.actors import GUARD, Actor
from core.errors import Conflict, Invalid, StaleVersion
from core.freezing import Plan
from flags import selectors as flag_selectors
from flags.domain.change import StateChange
from flags.models import ApprovalRule
from flags.services import emergency, rollout, tokens
from monitoring.domain.verdict import Verdict
from rollouts import selectors
from rollouts.models import Ramp
from rollouts.services import clock, steering
from tests.rollouts.conftest import KEY, Guard

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def flag_now() -> tuple[bool, int, dict[str, Any]]:
    state = flag_selectors.state(KEY, "production")
    return state.enabled, int(state.percentage), state.parameters


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "slower than we like", "now": now}


def climb(ramp: Ramp, steps: int, who: dict[str, Any]) -> list[tuple[bool, int, dict[str, Any]]]:
    """Take so many steps; the flag before the first and after each."""
    seen = [flag_now()]
    for _ in range(steps):
        steering.advance(ramp.pk, **who)
        seen.append(flag_now())
    return seen


def test_every_step_goes_back_with_its_parameters_down_to_how_the_ramp_found_the_flag(
    ramp: Ramp, who: dict[str, Any]
) -> None:
    rollout.set_parameters(KEY, "production", {"own": 1, "fallbackToLegacy": None}, **who)
    seen = climb(ramp, 4, who)
    for expected in reversed(seen[:-1]):
        steering.step_back(ramp.pk, **who)
        assert flag_now() == expected
    ramp.refresh_from_db()
    assert (ramp.state, ramp.position) == ("held", 0)
    with pytest.raises(Conflict, match="It has not taken a step"):
        steering.step_back(ramp.pk, **who)


def test_the_last_step_of_a_completed_ramp_goes_back_and_the_fallback_is_on_again(
    ramp: Ramp, who: dict[str, Any]
) -> None:
    climb(ramp, 5, who)
    ramp.refresh_from_db()
    assert (ramp.state, flag_now()[2]["fallbackToLegacy"]) == ("completed", False)
    steering.step_back(ramp.pk, **who)

    ramp.refresh_from_db()
    assert (ramp.state, ramp.position, ramp.ended_at) == ("held", 4, None)
    assert flag_now() == (True, 50, {"fallbackToLegacy": True, "transactionTimeout": 30000})


def test_it_is_one_event_and_the_ramp_waits_for_a_person_with_its_step_open_again(
    ramp: Ramp, guard: Guard, who: dict[str, Any], now: datetime
) -> None:
    climb(ramp, 3, who)
    later = now + 3 * HOUR
    count = events.about(f"ramp:{ramp.pk}").count()
    steering.step_back(ramp.pk, **{**who, "now": later})

    event = events.about(f"ramp:{ramp.pk}")[0]
    assert (event.kind, event.reason, events.about(f"ramp:{ramp.pk}").count()) == (
        "ramp.stepped_back",
        "slower than we like",
        count + 1,
    )
    assert (event.before["position"], event.after["position"], event.data["step"]) == (3, 2, 3)
    of_flag = events.about(f"flag:{KEY}")[0]
    assert (of_flag.kind, of_flag.data["ramp"], of_flag.data["stepped_back"]) == ("flag.rollout_changed", ramp.pk, True)
    view = selectors.timeline(ramp.pk, now=later)
    assert [each.status.value for each in view.steps] == ["taken", "now", "next", "later", "later"]
    assert view.waits_for == "olga took back 5.3: slower than we like"
    assert (view.ramp.soaking_since, view.steps[2].step.due_at) == (later, later + HOUR)
    guard.passes(since=later, until=later + 9 * HOUR)
    assert clock.follow(now=later) == clock.advance_due(now=later + 9 * HOUR) == 0

    steering.resume(ramp.pk, **{**who, "now": later + 9 * HOUR})
    assert flag_now()[1] == 10
    assert clock.advance_due(now=later + 9 * HOUR) == 1
    assert flag_now() == (True, 25, {"fallbackToLegacy": True, "transactionTimeout": 30000})


def test_parameters_of_steps_skipped_before_it_go_back_and_steps_skipped_after_it_are_open_again(
    ramp: Ramp, who: dict[str, Any]
) -> None:
    climb(ramp, 2, who)
    steering.skip(ramp.pk, **who)
    seen = climb(ramp, 1, who)
    assert seen[1] == (True, 50, {"fallbackToLegacy": True, "transactionTimeout": 30000})
    steering.step_back(ramp.pk, **who)
    assert flag_now() == seen[0] == (True, 10, {"fallbackToLegacy": True})
    steering.resume(ramp.pk, **who)
    assert climb(ramp, 1, who)[1] == seen[1]

    steering.skip(ramp.pk, **who)  # the last one: the ramp is completed
    steering.step_back(ramp.pk, **who)
    statuses = [each.status.value for each in selectors.timeline(ramp.pk, now=who["now"]).steps]
    assert statuses == ["taken", "now", "skipped", "next", "later"]


def test_neither_approvals_nor_a_freeze_nor_a_breach_stand_in_the_way(
    ramp: Ramp, guard: Guard, who: dict[str, Any], now: datetime
) -> None:
    climb(ramp, 3, who)
    for kind in ("raise", "parameters", "ramp"):
        ApprovalRule.objects.create(environment=ramp.environment, kind=kind, above=0, approvals=2, expires_after=3600)
    freeze = Plan("Pay day", "Everybody melts.", ["production"], "UTC", f"{now:%Y-%m-%dT%H:%M}", 3600)
    freezing.plan(freeze, actor=who["actor"], now=now - HOUR)
    guard.judges(Verdict.BREACH, at=now)
    guard.fires()

    steering.step_back(ramp.pk, **who)
    assert flag_now() == (True, 10, {"fallbackToLegacy": True})
    with pytest.raises(Conflict, match="re-arms it"):
        steering.resume(ramp.pk, **who)


def test_off_stays_off_and_a_flag_that_stands_lower_is_not_raised(ramp: Ramp, who: dict[str, Any]) -> None:
    climb(ramp, 3, who)
    rollout.set_rollout(KEY, "production", 4, **who)
    steering.step_back(ramp.pk, **who)
    assert flag_now() == (True, 4, {"fallbackToLegacy": True})
    emergency.roll_back(KEY, "production", actor=GUARD, reason="errors", now=who["now"])
    steering.step_back(ramp.pk, **who)

    assert flag_now()[:2] == (False, 0)
    assert flag_selectors.state(KEY, "production").rollback_id
    assert "ENABLES it at 0 % again" in selectors.resume_effect(ramp.pk)


def test_what_a_person_set_since_stays_unless_the_step_had_set_it(ramp: Ramp, who: dict[str, Any]) -> None:
    climb(ramp, 3, who)
    own = {"own": 1, "fallbackToLegacy": False, "transactionTimeout": 5}
    rollout.set_parameters(KEY, "production", own, **who)
    steering.step_back(ramp.pk, **who)
    assert flag_now()[2] == {"own": 1, "fallbackToLegacy": False}


def test_it_is_refused_where_there_is_nothing_to_go_back_to(ramp: Ramp, who: dict[str, Any]) -> None:
    steering.advance(ramp.pk, **who)
    with pytest.raises(Invalid, match="Say why"):
        steering.step_back(ramp.pk, **{**who, "reason": " "})
    with pytest.raises(StaleVersion):
        steering.step_back(ramp.pk, **who, version=1)
    ramp.steps.update(before=None)  # as a step that an older version took
    with pytest.raises(Conflict, match="was not noted"):
        steering.step_back(ramp.pk, **who)
    steering.roll_back(ramp.pk, **who)
    with pytest.raises(Conflict, match="It was rolled back"):
        steering.step_back(ramp.pk, **who)


def test_a_completed_ramp_is_left_alone_once_somebody_changed_its_flag_or_ramped_it_again(
    ramp: Ramp, who: dict[str, Any]
) -> None:
    climb(ramp, 5, who)
    rollout.set_rollout(KEY, "production", 60, **who)
    with pytest.raises(Conflict, match="stands at 60 %"):
        steering.step_back(ramp.pk, **who)
    rollout.change(KEY, "production", StateChange(percentage=100), **who)
    ramp.refresh_from_db()
    later = Ramp.objects.create(
        flag=ramp.flag, environment=ramp.environment, starts_at=who["now"], soaking_since=who["now"]
    )
    with pytest.raises(Conflict, match=f"Ramp {later.pk} came after it"):
        steering.step_back(ramp.pk, **who)


def test_the_dialog_names_all_that_goes_back(
    ramp: Ramp, who: dict[str, Any], client_as: Callable[[str], Client]
) -> None:
    url = f"/admin/rollouts/ramp/{ramp.pk}/"
    client = client_as("operator")
    assert "Step back" not in client.get(f"{url}change/").content.decode()
    climb(ramp, 5, who)
    assert "Step back" in client.get(f"{url}change/").content.decode()
    dialog = client.get(f"{url}step-back/").content.decode()
    for words in (
        "is enabled at 100 %. It goes back to 50 % at once, as it was before step 5, 6.2.",
        "Its parameters go back too: fallbackToLegacy = true.",
        "neither a freeze nor a trigger stops it",
        "The ramp is held until a person resumes it. Step 5, 100 %, is open again",
    ):
        assert words in dialog.replace("&#x27;", "'")
    ramp.refresh_from_db()
    said = {"reason": "slower", "version": ramp.version}
    assert client.post(f"{url}step-back/", said)["Location"] == f"{url}change/"
    assert flag_now()[1] == 50


def test_it_is_done_over_rest_once(ramp: Ramp, who: dict[str, Any]) -> None:
    climb(ramp, 2, who)
    token = tokens.create("ci", "production", ["operate"], actor=who["actor"], now=who["now"])[1]
    client = Client(headers={"Authorization": f"Bearer {token}"})
    body = {"reason": "slower", "version": 3}
    answers = [client.post(f"/api/v1/ramps/{ramp.pk}/back", body, content_type="application/json") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 409]
    assert (answers[0].json()["state"], answers[0].json()["position"]) == ("held", 1)
    read = tokens.create("reader", "production", ["evaluate"], actor=who["actor"], now=who["now"])[1]
    refused = Client(headers={"Authorization": f"Bearer {read}"})
    assert refused.post(f"/api/v1/ramps/{ramp.pk}/back", body, content_type="application/json").status_code == 403
