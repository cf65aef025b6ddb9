"""The doors beside the admin: REST, the command line, `/metrics`, the clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from core import heartbeats
from core.models import User
from flags.services import tokens
from flags.services.tokens import Scope
from incidents import selectors, tasks
from incidents.models import Incident
from incidents.services import opening
from tests.conftest import KEY
from tests.incidents.conftest import OLGA, WHERE, kinds, told

pytestmark = pytest.mark.django_db
Declare = Callable[..., Incident]
Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def api(client: Client, declare: Declare, now: datetime) -> Call:
    """Calls of a token of production with the scope operate."""
    _, text = tokens.create("robot", WHERE, [Scope.OPERATE], actor=OLGA, now=now)

    def call(method: str, path: str, body: Any = None, *, token: str = text) -> tuple[int, Any]:
        sent = json.dumps(body) if body is not None else ""
        response = client.generic(
            method,
            f"/api/v1/{path}",
            sent,
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        return response.status_code, response.json()

    return call


def test_a_token_takes_an_incident_to_its_end(api: Call) -> None:
    status, made = api("POST", "incidents", {"title": "Melts fail", "level": 2, "flags": [KEY]})
    assert (status, made["level"], made["links"][0]["subject"]) == (201, 2, f"flag:{KEY}")
    number = made["number"]
    assert api("POST", "incidents", {"title": "Again", "level": 1})[0] == 409
    assert api("POST", f"incidents/{number}/acknowledge")[1]["acknowledged_by"] == "robot"
    assert api("POST", f"incidents/{number}/acknowledge")[0] == 409
    assert api("POST", f"incidents/{number}/updates", {"text": "x", "texts": {"users": "y"}})[0] == 200
    assert api("POST", f"incidents/{number}/notes", {"text": "Node 3", "pin": True})[1]["facts"][0]["text"] == "Node 3"
    assert api("POST", f"incidents/{number}/level", {"level": 3, "reason": "worse"})[1]["level"] == 3
    status, refused = api("POST", f"incidents/{number}/level", {"level": 1, "reason": "fine"})
    assert (status, "Only a person" in refused["detail"]) == (403, True)
    assert api("POST", f"incidents/{number}/state", {"state": "resolved", "version": 1})[0] == 409
    assert api("POST", f"incidents/{number}/state", {"state": "resolved"})[1]["state"] == "resolved"
    status, rows = api("GET", "incidents?state=resolved")
    assert [row["number"] for row in rows] == [number]
    assert told("resolved")[0]["environment"] == WHERE


def test_a_token_gives_roles_links_merges_and_reads_what_happened(api: Call, declare: Declare, now: datetime) -> None:
    User.objects.create_user("anna")
    first, second = declare(2), declare(1, title="The same", separate=True)
    path = f"incidents/{second.pk}"
    assert api("POST", f"{path}/roles", {"commander": "anna"})[1]["commander"] == "anna"
    for wrong in ("nobody", "\x00"):
        assert api("POST", f"{path}/roles", {"scribe": wrong})[1]["field"] == "scribe"
    assert api("POST", f"{path}/roles", {"commander": "", "version": 1})[0] == 409
    assert api("POST", f"{path}/links", {"subject": f"flag:{KEY}"})[1]["links"][0]["by"] == "robot"
    for wrong in ("flag:none", "flag:a\x00b"):
        assert api("POST", f"{path}/links", {"subject": wrong})[1]["field"] == "subject"
    api("POST", f"{path}/notes", {"text": "Node 3", "pin": True})
    assert api("POST", f"{path}/facts/unpin", {"text": "Node 3"})[1]["facts"] == []
    assert api("POST", f"{path}/facts/unpin", {"text": "Node 3"})[0] == 404
    action = first.actions.filter(does="").first() or first.actions.get()
    assert api("POST", f"{path}/actions/{action.pk}/done", {})[0] == 404  # of the other incident
    done = api("POST", f"incidents/{first.pk}/actions/{action.pk}/done", {"note": "seen"})[1]["actions"]
    assert [each["done_by"] for each in done if each["id"] == action.pk] == ["robot"]
    elsewhere = opening.declare("staging", "Elsewhere", 1, actor=OLGA, now=now)
    assert api("POST", f"{path}/merge", {"into": elsewhere.pk, "reason": "x"})[0] == 404
    assert api("POST", f"{path}/merge", {"into": first.pk, "reason": " "})[1]["field"] == "reason"
    status, left = api("POST", f"{path}/merge", {"into": first.pk, "reason": "one cause"})
    assert (status, left["number"]) == (200, first.pk)
    assert api("POST", f"{path}/roles", {"scribe": "anna"})[0] == 409
    told = api("GET", f"{path}/timeline")[1]
    assert (told[0]["kind"], told[0]["text"], told[0]["by"]) == ("incident.merged", "one cause", "robot")
    assert api("GET", f"incidents/{elsewhere.pk}/timeline")[0] == 404


@pytest.mark.parametrize("door", ["roles", "links", "merge", "facts/unpin", "actions/1/done", "timeline"])
def test_a_token_that_may_only_read_flags_works_on_no_incident(
    door: str, api: Call, declare: Declare, now: datetime
) -> None:
    _, text = tokens.create("reader", WHERE, [Scope.EVALUATE], actor=OLGA, now=now)
    method = "GET" if door == "timeline" else "POST"
    assert api(method, f"incidents/{declare(1).pk}/{door}", {}, token=text)[0] == 403


def test_what_is_wrong_or_elsewhere_is_refused(api: Call, declare: Declare, now: datetime) -> None:
    other = opening.declare("staging", "Elsewhere", 1, actor=OLGA, now=now)
    assert api("GET", f"incidents/{other.pk}")[0] == 404
    assert api("POST", f"incidents/{other.pk}/acknowledge")[0] == 404
    assert api("POST", "incidents", {"title": "", "level": 1})[1]["field"] == "title"
    assert api("POST", "incidents", {"title": "x", "level": 9})[1]["field"] == "level"
    assert api("POST", "incidents", {"title": "x", "level": 1, "flags": ["none"]})[0] == 404
    assert api("GET", "incidents", token="nothing")[0] == 401


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("incident", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_line_takes_one_to_its_end(declare: Declare) -> None:
    run("open", "Melts fail", "--environment", WHERE, "--level", "2", "--flag", KEY)
    number = str(Incident.objects.get().pk)
    assert "escalates in 14 min" in run("list")
    run("ack", number)
    run("note", number, "Since 09:00", "--pin")
    run("level", number, "3", "--reason", "worse")
    run("update", number, "Node 3 hangs", "--to", "users=Melts are slow")
    with pytest.raises(CommandError, match="Only a person lowers"):
        run("level", number, "1", "--reason", "fine")
    shown = run("show", number)
    assert "[x] Communicate with users" in shown
    assert "! Since 09:00" in shown
    run("state", number, "identified", "--reason", "Node 3")
    run("resolve", number)
    assert "No incident here" in run("list")
    assert json.loads(run("list", "--all", "--json"))[0]["state"] == "resolved"
    with pytest.raises(CommandError, match="There is no incident 999"):
        run("show", "999")


def test_metrics_count_what_is_open_by_level(declare: Declare, client: Client, settings: Settings) -> None:
    settings.METRICS_PUBLIC = True
    declare(3)
    body = client.get("/metrics").content.decode()
    assert 'nctool_rollout_incidents_open{environment="production",level="3"} 1.0' in body
    assert 'nctool_rollout_incidents_open{environment="production",level="1"} 0.0' in body


def test_the_clock_beats_and_escalates(declare: Declare) -> None:
    row = declare(1)  # declared long ago
    tasks.follow()
    tasks.watch()
    assert "incidents" in heartbeats.last()
    assert selectors.get(row.pk).level == 2
    assert kinds() == ["opened", "level_raised"]
