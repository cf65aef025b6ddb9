"""The page as visitors and programs get it: from memory, and in their language."""

from __future__ import annotations

import gzip
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from icalendar import Calendar

from statuspage.models import Maintenance, PublicIncident
from statuspage.services import components, maintenance
from tests.statuspage.conftest import OLGA, Planned, Publish
from tests.statuspage.visiting import Ask, Still, asker


@pytest.fixture
def ask(keeper: Still, now: datetime) -> Ask:
    return asker(keeper, now)


def test_the_page_tells_all_that_is_going_on(keeper: Still, publish: Publish, planned: Planned, now: datetime) -> None:
    ask = asker(keeper, now + timedelta(hours=1))
    assert "All systems operational" in ask().text
    publish(states={"melt": "major_outage"}, text="We look <b>at</b> https://example.org/x")
    planned()
    keeper.refresh()
    shown = ask().text
    for part in (
        *("Major service outage", "Payments fail", "Investigating", "Melt operations", "Balances and history."),
        *(
            '<a href="#open">Payments fail</a>: still going on',
            "11 Aug 2025, 09:00",
            "Database work",
            "11 Aug 2025 22:00 – 23:00 CEST (Europe/Berlin)",
            "100 % uptime",
        ),
        *("&lt;b&gt;", 'href="https://example.org/x" rel="nofollow"', "As of 11 Aug 2025, 09:00 UTC."),
    ):
        assert part in shown, part
    assert "<script" not in shown
    assert "incident:12" not in shown, "the publisher's name for it is not for the public"


def test_the_language_is_the_visitors_and_says_so(keeper: Still, ask: Ask, publish: Publish) -> None:
    publish(key="k", states={"melt": "partial_outage"})
    publish(key="k", language="de", title="Zahlungen fallen aus", text="Wir suchen.")
    publish(reference="incident:2", title="Only in English")
    keeper.refresh()
    german = ask(accept_language="de-AT,de;q=0.9,en;q=0.5")
    assert 'lang="de"' in german.text
    for part in ("Teilausfall", "Zahlungen fallen aus", "Wir suchen.", "Auszahlungen", "11. Aug. 2025, 09:00"):
        assert part in german.text, part
    assert re.search(r'<h3 lang="en"><a [^>]*>Only in English', german.text)
    assert ask("/status/?lang=en", accept_language="de").text == ask(accept_language="fr;q=0.9").text
    assert german.headers["Vary"] == "Accept-Encoding, Accept-Language"
    assert ask("/status/?lang=de").headers["Vary"] == "Accept-Encoding"
    assert ask("/status/?lang=xx", accept_language="*;q=x").status == 200


def test_nothing_of_it_asks_the_database(
    keeper: Still, ask: Ask, publish: Publish, planned: Planned, django_assert_num_queries: Any
) -> None:
    publish()
    planned()
    keeper.refresh()
    incident, work = PublicIncident.objects.get().public_id, Maintenance.objects.get().public_id
    paths = ["/status/", "/status/history/", "/status/feed.atom", "/status/maintenance.ics", "/status.json"]
    paths += [f"/status/incidents/{incident}/", f"/status/maintenance/{work}/"]
    with django_assert_num_queries(0):
        for path in paths:
            answer = ask(path)
            assert (answer.status, "Set-Cookie" in answer.headers) == (200, False), path
    with django_assert_num_queries(1):
        keeper.refresh()


def test_a_client_that_has_it_gets_nothing_again_and_one_that_reads_gzip_gets_that(ask: Ask, keeper: Still) -> None:
    plain, packed = ask(), ask(accept_encoding="br, gzip;q=0.5")
    assert gzip.decompress(packed.body) == plain.body
    assert (packed.headers["Content-Encoding"], packed.headers["Content-Length"]) == ("gzip", str(len(packed.body)))
    assert ask(accept_encoding="gzip;q=0").body == plain.body
    tag = plain.headers["ETag"]
    for sent in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        same = ask(if_none_match=sent)
        assert (same.status, same.body, same.headers["ETag"]) == (304, b"", tag)
    head = ask(method="HEAD")
    assert (head.body, head.headers["Content-Length"]) == (b"", str(len(plain.body)))
    components.set_state("melt", "major_outage", reason="x", actor=OLGA, now=keeper._clock())
    assert ask(if_none_match=tag).status == 304, "nobody told the process yet"
    keeper.refresh()
    assert ask(if_none_match=tag).status == 200


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/status/incidents/nothing_here/", "GET"),
        ("/status/incidents/aaaaaaaaaaaa/", "GET"),
        ("/status/api/v2/secrets.json", "GET"),
        ("/api/v2/alerts", "GET"),
        ("/status/subscribe/", "GET"),
        ("/status/", "POST"),
        ("/statusx", "GET"),
    ],
)
def test_what_the_page_has_not_goes_on_to_django(ask: Ask, path: str, method: str) -> None:
    assert ask(path, method).text == "behind"


