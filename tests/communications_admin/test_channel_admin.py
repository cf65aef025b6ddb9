"""Channels on their pages, on the command line, and from variables."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from communications.domain.channels import ChannelKind
from communications.models import Audience, Channel
from communications.services import channels, variables
from communications.services.channels import ChannelSpec
from core.actors import Actor, ActorKind
from core.errors import Conflict, Invalid, NotFound
from core.models import Event
from tests.communications.receivers import Server, listening, slack_api
from tests.telling import somebody_hears

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
LIST = "/admin/communications/channel/"
SECRET = "xoxb-geheimgeheim"


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "tests", "now": now}


@pytest.fixture
def api() -> Iterator[Server]:
    with listening(slack_api(SECRET)) as found:
        yield found


@pytest.fixture
def slack(api: Server, who: dict[str, Any]) -> Channel:
    spec = ChannelSpec("slack", "Slack", ChannelKind.SLACK, {"base_url": f"{api.url}/api/"})
    return channels.define(spec, enabled=False, **who)


def test_a_channel_is_made_set_up_tried_switched_on_and_told_of_without_its_secret(
    client_as: ClientAs, slack: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    admin, operator = client_as("administrator"), client_as("operator")
    assert "not set up" in admin.post(f"{LIST}channel/slack/switch/", {"reason": "x"}).content.decode()
    admin.post(f"{LIST}channel/slack/secret/", {"secret": SECRET, "reason": "first"})
    admin.post(f"{LIST}channel/slack/switch/", {"reason": "go"})
    tried = operator.post(f"{LIST}channel/slack/test/", {"target": "#ops-alerts"}, follow=True).content.decode()
    assert "Slack has taken the test (ok)." in tried
    refused = operator.post(f"{LIST}channel/slack/test/", {"target": "#nowhere"}).content.decode()
    assert "It was not taken: HTTP 200: channel_not_found" in refused
    page = client_as("viewer").get(LIST).content.decode()
    assert "set, never shown" in page
    assert "failing (1)" in page
    slack.refresh_from_db()
    kept = page + tried + caplog.text + slack.secret + str(list(Event.objects.values()))
    assert "geheim" not in kept
    assert [event.kind for event in Event.objects.filter(subject="channel:slack")][::-1] == [
        "channel.created",
        "channel.secret_set",
        "channel.switched",
        "channel.tested",
        "channel.tested",
    ]


@pytest.mark.parametrize(
    ("page", "allowed"),
    [
        ("channel/slack/", "approver administrator"),
        ("channel/slack/secret/", "administrator"),
        ("channel/slack/switch/", "approver administrator"),
        ("channel/slack/test/", "operator approver administrator"),
        ("channel/slack/remove/", "approver administrator"),
        ("channel/add/", "approver administrator"),
        ("", "viewer operator approver administrator"),
    ],
)
def test_who_may_do_what_with_a_channel(page: str, allowed: str, client_as: ClientAs, slack: Channel) -> None:
    for role in ("viewer", "operator", "approver", "administrator"):
        expected = 200 if role in allowed.split() else 403
        assert client_as(role).get(f"{LIST}{page}").status_code == expected, role


def test_the_form_has_the_fields_of_the_kind_and_refuses_what_cannot_be(client_as: ClientAs) -> None:
    client = client_as("approver")
    add = f"{LIST}channel/add/?kind=webhook"
    assert "Address" in client.get(add).content.decode()
    given = {"key": "partner", "name": "Partner", "kind": "webhook", "reason": "asked for"}
    bad = client.post(add, given | {"url": "https://user:password@x.example/"}).content.decode()
    assert "Leave user and password out of the address" in bad
    client.post(add, given | {"url": "https://x.example/in"})
    row = Channel.objects.get()
    assert (row.settings, row.enabled) == ({"url": "https://x.example/in"}, True)
    client.post(f"{LIST}channel/partner/", given | {"url": "https://y.example/in", "version": "1"})
    row.refresh_from_db()
    assert row.settings == {"url": "https://y.example/in"}


def test_a_channel_that_people_are_told_by_is_not_removed(who: dict[str, Any]) -> None:
    somebody_hears("slack")
    with pytest.raises(Conflict, match="slack are told by Slack"):
        channels.remove("slack", **who)
    Audience.objects.all().delete()
    channels.remove("slack", **who)
    with pytest.raises(NotFound):
        channels.remove("slack", **who)


@pytest.mark.parametrize(
    ("kind", "secret", "told"),
    [
        (ChannelKind.SLACK_WEBHOOK, "hooks.slack.com/x", "Give an address like https"),
        (ChannelKind.APPRISE, "teams", "has :// in it"),
        (ChannelKind.PAGERDUTY, "a b", "without blanks"),
        (ChannelKind.EMAIL, "x", "has no secret"),
    ],
)
def test_a_secret_that_cannot_be_one_is_refused(kind: ChannelKind, secret: str, told: str, who: dict[str, Any]) -> None:
    channels.define(ChannelSpec("x", "X", kind, {}), **who)
    with pytest.raises(Invalid, match=told):
        channels.set_secret("x", secret, **who)


def test_a_secret_is_forgotten_when_it_would_be_sent_elsewhere(
    client_as: ClientAs, slack: Channel, who: dict[str, Any]
) -> None:
    channels.set_secret("slack", SECRET, **who)
    given = {"key": "slack", "name": "Slack", "kind": "slack", "base_url": "https://evil.example/", "reason": "x"}
    client_as("approver").post(f"{LIST}channel/slack/", given | {"version": "2"})
    slack.refresh_from_db()
    assert (slack.settings["base_url"], slack.secret) == ("https://evil.example/", "")


def test_variables_set_channels_up_once_and_somebody_is_told(
    settings: Settings, operator_actor: Actor, now: datetime
) -> None:
    settings.CHANNEL_SECRETS = {
        "SLACK_BOT_TOKEN": "",
        "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x",
    } | {"PAGERDUTY_ROUTING_KEY": "R0UT1NGKEY"}
    settings.EMAIL_LISTS = {"ALERT_EMAILS": ["ops@example.org"]}
    setup = Actor("setup", ActorKind.COMMAND)
    for _ in range(2):
        variables.apply(actor=setup, now=now)
    rows = {row.key: (row.kind, row.secret, row.enabled) for row in Channel.objects.all()}
    assert rows == {
        "slack": ("slack-webhook", "", True),
        "pagerduty": ("pagerduty", "", True),
        "email": ("email", "", True),
    }
    assert Audience.objects.get().routes.count() == 3
    channels.switch("slack", on=False, actor=operator_actor, reason="too loud", now=now)
    variables.apply(actor=setup, now=now)
    elsewhere = ChannelSpec(
        "slack", "Slack", ChannelKind.SLACK, {"base_url": "https://evil.example/"}, "SLACK_BOT_TOKEN"
    )
    with pytest.raises(Invalid, match=r"Only manage\.py changes where SLACK_BOT_TOKEN is sent"):
        channels.define(elsewhere, actor=operator_actor, reason="x", now=now)
    assert not Channel.objects.get(key="slack").enabled
    with pytest.raises(Conflict, match="comes from SLACK_WEBHOOK_URL"):
        channels.set_secret("slack", "https://x.example", actor=operator_actor, reason="x", now=now)


def test_the_command_line_does_what_the_pages_do(api: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(*words: str) -> str:
        out = io.StringIO()
        call_command("channel", *words, stdout=out)
        return out.getvalue()

    assert "There are no channels." in said("list")
    said("add", "slack", "slack", "--set", f"base_url={api.url}/api/", "--reason", "r")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    said("secret", "slack", "--reason", "r")
    said("on", "slack", "--reason", "r")
    assert "It was taken: ok." in said("test", "slack", "--to", "#ops")
    with pytest.raises(CommandError, match="channel_not_found"):
        said("test", "slack", "--to", "#nowhere")
    assert "1 secrets are encrypted anew" in said("seal")
    assert "failing: HTTP 200: channel_not_found" in said("list")
    with pytest.raises(CommandError, match="no channel 'lost'"):
        said("off", "lost", "--reason", "r")
    with pytest.raises(CommandError, match="has no nonsense"):
        said("add", "x", "slack", "--set", "nonsense=1", "--reason", "r")
