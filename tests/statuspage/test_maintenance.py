"""Planned work: it begins and ends by the clock, and a person can change, cancel, verify and complete it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from core import events
from core.errors import Conflict, DomainError, IllegalMove, Invalid, NotFound, StaleVersion
from statuspage.models import Maintenance, Page
from statuspage.services import components, maintenance
from tests.racing import at_once
from tests.statuspage.conftest import OLGA, Planned, Publish, state_of, wanted

HOUR = timedelta(hours=1)
BEGINS = datetime.fromisoformat("2025-08-11T20:00+00:00")
ENDS = BEGINS + HOUR


def kinds() -> list[str]:
    return list(events.recent().filter(kind__startswith="maintenance.").order_by("pk").values_list("kind", flat=True))


def who(now: datetime, **over: Any) -> dict[str, Any]:
    return {"actor": OLGA, "now": now, **over}


def test_it_begins_and_ends_by_the_clock(planned: Planned) -> None:
    row = planned()
    assert (row.starts_at, row.ends_at) == (BEGINS, ENDS)
    assert maintenance.tick(now=BEGINS - HOUR) == 0
    for at, state, shown in ((BEGINS, "in_progress", "under_maintenance"), (ENDS, "completed", "operational")):
        assert maintenance.tick(now=at) == 1
        assert maintenance.tick(now=at) == 0
        row.refresh_from_db()
        assert (row.state, state_of("melt")) == (state, shown)
    assert kinds() == ["maintenance.planned", "maintenance.begun", "maintenance.ended"]
    told = events.recent().get(kind="maintenance.begun").data
    assert {name: told[name] for name in ("title", "components", "starts_at", "zone", "changed")} == {
        "title": "Database work",
        "components": ["melt"],
        "starts_at": "2025-08-11T20:00:00+00:00",
        "zone": "Europe/Berlin",
        "changed": {"melt": {"from": "operational", "to": "under_maintenance"}},
    }


def test_one_that_no_clock_saw_never_began(planned: Planned) -> None:
    row = planned()
    maintenance.tick(now=ENDS + HOUR)
    row.refresh_from_db()
    assert (row.state, kinds()[-1]) == ("completed", "maintenance.ended")
    assert events.recent().first().data["missed"] is True  # type: ignore[union-attr]
    assert components.Component.objects.get(key="melt").changes.count() == 1


def test_a_person_verifies_and_completes_it_before_its_time(planned: Planned) -> None:
    row = planned()
    with pytest.raises(Conflict, match="cancel it"):
        maintenance.complete(row.pk, **who(BEGINS))
    maintenance.tick(now=BEGINS)
    maintenance.verify(row.pk, **who(BEGINS))
    assert state_of("melt") == "under_maintenance"
    maintenance.complete(row.pk, **who(BEGINS + HOUR / 2))
    assert state_of("melt") == "operational"
    with pytest.raises(IllegalMove):
        maintenance.complete(row.pk, **who(ENDS))
    assert maintenance.tick(now=ENDS) == 0


def test_an_outage_outdoes_the_maintenance_and_stays_after_it(planned: Planned, publish: Publish) -> None:
    planned()
    maintenance.tick(now=BEGINS)
    publish(states={"melt": "partial_outage"}, now=BEGINS)
    assert state_of("melt") == "partial_outage"
    maintenance.tick(now=ENDS)
    assert state_of("melt") == "partial_outage"


def test_a_change_moves_it_and_its_components(planned: Planned, now: datetime) -> None:
    row = planned()
    maintenance.tick(now=BEGINS)
    change = {"reason": "longer", **who(BEGINS)}
    maintenance.change(row.pk, wanted(components=["api"], ends_at="2025-08-12T01:00"), **change)
    assert (state_of("melt"), state_of("api")) == ("operational", "under_maintenance")
    assert maintenance.tick(now=ENDS) == 0
    with pytest.raises(Invalid, match="its start stays"):
        maintenance.change(row.pk, wanted(starts_at="2025-08-11T21:00", ends_at="2025-08-12T01:00"), **change)
    before = Page.objects.get().version
    maintenance.change(row.pk, wanted(components=["api"], ends_at="2025-08-12T01:00"), **change)
    assert Page.objects.get().version == before


def test_a_cancelled_one_never_begins(planned: Planned, now: datetime) -> None:
    row = planned()
    maintenance.cancel(row.pk, reason="not needed", **who(now))
    assert maintenance.tick(now=BEGINS) == 0
    with pytest.raises(Conflict, match="plan another one"):
        maintenance.change(row.pk, wanted(), reason="x", **who(now))
    other = planned()
    maintenance.tick(now=BEGINS)
    with pytest.raises(IllegalMove):
        maintenance.cancel(other.pk, reason="too late", **who(BEGINS))


@pytest.mark.parametrize(
    ("over", "error", "sentence"),
    [
        ({"titles": {"de": "Wartung"}}, Invalid, "in English"),
        ({"titles": {"en": "x" * 161}}, Invalid, "1 to 160"),
        ({"components": []}, Invalid, "at least one"),
        ({"components": ["mint"]}, NotFound, "no component 'mint'"),
        ({"zone": "Berlin"}, Invalid, "no time zone"),
        ({"ends_at": "2025-08-11T21:00"}, Invalid, "end after its start"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_a_sentence(
    planned: Planned, over: dict[str, Any], error: type[DomainError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        planned(**over)
    assert not Maintenance.objects.exists()


def test_who_saw_an_older_version_changes_nothing(planned: Planned, now: datetime) -> None:
    row = planned()
    with pytest.raises(StaleVersion):
        maintenance.cancel(row.pk, reason="x", version=row.version + 1, **who(now))


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_two_clocks_begin_it_once(planned: Planned) -> None:
    planned()
    assert sorted(at_once(*[lambda: maintenance.tick(now=BEGINS)] * 3)) == [0, 0, 1]
    assert kinds() == ["maintenance.planned", "maintenance.begun"]
