"""The screens of the incidents: who may see and do what, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from flags.domain.change import StateChange
from flags.models import Flag
from flags.services import rollout
from incidents import selectors
from incidents.admin.choosing import CHOOSING
from incidents.admin.commands import COMMANDS
from incidents.admin.post_mortem import rendered
from incidents.admin.saying import SAYING
from incidents.domain.states import IncidentState
from incidents.models import Incident
from incidents.services import levelling, opening, post_mortems, steering, telling
from statuspage.services import components
from tests.conftest import KEY
from tests.incidents.conftest import ANNA, OLGA, WHERE, alert, declare, follow  # noqa: F401

pytestmark = pytest.mark.django_db
As = Callable[[str], Client]
LIST = "/admin/incidents/incident/"


@pytest.fixture
def row(flag: Flag) -> Incident:
    """Declared just now, so that nothing is due yet."""
    now = timezone.now()
    rollout.change(KEY, WHERE, StateChange(enabled=True, percentage=25), actor=OLGA, reason="x", now=now)
    return opening.declare(
        WHERE, "Melts <fail>", 2, summary="Node 3", flag_keys=[KEY], components=["melts"], actor=OLGA, now=now
    )


def page(client: Client, row: Incident, path: str = "change/") -> str:
    response = client.get(f"{LIST}{row.pk}/{path}")
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def send(client: Client, name: str, pk: int, **values: Any) -> Any:
    return client.post(reverse(f"admin:incidents_{name}", args=[pk]), values)


def test_every_command_is_for_operators_and_lowering_for_approvers(client_as: As, row: Incident) -> None:
    names = [view.name for view in (*COMMANDS, *CHOOSING, *SAYING)] + ["follow_up"]
    for name in names:
        url = reverse(f"admin:incidents_{name}", args=[row.pk])
        assert client_as("viewer").get(url).status_code == 403, name
        assert client_as("operator").get(url).status_code == (403 if name == "lower" else 200), name
        assert client_as("approver").get(url).status_code == 200, name
    for url in (reverse("admin:incidents_declare"), f"{LIST}{row.pk}/post-mortem/write/"):
        assert client_as("viewer").get(url).status_code == 403
    action = row.actions.first()
    assert action is not None
    assert client_as("viewer").get(reverse("admin:incidents_action_done", args=[action.pk])).status_code == 403
    assert client_as("viewer").get(reverse("admin:incidents_finish", args=[1])).status_code == 403


def test_a_viewer_sees_everything_and_is_offered_nothing(client_as: As, row: Incident) -> None:
    text = page(client_as("viewer"), row)
    assert "Melts &lt;fail&gt;" in text
    assert "It rises to level 3" in text
    assert "data-dialog" not in text.partition('id="ops-live"')[2]
    assert Client().get(f"{LIST}{row.pk}/change/").status_code == 302


def test_the_page_offers_what_the_list_asks_for_by_the_doors_there_are(client_as: As, row: Incident) -> None:
    text = page(client_as("operator"), row)
    assert f"Disable {KEY}" in text
    assert "/admin/rollbacks/rollback/ask/?environment=production&amp;component=feature" in text
    assert "Notify stakeholders" in text
    assert "too few melts in the last five minutes" in text
    form = client_as("operator").get(
        f"/admin/rollbacks/rollback/ask/?environment=production&component=feature&flag={KEY}&reason=Why&evidence=Seen"
    )
    assert "Seen</textarea>" in form.content.decode()


def test_it_is_taken_to_its_end_by_the_dialogs(client_as: As, row: Incident) -> None:
    olga, anna = client_as("operator"), client_as("approver")
    assert send(olga, "acknowledge", row.pk).status_code == 302
    assert "operator has acknowledged" in send(anna, "acknowledge", row.pk).content.decode()
    for key in ("melts", "api"):
        words = {"name": key, "description": "", "group": "", "translations": {}, "position": 0}
        components.define(key, words, actor=OLGA, reason="tests", now=row.opened_at)
    text = send(olga, "update", row.pk, reason="", users="", components="melts").content.decode()
    assert "Write what is known now" in text
    told = {"reason": "It hangs", "users": "Slow"}
    assert "or that none of them is" in send(olga, "update", row.pk, **told).content.decode()
    assert "not both" in send(olga, "update", row.pk, **told, components=["melts", "-"]).content.decode()
    assert send(olga, "update", row.pk, **told, components=["melts", "api"]).status_code == 302
    assert send(olga, "note", row.pk, reason="Since 09:00", pin="on").status_code == 302
    version = selectors.get(row.pk).version
    assert send(olga, "raise", row.pk, level="3", reason="worse", version=version).status_code == 302
    stale = send(anna, "lower", row.pk, level="1", reason="fine", version=version)
    assert (stale.status_code, selectors.get(row.pk).level) == (409, 3)
    assert send(olga, "roles", row.pk, commander="approver").status_code == 302
    assert "operator" in page(olga, row)
    text = page(olga, row)
    assert "Since 09:00" in text
    assert "Users:</span> Slow" in text
    assert send(olga, "unpin", row.pk, fact="Since 09:00").status_code == 302
    by_hand = row.actions.get(text="Scale infrastructure")
    assert send(olga, "action_done", by_hand.pk).status_code == 302
    for name in ("identified", "monitoring", "resolve", "begin"):
        assert send(olga, name, row.pk, version=selectors.get(row.pk).version).status_code == 302, name
    assert send(olga, "close", row.pk).status_code == 302
    after = selectors.get(row.pk)
    assert (after.state, after.components, after.commander) == ("closed", ["melts", "api"], "approver")
    assert "ops-live" not in page(olga, row)


@pytest.mark.races  # for the database: SQLite can be asked for NUL, PostgreSQL not
def test_declaring_in_an_environment_that_no_database_can_be_asked_for_is_refused(client_as: As, row: Incident) -> None:
    olga = client_as("operator")
    given = {"environment": "a\0b", "title": "Wallets empty", "level": "3"}
    assert olga.get(f"{LIST}declare/", given).status_code == 200
    assert olga.post(f"{LIST}declare/", given).status_code == 422


def test_one_is_declared_and_a_second_needs_to_be_said_to_be_another(client_as: As, row: Incident) -> None:
    olga = client_as("operator")
    given = {"environment": WHERE, "title": "Wallets empty", "level": "3"}
    first = olga.get(f"{LIST}declare/", given, headers={"HX-Request": "true"}).content.decode()
    assert f"Incident {row.pk} is open there" in first
    refused = olga.post(f"{LIST}declare/", given)
    assert (refused.status_code, "say that this is separate" in refused.content.decode()) == (422, True)
    assert olga.post(f"{LIST}declare/", {**given, "separate": "on"}).status_code == 302
    assert Incident.objects.count() == 2
    text = page(olga, row, "merge/")
    assert "Wallets empty" in text


def test_the_list_has_the_worst_first_and_asks_the_database_as_often_for_many(
    client_as: As, row: Incident, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client, now = client_as("operator"), timezone.now()
    client.get(LIST)
    with django_assert_num_queries(8) as few:
        client.get(LIST)
    for number in range(30):
        made = opening.declare(WHERE, f"Other {number}", 1, separate=True, actor=OLGA, now=now)
        if number % 2:
            steering.set_state(made.pk, IncidentState.RESOLVED, actor=OLGA, now=now)
    levelling.raise_level(row.pk, 3, reason="worst", actor=OLGA, now=now)
    with django_assert_num_queries(len(few)):
        text = client.get(LIST).content.decode()
    assert text.index("Melts &lt;fail&gt;") < text.index("Other 28") < text.index("Other 29")


def test_the_page_asks_the_database_as_often_for_many_alerts_as_for_one(client_as: As, row: Incident) -> None:
    client, now = client_as("operator"), timezone.now()
    alert("One", now=now)
    follow(now)
    page(client, row)
    live = {"headers": {"HX-Request": "true"}}
    with CaptureQueriesContext(connection) as few:
        client.get(f"{LIST}{row.pk}/change/", **live)
    for number in range(120):
        alert(f"Alert{number}", now=now)
    follow(now)
    with CaptureQueriesContext(connection) as many:
        client.get(f"{LIST}{row.pk}/change/", **live)
    assert len(many) == len(few) <= 18


def test_the_post_mortem_is_read_written_and_exported(client_as: As, row: Incident) -> None:
    olga, viewer, now = client_as("operator"), client_as("viewer"), timezone.now()
    assert viewer.get(f"{LIST}{row.pk}/post-mortem/").status_code == 404
    steering.set_state(row.pk, IncidentState.RESOLVED, actor=OLGA, now=now)
    post_mortems.start(row.pk, actor=OLGA, now=now)
    assert "What went badly" in page(viewer, row, "post-mortem/")
    write = f"{LIST}{row.pk}/post-mortem/write/"
    look = olga.post(write, {"text": "## A <script>x</script>"}, headers={"HX-Request": "true"}).content.decode()
    assert "<h2>A &lt;script&gt;x&lt;/script&gt;</h2>" in look
    assert olga.post(write, {"text": "## Better", "version": "1"}).status_code == 302
    assert olga.post(write, {"text": "## Mine", "version": "1"}).status_code == 422
    due = (timezone.localdate() + timedelta(days=7)).isoformat()
    assert send(olga, "follow_up", row.pk, text="Alert earlier", owner="operator", due=due).status_code == 302
    assert send(olga, "finish", row.follow_ups.get().pk).status_code == 302
    file = viewer.get(f"{LIST}{row.pk}/post-mortem/file/")
    assert file["Content-Disposition"] == f'attachment; filename="incident-{row.pk}.md"'
    assert "| Alert earlier | operator |" in file.content.decode()


@pytest.mark.parametrize(
    "text",
    ["<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "![a](data:text/html;base64,PHM+)", "<javascript:x>"],
)
def test_no_markdown_becomes_a_script(text: str) -> None:
    shown = rendered(text)
    assert "<img src=x" not in shown
    assert 'href="javascript' not in shown
    assert 'src="data:text' not in shown


def test_home_and_the_flag_tell_of_it(client_as: As, row: Incident) -> None:
    home = client_as("operator").get("/admin/").content.decode()
    assert f"/admin/incidents/incident/{row.pk}/change/" in home.split('id="on-title"')[0]
    assert "Declare an incident" in home
    wrong = client_as("viewer").get("/admin/core/event/recent/").content.decode()
    assert f"Incident {row.pk}: Melts &lt;fail&gt;" in wrong
    flags = client_as("viewer").get("/admin/flags/flagstate/?environment=production").content.decode()
    assert f"incident {row.pk}" in flags


def test_what_is_not_there_is_not_found(client_as: As, row: Incident, now: datetime) -> None:
    olga = client_as("operator")
    assert olga.get(f"{LIST}999/change/").status_code == 404
    assert olga.get(f"{LIST}999/acknowledge/").status_code == 404
    assert olga.get(reverse("admin:incidents_action_done", args=[9999])).status_code == 404
    telling.note(row.pk, "x", actor=ANNA, now=now)
    assert send(olga, "unpin", row.pk, fact="never pinned").status_code == 404
