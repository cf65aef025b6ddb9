"""A person moves the next step: the later ones go with it, into the hours, and never before what people approved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from core import events
from core.actors import Actor
from core.errors import Conflict, Invalid
from flags.services import tokens
from monitoring.domain.verdict import Verdict
from rollouts.models import Ramp
from rollouts.services import clock, starting, steering
from tests.rollouts.conftest import Guard

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
BERLIN = {"from": "09:00", "to": "17:00", "days": ["mon", "tue", "wed", "thu", "fri"], "zone": "Europe/Berlin"}


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "the bank is closed", "now": now}


def times(ramp: Ramp) -> list[datetime]:
    return list(ramp.steps.order_by("position").values_list("due_at", flat=True))


def test_the_later_steps_keep_their_distance_and_the_clock_waits_for_the_new_time(
    ramp: Ramp, guard: Guard, who: dict[str, Any], now: datetime
) -> None:
    assert clock.advance_due(now=now) == 1
    steering.reschedule(ramp.pk, now + 5 * HOUR, **who)

    assert times(ramp) == [now, *(now + hours * HOUR for hours in (5, 6, 7, 8))]
    event = events.about(f"ramp:{ramp.pk}").get(kind="ramp.moved")
    assert (event.reason, event.data["step"], event.data["moved_seconds"]) == ("the bank is closed", 2, 4 * 3600)
    for hours, taken in ((4, 0), (5, 1)):
        guard.passes(since=now, until=now + hours * HOUR)
        assert clock.advance_due(now=now + hours * HOUR) == taken


def test_a_time_outside_the_hours_becomes_the_next_one_inside_also_where_the_clocks_change(
    ramp: Ramp, who: dict[str, Any]
) -> None:
    Ramp.objects.update(hours=BERLIN)
    saturday = datetime(2025, 10, 25, 10, tzinfo=UTC)  # the clocks go back in the night to Sunday
    steering.reschedule(ramp.pk, saturday, **who)
    assert times(ramp)[0] == datetime(2025, 10, 27, 8, tzinfo=UTC), "09:00 in Berlin, now an hour later in UTC"


def test_what_people_approved_is_not_taken_earlier_but_what_was_put_off_comes_back(
    ramp: Ramp, who: dict[str, Any], now: datetime
) -> None:
    Ramp.objects.update(request=7)
    steering.skip(ramp.pk, **who)
    steering.reschedule(ramp.pk, now + 3 * HOUR, **who)
    with pytest.raises(Conflict, match=r"People approved step 2 for .* or later"):
        steering.reschedule(ramp.pk, now + HOUR / 2, **who)
    steering.reschedule(ramp.pk, now + HOUR, **who)
    assert times(ramp)[1] == now + HOUR


@pytest.mark.parametrize("hours", [0, -1, 24 * 367])
def test_only_to_a_time_that_is_ahead_within_a_year(hours: int, ramp: Ramp, who: dict[str, Any], now: datetime) -> None:
    before = times(ramp)
    with pytest.raises(Invalid, match="ahead, within a year"):
        steering.reschedule(ramp.pk, now + hours * HOUR, **who)
    assert times(ramp) == before


def test_a_held_ramp_is_moved_and_stays_held_and_one_that_ended_is_not(
    ramp: Ramp, guard: Guard, who: dict[str, Any], now: datetime
) -> None:
    steering.hold(ramp.pk, **who)
    assert steering.reschedule(ramp.pk, now + HOUR, **who).state == "held"
    guard.judges(Verdict.PASS, at=now + 2 * HOUR)
    assert clock.advance_due(now=now + 2 * HOUR) == 0
    steering.roll_back(ramp.pk, **who)
    with pytest.raises(Conflict, match="no step is left that could be moved"):
        steering.reschedule(ramp.pk, now + HOUR, **who)


def test_the_dialog_takes_the_time_of_the_environment_s_zone(
    ramp: Ramp, client_as: Callable[[str], Client], now: datetime
) -> None:
    ramp.environment.zone = "Europe/Berlin"
    ramp.environment.save()
    address = f"/admin/rollouts/ramp/{ramp.pk}/move/"
    assert client_as("viewer").get(address).status_code == 403
    client = client_as("operator")
    page = client.get(address).content.decode()
    assert '<option value="Europe/Berlin" selected>' in page
    assert "The later steps keep their distance" in page
    said = {"reason": "bank holiday", "version": ramp.version, "zone": "Europe/Berlin"}
    skipped = client.post(address, {**said, "on": "2099-03-29T02:30"})
    assert "The clocks in Europe/Berlin skip 02:30" in skipped.content.decode()
    over = client.post(address, {**said, "on": "2099-01-02T10:00"})
    assert "ahead, within a year" in over.content.decode()
    assert times(ramp)[0] == now


def test_a_pipeline_and_the_command_line_move_too(ramp: Ramp, who: dict[str, Any]) -> None:
    to = (datetime.now(UTC) + 24 * HOUR).replace(microsecond=0)
    token = tokens.create("ci", "production", ["operate"], actor=who["actor"], now=who["now"])[1]
    client = Client(headers={"Authorization": f"Bearer {token}"})
    body = {"reason": "later", "version": ramp.version, "to": to.isoformat()}
    answers = [client.post(f"/api/v1/ramps/{ramp.pk}/move", body, content_type="application/json") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 409]
    assert times(ramp)[0] == to
    call_command("ramp", "move", str(ramp.pk), "--to", (to + HOUR).isoformat(), "--reason", "later still")
    assert times(ramp)[0] == to + HOUR


def test_a_ramp_started_for_later_can_begin_earlier(
    template: object, guard: Guard, who: dict[str, Any], now: datetime
) -> None:
    ramp = starting.start("atomic-phased", "production", starts_at=now + 48 * HOUR, pace=3600, soak=0, **who)
    steering.reschedule(ramp.pk, now + HOUR, **who)
    guard.judges(Verdict.PASS, at=now + HOUR)
    assert clock.advance_due(now=now + HOUR) == 1
