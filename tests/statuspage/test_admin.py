"""The screens: who may do what, lists with a fixed number of queries, refusals as sentences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from statuspage import selectors
from statuspage.models import Component, Maintenance, PublicIncident, Subscription
from statuspage.services import components, maintenance, publishing, subscribing
from tests.statuspage.conftest import OLGA, Planned, Publish, state_of, wanted

As = Callable[[str], Client]
ROOT = "/admin/statuspage"


@pytest.fixture
def whole(page: None, publish: Publish) -> None:
    """One of everything, as of now."""
    now = timezone.now()
    publish(states={"melt": "major_outage"}, now=now)
    day = f"{now + timedelta(days=1):%Y-%m-%d}"
    maintenance.plan(wanted(starts_at=f"{day}T10:00", ends_at=f"{day}T11:00"), actor=OLGA, now=now)
    subscribing.subscribe("email", "olga@example.org", components=["melt"], language="en", network="x", now=now)


def pages() -> list[str]:
    melt, incident, work = Component.objects.get(key="melt"), PublicIncident.objects.get(), Maintenance.objects.get()
    lists = [f"{ROOT}/{name}/" for name in ("component", "publicincident", "maintenance", "subscription")]
    return [
        *lists,
        f"{ROOT}/component/{melt.pk}/change/",
        f"{ROOT}/publicincident/{incident.pk}/change/",
        f"{ROOT}/maintenance/{work.pk}/change/",
    ]


def commands() -> dict[str, set[str]]:
    melt, work, row = Component.objects.get(key="melt"), Maintenance.objects.get(), Subscription.objects.get()
    operators, administrators = {"operator", "approver", "administrator"}, {"administrator"}
    return {
        f"{ROOT}/component/{melt.pk}/state/": operators,
        f"{ROOT}/component/{melt.pk}/retire/": operators,
        f"{ROOT}/maintenance/add/": operators,
        f"{ROOT}/maintenance/{work.pk}/edit/": operators,
        f"{ROOT}/maintenance/{work.pk}/cancel/": operators,
        f"{ROOT}/maintenance/{work.pk}/verify/": operators,
        f"{ROOT}/maintenance/{work.pk}/complete/": operators,
        f"{ROOT}/subscription/{row.pk}/end/": administrators,
    }


@pytest.mark.parametrize("role", ["viewer", "operator", "approver", "administrator"])
def test_everybody_reads_all_of_it_and_acts_by_role(whole: None, client_as: As, role: str) -> None:
    client = client_as(role)
    for address in pages():
        assert client.get(address).status_code == 200, address
    for address, allowed in commands().items():
        expected = 200 if role in allowed else 403
        assert client.get(address).status_code == expected, address
        if expected == 403:
            assert client.post(address, {"reason": "x", "state": "operational"}).status_code == 403, address
    for name in ("component", "publicincident", "maintenance", "subscription"):
        assert client.get(f"{ROOT}/{name}/999/change/").status_code == 404


def test_an_address_is_seen_only_by_who_looks_after_subscriptions(whole: None, client_as: As) -> None:
    listed = f"{ROOT}/subscription/"
    assert "olga@example.org" in client_as("administrator").get(listed).content.decode()
    shown = client_as("operator").get(listed).content.decode()
    assert "o…@example.org" in shown
    assert "olga@example.org" not in shown
    row = Subscription.objects.get()
    done = client_as("administrator").post(f"{ROOT}/subscription/{row.pk}/end/", {"reason": "asked by phone"})
    assert (done.status_code, Subscription.objects.count()) == (302, 0)


@pytest.mark.parametrize("name", ["component", "publicincident", "maintenance", "subscription"])
def test_a_list_asks_as_often_for_many_rows_as_for_one(whole: None, client_as: As, name: str) -> None:
    client = client_as("administrator")
    client.get(f"{ROOT}/{name}/")
    with CaptureQueriesContext(connection) as few:
        client.get(f"{ROOT}/{name}/")
    now = timezone.now()
    for number in range(30):
        components.define(f"c{number}", {"name": f"C {number}", "position": 9}, reason="x", actor=OLGA, now=now)
        maintenance.plan(maintenance.as_plan(selectors.maintenances()[0]), actor=OLGA, now=now)
        told = {"title": "x", "impact": "minor", "state": "identified", "text": "x", "actor": OLGA, "now": now}
        publishing.publish(f"i{number}", key=f"i{number}", components={f"c{number}": "partial_outage"}, **told)
        subscribing.subscribe(
            "email", f"a{number}@a.example", components=["melt"], language="en", network=f"{number}", now=now
        )
    with CaptureQueriesContext(connection) as many:
        shown = client.get(f"{ROOT}/{name}/").content.decode()
    assert len(many) == len(few)
    assert shown.count("<tr") - 1 <= 25 + 1


def test_an_operator_sets_a_state_and_is_told_what_the_page_shows(whole: None, client_as: As) -> None:
    client, melt = client_as("operator"), Component.objects.get(key="melt")
    address = f"{ROOT}/component/{melt.pk}/state/"
    assert "Payments fail" in client.get(address).content.decode()
    done = client.post(
        address, {"state": "degraded_performance", "reason": "seen", "version": melt.version}, follow=True
    )
    assert "Melt operations is at major outage on the page." in done.content.decode()
    stale = client.post(address, {"state": "operational", "reason": "seen", "version": melt.version})
    assert (stale.status_code, "someone else" in stale.content.decode().lower()) == (409, True)
    refused = client.post(f"{ROOT}/component/{melt.pk}/retire/", {"reason": "x"})
    assert (refused.status_code, "End that first" in refused.content.decode()) == (409, True)


def test_an_operator_plans_changes_and_cancels_a_maintenance(page: None, client_as: As) -> None:
    client = client_as("operator")
    day = f"{timezone.now() + timedelta(days=2):%Y-%m-%d}"
    values = {
        "title_en": "Upgrade",
        "title_de": "Neue Version",
        "components": ["wallets"],
        "starts_on": f"{day}T22:00",
        "ends_on": f"{day}T21:00",
        "zone": "Europe/Berlin",
    }
    refused = client.post(f"{ROOT}/maintenance/add/", values)
    assert (refused.status_code, "It must end after its start" in refused.content.decode()) == (422, True)
    preview = client.get(
        f"{ROOT}/maintenance/add/", {**values, "ends_on": f"{day}T23:30"}, headers={"HX-Request": "true"}
    )
    assert ("Wallets" in preview.content.decode(), "(Europe/Berlin)" in preview.content.decode()) == (True, True)
    client.post(f"{ROOT}/maintenance/add/", {**values, "ends_on": f"{day}T23:30"})
    row = Maintenance.objects.get()
    assert (row.titles, row.ends_at - row.starts_at) == (
        {"en": "Upgrade", "de": "Neue Version"},
        timedelta(minutes=90),
    )
    edit = f"{ROOT}/maintenance/{row.pk}/edit/"
    client.post(edit, {**values, "ends_on": f"{day}T23:00", "why": "shorter", "version": row.version})
    stale = client.post(edit, {**values, "ends_on": f"{day}T23:10", "why": "again", "version": row.version})
    assert stale.status_code == 422
    row.refresh_from_db()
    assert row.ends_at - row.starts_at == timedelta(hours=1)
    client.post(f"{ROOT}/maintenance/{row.pk}/cancel/", {"reason": "not needed", "version": row.version})
    row.refresh_from_db()
    assert row.state == "cancelled"


def test_the_clock_and_a_person_lead_a_maintenance_through_its_states(
    planned: Planned, client_as: As, now: datetime
) -> None:
    row = planned()
    maintenance.tick(now=row.starts_at)
    client = client_as("operator")
    shown = client.get(f"{ROOT}/maintenance/{row.pk}/change/").content.decode()
    assert ("Complete it now" in shown, "Cancel it" in shown) == (True, False)
    for verb, state in (("verify", "verifying"), ("complete", "completed")):
        row.refresh_from_db()
        client.post(f"{ROOT}/maintenance/{row.pk}/{verb}/", {"version": row.version})
        row.refresh_from_db()
        assert row.state == state
    assert state_of("melt") == "operational"


@pytest.mark.parametrize(
    ("name", "asked", "found"),
    [
        ("component", "wall", True),
        ("component", "mint", False),
        ("publicincident", "payments", True),
        ("publicincident", "incident:12", True),
        ("publicincident", "nothing", False),
        ("maintenance", "database", True),
        ("maintenance", "nothing", False),
        ("subscription", "olga", True),
    ],
)
def test_a_list_is_searched(whole: None, client_as: As, name: str, asked: str, found: bool) -> None:
    shown = client_as("administrator").get(f"{ROOT}/{name}/", {"q": asked}).content.decode()
    assert ("<tbody" in shown) == found


def test_events_lead_to_what_they_are_about(whole: None, client_as: As) -> None:
    client = client_as("viewer")
    incident, work = PublicIncident.objects.get(), Maintenance.objects.get()
    assert client.get(f"{ROOT}/component/key/melt/").status_code == 200
    assert client.get(f"{ROOT}/component/key/none/").status_code == 404
    for kind, row in (("publicincident", incident), ("maintenance", work)):
        found = client.get(f"{ROOT}/{kind}/id/{row.public_id}/")
        assert found.headers["Location"] == f"{ROOT}/{kind}/{row.pk}/change/"
        assert client.get(f"{ROOT}/{kind}/id/nothing/").status_code == 404
