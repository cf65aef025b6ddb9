"""Plans by REST and by the command line: the same services, the same refusals."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

import flags.selectors
from core.actors import Actor, ActorKind
from core.errors import Refused
from flags.services import rollout, tokens
from flags.services.tokens import Scope
from plans.models import Attachment, CommandRun, Plan
from plans.services import phases
from tests.conftest import KEY
from tests.plans.conftest import APPROVER, calm, item, phase, validated

pytestmark = pytest.mark.django_db
Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def _at_the_time_of_the_tests(now: datetime) -> Any:
    with time_machine.travel(now, tick=False):
        yield


def token(environment: str, now: datetime, *, by: str = "olga", scope: Scope = Scope.OPERATE) -> Call:
    maker = Actor(by, ActorKind.PERSON)
    _, secret = tokens.create(f"ci-{environment}", environment, [scope], actor=maker, now=now)
    client = Client(headers={"Authorization": f"Bearer {secret}"})

    def call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        sent = {"data": json.dumps(body or {}), "content_type": "application/json"} if method == "post" else {}
        return getattr(client, method)(f"/api/v1/plans{path}", **sent)

    call.client = client  # type: ignore[attr-defined]
    return call


def said(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def test_a_token_walks_a_phase_from_its_gate_to_its_rollback(plan: Plan, now: datetime) -> None:
    call = token("production", now)
    assert [row["id"] for row in call("get", "?state=running").json()] == [plan.pk]
    first = call("get", f"/{plan.pk}").json()["phases"][0]
    assert (first["state"], first["gate_open"]) == ("waiting", False)
    lacking = [each for each in first["gate"] if each["standing"] == "unmet"]
    assert [(each["key"], each["why"]) for each in lacking] == [("checklist:before", "0 of 2 done.")]
    begin = {"reason": "go", "version": first["version"]}
    refused = call("post", f"/{plan.pk}/phases/first/start", begin)
    assert (refused.status_code, "0 of 2 done" in refused.json()["detail"]) == (409, True)
    for row in call("get", f"/{plan.pk}/checklists/before").json():
        assert call("post", f"/items/{row['id']}", {"state": "PASSED", "version": row["version"]}).status_code == 200
    begun = call("post", f"/{plan.pk}/phases/first/start", begin)
    assert (begun.status_code, begun.json()["phases"][0]["state"]) == (200, "active")
    assert call("post", f"/{plan.pk}/phases/first/start", begin).status_code == 409
    change = rollout.StateChange(enabled=True, percentage=10)
    rollout.change(KEY, "production", change, actor=APPROVER, reason="r", now=now)
    back = call("post", f"/{plan.pk}/phases/first/rollback", {"reason": "errors"}).json()
    assert (len(back["rollback_ids"]), back["plan"]["phases"][0]["state"]) == (1, "rolled_back")
    assert not flags.selectors.state(KEY, "production").enabled
    ended = call("post", f"/{plan.pk}/abort", {"reason": "enough"}).json()
    assert (ended["state"], ended["phases"][1]["gate"]) == ("aborted", [])


def test_a_token_sees_and_steers_its_own_environment_alone(plan: Plan, now: datetime) -> None:
    other, reader = token("staging", now), token("production", now, scope=Scope.EVALUATE)
    row = item("Reviewed")
    body = {"state": "PASSED", "reason": "r", "version": 1}
    assert other("get", "").json() == []
    for method, path in (
        ("get", f"/{plan.pk}"),
        ("get", f"/{plan.pk}/checklists/before"),
        ("post", f"/{plan.pk}/abort"),
        ("post", f"/{plan.pk}/phases/first/start"),
    ):
        assert other(method, path, {"reason": "r", "version": 1}).status_code == 404, path
    assert other("post", f"/items/{row.pk}", {"state": "PASSED"}).status_code == 404
    assert reader("get", "").status_code == 403
    assert token("production", now)("post", f"/items/{row.pk}", body).status_code == 422  # a field that is not known
    assert item("Reviewed").state == "PENDING"


def test_a_pipeline_attaches_a_report_and_has_a_command_run(plan: Plan, now: datetime, settings: Settings) -> None:
    call, row = token("production", now), item("Reviewed")
    sent = {"file": SimpleUploadedFile("report.xml", b"<ok/>")}
    kept = call.client.post(f"/api/v1/plans/items/{row.pk}/attachments", sent)  # type: ignore[attr-defined]
    assert (kept.status_code, kept.json()["attachments"][0]["name"]) == (201, "report.xml")
    assert bytes(Attachment.objects.get().content) == b"<ok/>"
    row.command, row.runs_here = "npm test", True
    row.save()
    path = f"/items/{row.pk}/run"
    assert call("post", path, {"reason": "go"}).status_code == 403  # nothing is run here
    settings.RUNNER_PROGRAMS = ["npm"]
    assert call("post", path).status_code == 422  # protected: it needs a reason
    asked = call("post", path, {"reason": "go"})
    assert (asked.status_code, asked.json()["argv"]) == (202, ["npm", "test"])
    run = asked.json()["id"]
    assert call("get", f"/runs/{run}").json()["state"] == "waiting"
    assert call("post", f"/runs/{run}/stop", {"reason": "no"}).json()["state"] == "stopped"


def test_who_made_a_token_does_not_start_with_it_what_they_approved(plan: Plan, now: datetime) -> None:
    validated(now)
    second = phase("second")
    second.needs = {"approval": True}
    second.save()
    calm(now)
    phases.approve(second.pk, actor=APPROVER, reason="r", now=now)
    tokens.create("ci", "production", [Scope.OPERATE], actor=APPROVER, now=now)
    with pytest.raises(Refused, match="You approved this phase"):
        phases.start(second.pk, actor=Actor("ci", ActorKind.TOKEN), reason="r", now=now)
    phases.start(second.pk, actor=Actor("olga", ActorKind.PERSON), reason="r", now=now)


def test_the_command_line_shows_ticks_begins_approves_by_password_and_rolls_back(
    plan: Plan, person: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, now: datetime, tmp_path: Path
) -> None:
    person("approver")
    person("operator")
    number = str(plan.pk)
    assert "Small plan in production: running" in said("plan", "list")
    told = said("plan", "show", number)
    assert "[ ] Before: 0 of 2 done. Do what is left, or skip it with a reason." in told
    with pytest.raises(CommandError, match="Say why"):
        said("checklist", "fail", number, "before", "1")
    report = tmp_path / "report.txt"
    report.write_text("fine")
    said("checklist", "pass", number, "before", "1", "--file", str(report))
    assert "[-]  2 Backed up" in said("checklist", "skip", number, "before", "2", "--comment", "elsewhere")
    assert Attachment.objects.get().name == "report.txt"
    for wrong, complaint in (
        (("pass", number, "before", "9"), "has no item 9"),
        (("show", number, "nothing"), "has no checklist 'nothing'"),
        (("pass", number, "before", "1", "--file", "/x"), "/x cannot be read"),
    ):
        with pytest.raises(CommandError, match=complaint):
            said("checklist", *wrong)
    assert "First, week 1: active" in said("plan", "begin", number, "first", "--reason", "go")
    with pytest.raises(CommandError, match="It is active") as late:
        said("plan", "begin", number, "second", "--reason", "go")
    assert late.value.returncode == 3
    typed = iter(["operator", "approver"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    approve = ("plan", "approve", number, "second", "--reason", "seen", "--as")
    with pytest.raises(CommandError, match="operator may not do this"):
        said(*approve, "operator")
    assert "By approver." in said(*approve, "approver")
    shown = json.loads(said("plan", "roll-back", number, "first", "--reason", "errors", "--json"))
    assert shown["phases"][0]["state"] == "rolled_back"


def test_a_dry_run_tells_what_would_be_run_and_runs_nothing(plan: Plan, settings: Settings) -> None:
    settings.RUNNER_PROGRAMS = ["npm"]
    row = item("Reviewed")
    row.command, row.runs_here = "npm run 'test all'", True
    row.save()
    told = said("checklist", "run", str(plan.pk), "before", "1", "--dry-run")
    assert told == "   1 Reviewed: $ npm run 'test all'\n   2 Backed up: A person does this.\n"
    assert not CommandRun.objects.exists()
    said("checklist", "run", str(plan.pk), "before", "1", "--onward", "--reason", "go")
    assert CommandRun.objects.get().onward
