"""From an event to what each audience gets of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from communications import selectors
from communications.domain.audiences import Content, Frequency
from communications.models import Alert, Announcement, Audience, Channel
from communications.services import announcing
from communications.services.audiences import Way
from core import environments, events
from core.actors import GUARD, Actor
from core.models import User
from flags.services import emergency
from tests.communications.conftest import KEY

pytestmark = pytest.mark.django_db
Make = Callable[..., Audience]
Happens = Callable[..., None]


def told(**fields: object) -> list[tuple[str, str, str]]:
    """Audience, recipient and state of each announcement."""
    rows = Announcement.objects.filter(**fields).order_by("id")
    return [(row.audience, row.recipient, row.state) for row in rows]


@pytest.mark.usefixtures("flag")
def test_an_emergency_is_an_alert_even_when_there_is_nobody_to_hear_of_it(operator_actor: Actor, now: datetime) -> None:
    emergency.emergency_disable(KEY, "staging", actor=operator_actor, reason="mint is down", now=now)
    assert announcing.announce(now=now) == 1
    alert = Alert.objects.get()
    assert (alert.type, alert.severity, alert.feature) == ("FEATURE_EMERGENCY_DISABLED", "critical", KEY)
    assert (alert.environment.key, alert.at) == ("staging", now)
    assert f"Reason: mint is down\nBy: {operator_actor.name}" in alert.text
    assert told() == []


@pytest.mark.usefixtures("rolled_back", "slack")
def test_an_event_is_announced_once_and_other_events_never(now: datetime) -> None:
    assert announcing.announce(now=now) == 1
    assert announcing.announce(now=now) == 0
    assert told() == [("developmentTeam", "#dev-alerts", "queued")]


@pytest.mark.usefixtures("rolled_back")
def test_each_audience_reads_it_in_its_own_words(
    channel: Callable[..., Channel], audience: Make, now: datetime, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://rollout.example"
    channel("email")
    for content in (Content.TECHNICAL, Content.OPERATIONS, Content.BUSINESS):
        audience(content.value, [Way("email", f"{content}@example.org")], content=content)
    announcing.announce(now=now)
    texts = {row.audience: row.text for row in Announcement.objects.all()}
    assert "Value: 20.1" in texts["technical"]
    assert "errors <!channel>" in texts["operations"]
    assert "Value" not in texts["operations"]
    assert texts["business"].startswith("A feature was switched off after problems were measured")
    for inner in (KEY, "20.1", "errors", "guard"):
        assert inner not in texts["business"].replace("/admin/", "")


@pytest.mark.usefixtures("flag")
@pytest.mark.parametrize(("rollback_id", "alerts"), [("", 1), ("rb-1", 0)])
def test_a_trigger_that_rolled_nothing_back_is_told_and_one_that_did_is_told_by_its_rollback(
    rollback_id: str, alerts: int, now: datetime
) -> None:
    events.record(
        "trigger.fired",
        subject="trigger:critical-errors",
        actor=GUARD,
        now=now,
        environment_id=environments.get("production").pk,
        reason="12 critical errors. No flag was raised here that is still on: a person must look.",
        data={"flag": "", "rollback_id": rollback_id, "evidence": {"value": 12.0}},
    )
    assert announcing.announce(now=now) == alerts
    for alert in Alert.objects.all():
        subject = selectors.message(alert).subject
        assert subject == "[CRITICAL] TRIGGER FIRED: critical-errors in production, nothing was rolled back"


def test_an_audience_hears_only_of_its_topics_and_of_incidents_from_its_level(
    channel: Callable[..., Channel], audience: Make, happens: Happens
) -> None:
    channel("email")
    audience("risks", [Way("email", "r@example.org")], topics=["risk"])
    partners = {"content": Content.INTEGRATION, "frequency": Frequency.MAJOR}
    audience("major", [Way("email", "m@example.org")], **partners)  # its level is that of major issues
    happens("risk.level_raised", "environment:production", severity="high")
    happens("incident.opened", "incident:1", incident=1, title="Errors", level=1)
    happens("incident.level_raised", "incident:1", incident=1, title="Errors", level=2)
    assert [(row.audience, row.alert.type) for row in Announcement.objects.order_by("id")] == [
        ("risks", "RISK_RAISED"),
        ("major", "INCIDENT_RAISED"),
    ]


def test_nobody_gets_the_same_by_one_channel_twice(
    channel: Callable[..., Channel], audience: Make, happens: Happens
) -> None:
    channel("hook", "slack-webhook")  # it leads to one place, whatever the target
    channel("email")
    audience("developmentTeam", [Way("hook", "#dev-alerts"), Way("email", "ada@example.org")], position=0)
    audience("operationsTeam", [Way("hook", "#ops-alerts"), Way("email", "ada@example.org")], position=1)
    happens("metrics.silent", "environment:production")
    assert told() == [("developmentTeam", "", "queued"), ("developmentTeam", "ada@example.org", "queued")]


def test_a_role_is_everybody_who_has_it_and_that_nobody_can_be_reached_is_told(
    channel: Callable[..., Channel], audience: Make, happens: Happens
) -> None:
    channel("email")
    channel("bell", "in-app")
    group, _ = Group.objects.get_or_create(name="approver")
    for name, address, active in (("ada", "ada@example.org", True), ("bob", "", True), ("cy", "c@example.org", False)):
        User.objects.create_user(name, address, is_active=active).groups.add(group)
    audience("approvers", [Way("email", "role:approver"), Way("bell", "role:approver"), Way("email", "role:nobody")])
    happens("metrics.silent", "environment:production")
    assert told() == [
        ("approvers", "ada@example.org", "queued"),
        ("approvers", "ada", "queued"),
        ("approvers", "bob", "queued"),
        ("approvers", "role:nobody", "failed"),
    ]
    assert selectors.dead().get().error == "Nobody who is nobody has a mail address."


def test_a_list_of_the_settings_is_everybody_on_it(
    channel: Callable[..., Channel], audience: Make, happens: Happens, settings: Settings
) -> None:
    settings.EMAIL_LISTS = {"ALERT_EMAILS": ["a@example.org", "b@example.org"], "PARTNER_EMAILS": []}
    channel("email")
    audience("all", [Way("email", "ALERT_EMAILS"), Way("email", "PARTNER_EMAILS")])
    happens("metrics.silent", "environment:production")
    assert [recipient for _, recipient, _ in told()] == ["a@example.org", "b@example.org"]


def test_who_is_called_by_name_gets_a_mail_and_the_bell_whatever_the_plan(
    channel: Callable[..., Channel], happens: Happens
) -> None:
    channel("email")
    channel("bell", "in-app")
    User.objects.create_user("ada", "ada@example.org")
    happens("escalation.notified", "escalation:1", to=["ada", "gone"], title="Errors", level=3, subject="incident:1")
    assert told() == [("", "ada", "queued"), ("", "ada@example.org", "queued"), ("", "gone", "failed")]


def test_who_is_called_by_name_hears_of_that_call_once_by_each_way(
    channel: Callable[..., Channel], audience: Make, happens: Happens
) -> None:
    for key, kind in (("email", "email"), ("second", "email"), ("bell", "in-app"), ("slack", "slack")):
        channel(key, kind)
    ada = User.objects.create_user("ada", "ada@example.org")
    ada.groups.add(Group.objects.get_or_create(name="operator")[0])
    ways = [Way("second", "Ada@Example.org"), Way("email", "b@example.org"), Way("bell", "role:operator")]
    audience("operationsTeam", [*ways, Way("slack", "#ops-alerts")])
    happens("escalation.notified", "escalation:1", to=["ada"], title="Errors", level=3, subject="incident:1")
    team = ("operationsTeam", "b@example.org"), ("operationsTeam", "#ops-alerts")
    assert [row[:2] for row in told()] == [("", "ada"), ("", "ada@example.org"), *team]


def test_people_outside_read_german_where_that_is_their_language(
    channel: Callable[..., Channel], audience: Make, happens: Happens
) -> None:
    channel("email")
    audience("partners", [Way("email", "p@example.org")], content=Content.INTEGRATION, language="de")
    happens("incident.opened", "incident:1", incident=1, title="x", level=2, components=["wallets"])
    row = Announcement.objects.get()
    assert row.subject == "Wir untersuchen ein Problem"
    assert "Betroffen: wallets\nZeit: " in row.text


@pytest.mark.parametrize("tell", [["slack"], ["email"], ["slack", "email"]])
def test_a_step_is_told_by_the_channels_that_its_monitoring_level_names(
    tell: list[str], channel: Callable[..., Channel], audience: Make, happens: Happens
) -> None:
    channel("slack")
    channel("email")
    audience("developmentTeam", [Way("slack", "#dev-alerts"), Way("email", "d@example.org")])
    happens("ramp.advanced", "ramp:1", tell=tell)
    assert [row.channel.key for row in Announcement.objects.order_by("id")] == tell


def test_a_plan_of_many_audiences_costs_a_fixed_number_of_queries(
    channel: Callable[..., Channel],
    audience: Make,
    happens: Happens,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    channel("email")
    for number in range(20):
        audience(f"a{number}", [Way("email", f"{number}-{i}@example.org") for i in range(5)])
    with django_assert_max_num_queries(20):
        happens("metrics.silent", "environment:production")
    assert Announcement.objects.count() == 100


OUTSIDE = {"content": Content.SERVICE, "frequency": Frequency.AS_NEEDED}


def test_what_users_get_is_drafted_and_knows_nothing_of_the_inside(
    channel: Callable[..., Channel], audience: Make, happens: Happens
) -> None:
    channel("page", "status-page")
    audience("users", [Way("page")], least_level=2, **OUTSIDE)
    title = f"Trigger error-rate of {KEY}: 12.4 % in production, npub1qqqqqqqqqqqq"
    happens("incident.opened", "incident:4", incident=4, title=title, level=2, components=["wallets"], value=12.4)
    row = Announcement.objects.get()
    assert (row.state, row.why) == ("draft", "a person has to approve it")
    assert (row.subject, row.text) == ("We are investigating a problem", "We are investigating a problem")


def test_what_a_person_wrote_for_users_goes_out_unless_it_names_the_inside(
    channel: Callable[..., Channel], audience: Make, happens: Happens, flag: object
) -> None:
    channel("page", "status-page")
    audience("users", [Way("page")], **OUTSIDE)
    about = {"incident": 4, "title": "Errors", "level": 2}
    happens("incident.updated", "incident:4", **about, texts={"users": "Payments are slow. We expect an end by 15:00."})
    happens("incident.updated", "incident:4", **about, texts={"users": f"We turned {KEY} off."})
    first, second = Announcement.objects.order_by("id")
    assert (first.state, first.text) == ("queued", "Payments are slow. We expect an end by 15:00.")
    assert second.state == "draft"
    assert second.why == f"it names what must not go outside: {KEY}"


def test_what_the_status_page_says_is_not_published_there_again(
    channel: Callable[..., Channel], audience: Make, happens: Happens
) -> None:
    channel("page", "status-page")
    channel("bell", "in-app")
    audience("users", [Way("page"), Way("bell")], **OUTSIDE)
    happens("status.published", "incident:1", text="Payments are slow.", title="Payments")
    assert told() == []
    happens("maintenance.planned", "maintenance:1", text="On Sunday at 9:00 for an hour.", title="Maintenance")
    row = Announcement.objects.get()
    assert (row.channel.key, row.state, row.subject) == ("bell", "queued", "Maintenance")
    assert row.text.startswith("On Sunday at 9:00")


@pytest.mark.usefixtures("flag")
@pytest.mark.parametrize(
    ("data", "page", "key"),
    [
        ({"incident": 12}, "incidents_incident", 12),
        ({"leads_to": "report:5"}, "reports_report", 5),
        ({"leads_to": "moon:5"}, "communications_alert", None),
        ({}, "communications_alert", None),
    ],
)
def test_an_alert_leads_to_the_page_of_what_it_is_about(
    data: dict[str, object], page: str, key: int | None, operator_actor: Actor, now: datetime, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://rollout.example"
    emergency.emergency_disable(KEY, "staging", actor=operator_actor, reason="mint is down", now=now)
    announcing.announce(now=now)
    alert = Alert.objects.get()
    alert.event.data = data
    where = reverse(f"admin:{page}_change", args=[key or alert.pk])
    assert selectors.message(alert).link == f"https://rollout.example{where}"
