"""What the public is told, by a publisher and by hand, and the states that follow from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import events
from core.errors import Conflict, DomainError, IllegalMove, Invalid, NotFound, StaleVersion
from statuspage.models import ComponentChange, Page, PublicIncident, PublicUpdate
from statuspage.selectors import shown
from statuspage.services import components, publishing
from tests.racing import at_once
from tests.statuspage.conftest import OLGA, Planned, Publish, state_of

Act = Callable[..., Any]


def hand(key: str, state: str, now: datetime, **over: Any) -> Any:
    return components.set_state(key, state, **{"reason": "seen", "actor": OLGA, "now": now, **over})


def test_what_is_published_is_on_the_page_and_in_the_log(publish: Publish, now: datetime) -> None:
    before = Page.objects.get().version
    publish("investigating", {"melt": "major_outage", "wallets": "degraded_performance"})
    picture = shown.picture(now=now)
    assert picture.version == before + 1
    assert picture.indicator == "critical"
    (incident,) = picture.incidents
    assert (incident.titles, incident.state, incident.open) == ({"en": "Payments fail"}, "investigating", True)
    assert [each.state for each in picture.components] == ["major_outage", "degraded_performance", "operational"]
    told = events.recent().get(kind="status.published").data
    assert {name: told[name] for name in ("reference", "text", "state", "impact", "components")} == {
        "reference": "incident:12",
        "text": "We are investigating.",
        "state": "investigating",
        "impact": "major",
        "components": {"melt": "major_outage", "wallets": "degraded_performance"},
    }
    assert told["changed"]["melt"] == {"from": "operational", "to": "major_outage"}


def test_publishing_under_one_key_twice_changes_nothing(publish: Publish, now: datetime) -> None:
    first = publish(states={"melt": "major_outage"}, key="k")
    version, rows = Page.objects.get().version, events.recent().count()
    again = publish("resolved", key="k", text="Something else")
    assert (again.pk, again.texts) == (first.pk, first.texts)
    assert (Page.objects.get().version, events.recent().count(), state_of("melt")) == (version, rows, "major_outage")
    with pytest.raises(Invalid, match="was used for incident:12"):
        publish(key="k", reference="incident:13")


def test_the_same_update_in_another_language_is_added_to_it(publish: Publish, now: datetime) -> None:
    publish(key="k")
    publish(key="k", language="de", title="Zahlungen fallen aus", text="Wir suchen.")
    (update,) = PublicUpdate.objects.all()
    assert update.texts == {"en": "We are investigating.", "de": "Wir suchen."}
    assert update.incident.titles == {"en": "Payments fail", "de": "Zahlungen fallen aus"}
    assert events.recent().first().kind == "status.translated"  # type: ignore[union-attr]


def test_the_end_of_one_incident_does_not_hide_another(publish: Publish) -> None:
    publish(states={"melt": "major_outage"})
    publish(states={"melt": "partial_outage", "api": "partial_outage"}, reference="incident:13")
    publish("resolved")
    assert (state_of("melt"), state_of("api")) == ("partial_outage", "partial_outage")
    publish("resolved", reference="incident:13")
    assert (state_of("melt"), state_of("api")) == ("operational", "operational")


def test_an_update_takes_the_word_from_the_hand(publish: Publish, now: datetime) -> None:
    hand("melt", "major_outage", now)
    publish(states={"melt": "degraded_performance"})
    assert state_of("melt") == "degraded_performance"
    hand("melt", "partial_outage", now)
    publish("resolved")
    assert state_of("melt") == "operational"


def test_by_hand_nobody_can_hide_what_an_incident_says(publish: Publish, now: datetime) -> None:
    publish(states={"melt": "major_outage"})
    with pytest.raises(Conflict, match="because of: Payments fail"):
        hand("melt", "operational", now)
    hand("melt", "degraded_performance", now)
    assert state_of("melt") == "major_outage"


def test_a_change_by_hand_is_one_event_and_one_row_of_history(page: None, now: datetime) -> None:
    row = hand("melt", "partial_outage", now + timedelta(minutes=5))
    assert (row.state, row.since) == ("partial_outage", now + timedelta(minutes=5))
    event = events.recent().first()
    assert event is not None
    assert (event.kind, event.subject, event.reason) == ("status.component_changed", "component:melt", "seen")
    assert event.before == {"state": "operational", "by_hand": "operational"}
    assert ComponentChange.objects.filter(component=row).count() == 2


def test_a_clock_that_went_back_leaves_the_history_in_order(page: None, now: datetime) -> None:
    hand("melt", "major_outage", now + timedelta(hours=1))
    hand("melt", "operational", now)
    times = list(ComponentChange.objects.filter(component__key="melt").order_by("pk").values_list("at", flat=True))
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("over", "error", "sentence"),
    [
        ({"state": "broken"}, Invalid, "Choose one of: operational"),
        ({"reason": "  "}, Invalid, "Say why"),
        ({"state": "operational"}, Conflict, "is at operational already"),
        ({"version": 7}, StaleVersion, "someone else"),
        ({"key": "mint"}, NotFound, "The page has: melt, wallets, api"),
    ],
)
def test_a_state_that_cannot_be_set_is_refused_in_a_sentence(
    page: None, now: datetime, over: dict[str, Any], error: type[DomainError], sentence: str
) -> None:
    told = {"key": "melt", "state": "major_outage", **over}
    with pytest.raises(error, match=sentence):
        hand(told.pop("key"), told.pop("state"), now, **told)
    assert state_of("melt") == "operational"


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({"title": ""}, "1 to 160"),
        ({"text": "x" * 5001}, "1 to 5000"),
        ({"state": "fixed"}, "investigating, identified"),
        ({"impact": "huge"}, "none, minor"),
        ({"components": {"mint": "major_outage"}}, "no component 'mint'. It has: melt"),
        ({"components": {"melt": "broken"}}, "Choose one of"),
        ({"language": "fr"}, "It has: en, de"),
        ({"state": "resolved"}, "Begin with"),
        ({"key": " "}, "key of 1 to 120"),
    ],
)
def test_what_cannot_be_published_is_refused_whole(publish: Publish, over: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        publish(**over)
    assert not PublicIncident.objects.exists()


def test_a_resolved_incident_leaves_nothing_in_trouble(publish: Publish) -> None:
    publish(states={"melt": "major_outage"})
    with pytest.raises(Invalid, match="Publish it as monitoring"):
        publish("resolved", {"melt": "degraded_performance"})
    with pytest.raises(IllegalMove):
        publish("postmortem")


def test_a_resolved_incident_can_come_back_and_end_again(publish: Publish, now: datetime) -> None:
    publish(states={"melt": "major_outage"})
    publish("resolved", now=now + timedelta(hours=1))
    publish("investigating", {"melt": "partial_outage"}, now=now + timedelta(hours=2))
    incident = PublicIncident.objects.get()
    assert (incident.resolved_at, state_of("melt")) == (None, "partial_outage")
    publish("resolved", now=now + timedelta(hours=3))
    publish("postmortem", now=now + timedelta(hours=9))
    incident.refresh_from_db()
    assert (incident.state, incident.resolved_at) == ("postmortem", now + timedelta(hours=3))


def test_a_component_that_is_told_of_is_not_taken_off_the_page(publish: Publish, now: datetime) -> None:
    told = {"reason": "gone", "actor": OLGA, "now": now}
    publish(states={"melt": "major_outage"})
    with pytest.raises(Conflict, match="Payments fail"):
        components.retire("melt", **told)
    publish("resolved")
    components.retire("melt", **told)
    picture = shown.picture(now=now)
    assert [each.key for each in picture.components] == ["wallets", "api"]
    components.define("melt", {"name": "Melt operations"}, reason="back", actor=OLGA, now=now)
    assert [each.key for each in components.Component.objects.filter(retired_at=None)] == ["melt", "wallets", "api"]


def test_a_definition_that_says_nothing_new_writes_nothing(page: None, now: datetime) -> None:
    version, rows = Page.objects.get().version, events.recent().count()
    components.define("api", {"name": "API", "position": 2}, reason="again", actor=OLGA, now=now)
    components.define_page(
        {"title": "nctool", "address": "https://status.example.org/"}, reason="", actor=OLGA, now=now
    )
    assert (Page.objects.get().version, events.recent().count()) == (version, rows)


def test_the_page_is_read_with_as_many_queries_however_much_is_on_it(
    publish: Publish, planned: Planned, now: datetime, django_assert_num_queries: Any
) -> None:
    publish(states={"melt": "major_outage"})
    planned()
    with django_assert_num_queries(9):
        shown.picture(now=now)
    for number in range(3):
        publish(states={"api": "partial_outage"}, reference=f"incident:{number}")
        planned()
    with django_assert_num_queries(9):
        picture = shown.picture(now=now)
    assert (len(picture.incidents), len(picture.maintenances)) == (4, 4)


def test_old_incidents_leave_the_list_and_keep_their_address(publish: Publish, now: datetime) -> None:
    publish()
    publish("resolved")
    later = now + timedelta(days=92)
    picture = shown.picture(now=later)
    assert picture.incidents == ()
    assert shown.one_incident(PublicIncident.objects.get().public_id) is not None


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_two_publishers_of_one_update_publish_it_once(page: None, now: datetime) -> None:
    def tell() -> Any:
        return publishing.publish(
            "incident:1",
            key="k",
            title="Payments fail",
            impact="major",
            state="investigating",
            components={"melt": "major_outage"},
            text="We look.",
            actor=OLGA,
            now=now,
        ).pk

    assert len(set(at_once(tell, tell, tell))) == 1
    assert events.recent().filter(kind="status.published").count() == 1
    assert ComponentChange.objects.filter(component__key="melt").count() == 2