def test_visitors_by_http_are_led_to_https_by_django(keeper: Still, now: datetime) -> None:
    ask = asker(keeper, now, https=True)
    assert ask().text == "behind"
    assert ask(x_forwarded_proto="https").status == 200


def test_programs_read_what_statuspage_would_answer(
    keeper: Still, ask: Ask, publish: Publish, planned: Planned, now: datetime
) -> None:
    publish(states={"melt": "major_outage"})
    publish("monitoring", {"melt": "degraded_performance"}, now=now + timedelta(minutes=9))
    publish(reference="incident:2")
    publish("resolved", reference="incident:2")
    planned()
    cancelled = planned()
    maintenance.cancel(cancelled.pk, actor=OLGA, reason="no", now=now)
    keeper.refresh()
    answer = ask("/api/v2/summary.json", accept_language="de")
    assert (answer.headers["Content-Type"], answer.headers["Access-Control-Allow-Origin"]) == ("application/json", "*")
    assert ask("/status.json").body == ask("/status/api/v2/summary.json").body == answer.body
    summary = answer.json
    assert sorted(summary) == ["components", "incidents", "page", "scheduled_maintenances", "status"]
    assert summary["page"]["url"] == "https://status.example.org"
    assert summary["status"] == {"indicator": "major", "description": "Partial system outage"}
    group, melt, *rest = summary["components"]
    assert (group["group"], group["name"], group["status"]) == (True, "Payments", "degraded_performance")
    assert group["components"] == [melt["id"], rest[0]["id"]]
    assert (melt["name"], melt["status"], melt["group_id"]) == ("Melt operations", "degraded_performance", group["id"])
    (incident,) = summary["incidents"]
    assert (incident["status"], incident["monitoring_at"]) == ("monitoring", "2025-08-11T09:09:00.000Z")
    assert [each["status"] for each in incident["incident_updates"]] == ["monitoring", "investigating"]
    assert incident["incident_updates"][1]["affected_components"] == [
        {"code": melt["id"], "name": "Melt operations", "new_status": "major_outage"}
    ]
    (work,) = summary["scheduled_maintenances"]
    assert (work["status"], work["scheduled_for"]) == ("scheduled", "2025-08-11T20:00:00.000Z")
    assert ask("/status/api/v2/status.json").json == {key: summary[key] for key in ("page", "status")}
    assert len(ask("/status/api/v2/incidents.json").json["incidents"]) == 2
    assert len(ask("/status/api/v2/incidents/unresolved.json").json["incidents"]) == 1
    assert ask("/status/api/v2/scheduled-maintenances/upcoming.json").json["scheduled_maintenances"] == [work]
    assert ask("/status/api/v2/scheduled-maintenances/active.json").json["scheduled_maintenances"] == []
    assert ask("/status/api/v2/components.json").json["components"] == summary["components"]


def test_calendars_and_feed_readers_read_it(keeper: Still, ask: Ask, publish: Publish, planned: Planned) -> None:
    publish(states={"melt": "major_outage"}, title="Payments & more", text="5 < 6\nnext")
    row = planned()
    planned(titles={"en": "Other work"})
    maintenance.cancel(Maintenance.objects.latest("pk").pk, actor=OLGA, reason="no", now=row.created_at)
    keeper.refresh()
    calendar = Calendar.from_ical(ask("/status/maintenance.ics").body)
    first, second = sorted(calendar.walk("VEVENT"), key=lambda event: str(event["SUMMARY"]))
    assert (first["SUMMARY"], first["DTSTART"].dt, first["STATUS"]) == ("Database work", row.starts_at, "CONFIRMED")
    assert second["STATUS"] == "CANCELLED"
    feed = ElementTree.fromstring(ask("/status/feed.atom", accept_language="de").text)
    atom = "{http://www.w3.org/2005/Atom}"
    entries = {entry.findtext(f"{atom}title"): entry for entry in feed.iter(f"{atom}entry")}
    assert sorted(str(title) for title in entries) == ["Database work", "Other work", "Payments & more"]
    told = entries["Payments & more"]
    incident = PublicIncident.objects.get().public_id
    assert told.findtext(f"{atom}id") == f"https://status.example.org/status/incidents/{incident}/"
    assert "Wird untersucht" in str(told.findtext(f"{atom}summary"))


def test_an_ongoing_outage_grows_on_the_page_without_any_news(publish: Publish, keeper: Still, now: datetime) -> None:
    publish(states={"melt": "major_outage"})
    keeper.refresh()
    assert "Major outage: 30 minutes" in asker(keeper, now + timedelta(minutes=30))().text
    assert "Major outage: 2 hours" in asker(keeper, now + timedelta(hours=2))().text


def test_a_page_with_nothing_on_it_is_a_page(db: None, tmp_path: Path, now: datetime) -> None:
    empty = Still(tmp_path / "status-page.json", clock=lambda: now)
    empty.refresh()
    ask = asker(empty, now)
    assert "Nothing is told here yet." in ask().text
    assert ask("/status.json").json["status"]["indicator"] == "none"
    assert ask("/status/maintenance.ics").status == ask("/status/feed.atom").status == 200
