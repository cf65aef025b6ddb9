"""Rollbacks by the admin, by REST and by the command line: the same services, the same refusals."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

import flags.selectors
from alerting.models import Alert
from communications.models import Alert as Announcement
from communications.services import announcing
from core import environments, events
from core.actors import Actor
from flags.models import Flag
from flags.services import tokens
from flags.services.tokens import Scope
from incidents.services import linking, opening
from rollbacks import selectors
from rollbacks.models import Rollback
from rollbacks.services import deciding, requesting
from tests.rollbacks.conftest import ANNA, KEY, OLGA, Cluster, switch_on

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]


@pytest.fixture
def asked(flag: Flag) -> Rollback:
    """Asked for by the operator, just now."""
    now = timezone.now()
    switch_on(KEY, 25, now=now)
    operator = OLGA.__class__("operator", OLGA.kind)
    return requesting.request("production", "feature", flag=KEY, reason="errors", actor=operator, now=now)


def fire(environment: str = "production") -> None:
    now = timezone.now()
    where = environments.get(environment)
    Alert.objects.create(
        environment=where, fingerprint="f", name="MeltErrors", severity="critical", state="firing", starts_at=now
    )


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rollback", *arguments, stdout=out)
    return out.getvalue()


# --- admin ---


def test_the_form_shows_the_plan_before_anybody_is_asked(client_as: ClientAs, asked: Rollback) -> None:
    operator = client_as("operator")
    url = f"/admin/rollbacks/rollback/ask/?environment=production&component=feature&flag={KEY}"
    assert f"{KEY}: 25 % → off" in operator.get(url, headers={"HX-Request": "true"}).text
    nothing = operator.get(url.replace("feature&", "database&"), headers={"HX-Request": "true"}).text
    assert "No migration has been run here" in nothing
    form = {"environment": "production", "component": "feature", "flag": KEY, "reason": "errors"}
    refused = operator.post("/admin/rollbacks/rollback/ask/", form)
    assert (refused.status_code, "asked for already" in refused.text) == (422, True)


def test_a_viewer_neither_asks_nor_confirms(client_as: ClientAs, asked: Rollback) -> None:
    viewer, operator = client_as("viewer"), client_as("operator")
    page = f"/admin/rollbacks/rollback/{asked.pk}/"
    assert viewer.get(f"{page}change/").status_code == 200
    assert viewer.get("/admin/rollbacks/rollback/ask/").status_code == 403
    assert viewer.get(f"{page}confirm/").status_code == 403
    assert operator.get(f"{page}confirm/").status_code == 403


def test_an_approver_confirms_what_he_saw_and_not_what_has_moved(client_as: ClientAs, asked: Rollback) -> None:
    approver, url = client_as("approver"), f"/admin/rollbacks/rollback/{asked.pk}/confirm/"
    switch_on(KEY, 50, now=timezone.now())
    refused = approver.post(url, {"digest": asked.digest})
    assert (refused.status_code, "planned anew" in refused.text) == (409, True)
    fresh = selectors.by_pk(asked.pk).digest
    assert f'value="{fresh}"' in refused.text
    assert approver.post(url, {"digest": fresh}).status_code == 302
    assert not flags.selectors.state(KEY, "production").enabled
    assert "under way" in approver.get(f"/admin/rollbacks/rollback/{asked.pk}/change/").text


def test_the_emergency_takes_an_open_lane_and_the_password_again(client_as: ClientAs, flag: Flag) -> None:
    approver, now = client_as("approver"), timezone.now()
    switch_on(KEY, 25, now=now)
    actor = ANNA.__class__("approver", ANNA.kind)
    row = requesting.request("production", "feature", flag=KEY, reason="errors", actor=actor, now=now)
    page = f"/admin/rollbacks/rollback/{row.pk}"
    assert "another person has to confirm it" in approver.get(f"{page}/change/").text
    assert "Emergency: confirm alone" not in approver.get(f"{page}/change/").text
    form = {"digest": row.digest, "password": "approver"}
    closed = approver.post(f"{page}/emergency/", form)
    assert (closed.status_code, "is closed" in closed.text) == (403, True)
    fire()
    assert "Emergency: confirm alone" in approver.get(f"{page}/change/").text
    wrong = approver.post(f"{page}/emergency/", {**form, "password": "guess"})
    assert (wrong.status_code, "not your password" in wrong.text) == (403, True)
    assert flags.selectors.state(KEY, "production").enabled
    assert approver.post(f"{page}/emergency/", form).status_code == 302
    assert not flags.selectors.state(KEY, "production").enabled
    assert "one person alone" in approver.get(f"{page}/change/").text


def test_events_and_the_flag_lead_to_the_page(client_as: ClientAs, asked: Rollback) -> None:
    viewer = client_as("viewer")
    found = viewer.get(f"/admin/rollbacks/rollback/id/{asked.public_id}/")
    assert found.headers["Location"] == f"/admin/rollbacks/rollback/{asked.pk}/change/"
    assert viewer.get("/admin/rollbacks/rollback/id/rb-none/").status_code == 404
    assert asked.public_id in viewer.get(f"/admin/flags/flagstate/at/production/{KEY}/", follow=True).text
    home = client_as("approver").get("/admin/").text
    assert "rollback to confirm" in home


def test_the_page_leads_to_the_incident_that_it_belongs_to(
    client_as: ClientAs, asked: Rollback, operator_actor: Actor, now: datetime
) -> None:
    incident = opening.declare("production", "Melts hang", 2, actor=operator_actor, now=now)
    address = f"/admin/rollbacks/rollback/{asked.pk}/change/"
    assert "Belongs to" not in client_as("viewer").get(address).text
    linking.link(incident.pk, f"rollback:{asked.public_id}", actor=operator_actor, now=now)
    page = client_as("viewer").get(address).text
    assert f'href="/admin/incidents/incident/{incident.pk}/change/">Incident {incident.pk}: Melts hang</a>' in page


# --- REST ---


@pytest.fixture
def call(asked: Rollback, client: Client) -> Callable[..., Any]:
    _, secret = tokens.create("pipeline", "production", [Scope.OPERATE], actor=OLGA, now=timezone.now())

    def _call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {secret}"}
        sent = {"data": json.dumps(body or {}), "content_type": "application/json"} if method == "post" else {}
        return getattr(client, method)(f"/api/v1/rollbacks{path}", headers=headers, **sent)

    return _call


def test_a_token_asks_and_looks_and_never_confirms(call: Callable[..., Any], asked: Rollback) -> None:
    listed = call("get", "").json()
    assert [row["id"] for row in listed] == [asked.public_id]
    again = call("post", "", {"component": "feature", "flag": KEY, "reason": "errors"})
    assert again.status_code == 409
    opened = call("post", "", {"component": "all", "reason": "errors", "evidence": "7 %"})
    assert (opened.status_code, opened.json()["state"]) == (201, "requested")
    assert [step["kind"] for step in opened.json()["steps"]] == ["flags", "served", "validate", "notify"]
    path = f"/{opened.json()['id']}"
    refused = call("post", f"{path}/confirm", {"digest": opened.json()["digest"]})
    assert (refused.status_code, "Only a person" in refused.json()["detail"]) == (403, True)
    assert call("post", "", {"component": "feature", "flag": "nope", "reason": "r"}).status_code == 404
    assert call("post", "", {"component": "moon", "reason": "r"}).status_code == 422
    assert call("get", "/rb-none").status_code == 404
    assert flags.selectors.state(KEY, "production").enabled


def test_whoever_made_the_token_does_not_confirm_what_it_asked_for(call: Callable[..., Any]) -> None:
    opened = call("post", "", {"component": "all", "reason": "errors"}).json()
    assert opened["contributors"] == ["olga", "pipeline"]


# --- command line ---


def test_the_command_line_asks_confirms_with_a_password_and_runs(
    asked: Rollback, person: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    person("approver")
    person("operator")
    assert asked.public_id in said("list")
    assert f"digest: {asked.digest}" in said("show", asked.public_id)
    typed = iter(["wrong", "operator", "approver"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    confirm = ("confirm", asked.public_id, "--digest", asked.digest, "--as")
    with pytest.raises(CommandError, match="not the password of approver") as wrong:
        said(*confirm, "approver")
    assert wrong.value.returncode == 1
    with pytest.raises(CommandError, match="operator may not do this"):
        said(*confirm, "operator")
    assert "running, by operator, confirmed by approver" in said(*confirm, "approver")
    with pytest.raises(CommandError, match="cannot be refused") as late:
        said("refuse", asked.public_id, "--reason", "late")
    assert late.value.returncode == 3
    with pytest.raises(CommandError, match="There is no rollback rb-none"):
        said("show", "rb-none")


# --- announcements ---


def test_what_people_must_hear_of_is_announced(asked: Rollback, now: datetime) -> None:
    at = timezone.now()
    announcing.announce(now=at)
    alert = Announcement.objects.filter(type="ROLLBACK_REQUESTED").get()
    assert (alert.severity, alert.feature) == ("high", KEY)
    assert f"[HIGH] ROLLBACK ASKED FOR: {KEY} in production" in alert.text
    deciding.confirm(asked.public_id, digest=asked.digest, actor=ANNA, now=at)
    announcing.announce(now=at)
    assert not Announcement.objects.filter(type="ROLLBACK_EMERGENCY").exists()
    switch_on(KEY, 25, now=at)
    fire()
    Rollback.objects.update(state="aborted")
    other = requesting.request("production", "feature", flag=KEY, reason="again", actor=ANNA, now=at)
    deciding.confirm(other.public_id, digest=other.digest, actor=ANNA, emergency=True, now=at + timedelta(seconds=1))
    announcing.announce(now=at)
    alone = Announcement.objects.filter(type="ROLLBACK_EMERGENCY").get()
    assert "ROLLBACK BY ONE PERSON ALONE" in alone.text
    assert "critical alert MeltErrors fires" in alone.text
    assert events.recent().filter(kind="rollback.confirmed").count() == 2


def test_a_page_about_a_stopped_application_tells_the_commands_to_run_by_hand(
    client_as: ClientAs, cluster: Cluster, settings: Any
) -> None:
    settings.KUBECTL = "/nowhere/kubectl"
    now = timezone.now()
    row = requesting.request("production", "application", reason="errors", actor=OLGA, now=now)
    page = client_as("approver").get(f"/admin/rollbacks/rollback/{row.pk}/change/").text
    assert "There is no kubectl here" in page
    assert "rollout undo deployment/nctool --to-revision=REVISION" in page
