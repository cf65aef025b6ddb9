"""The pages of plans: who may do what, what they tell, and how many queries they take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from core.actors import Actor
from plans import selectors
from plans.models import Attachment, Checklist, CommandRun, Item, Plan
from plans.services import attaching, commands, overdue
from tests.plans.conftest import calm, item, phase

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
ROLES = ("viewer", "operator", "approver", "administrator")


@pytest.fixture(autouse=True)
def _at_the_time_of_the_tests(now: Any) -> Any:
    with time_machine.travel(now, tick=False):
        yield


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return " ".join(answer.content.decode().split())


def test_everybody_sees_and_only_who_may_acts(
    client_as: ClientAs, plan: Plan, operator_actor: Actor, now: datetime
) -> None:
    first, reviewed = phase("first").pk, item("Reviewed").pk
    who: dict[str, Any] = {"actor": operator_actor, "now": now}
    file = attaching.attach(reviewed, attaching.File("seen.html", b"<script>alert(1)</script>"), **who)
    Item.objects.filter(pk=reviewed).update(command="npm test", runs_here=True)
    run = commands.request(reviewed, allowed=["npm"], reason="r", **who)
    pages = (
        "/admin/plans/plan/",
        f"/admin/plans/plan/{plan.pk}/change/",
        f"/admin/plans/phase/{first}/change/",
        "/admin/plans/checklist/",
        f"/admin/plans/checklist/{item('Reviewed').checklist_id}/change/",
        f"/admin/plans/checklist/attachment/{file.pk}/",
        "/admin/plans/commandrun/",
        f"/admin/plans/commandrun/{run.pk}/change/",
    )
    dialogs = {
        "/admin/plans/plan/start/": ("operator", "approver", "administrator"),
        f"/admin/plans/plan/{plan.pk}/pause/": ("operator", "approver", "administrator"),
        f"/admin/plans/plan/{plan.pk}/roll-back/": ("operator", "approver", "administrator"),
        f"/admin/plans/phase/{first}/start/": ("operator", "approver", "administrator"),
        f"/admin/plans/phase/{first}/roll-back/": ("operator", "approver", "administrator"),
        f"/admin/plans/phase/{first}/approve/": ("approver",),
        f"/admin/plans/phase/{first}/waive/checklist:before/": ("approver",),
        f"/admin/plans/checklist/item/{reviewed}/pass/": ("operator", "approver", "administrator"),
        f"/admin/plans/checklist/item/{reviewed}/assign/": ("operator", "approver", "administrator"),
        f"/admin/plans/checklist/item/{reviewed}/attach/": ("operator", "approver", "administrator"),
        f"/admin/plans/checklist/item/{reviewed}/run/": ("operator", "approver", "administrator"),
        f"/admin/plans/checklist/item/{reviewed}/run-on/": ("operator", "approver", "administrator"),
        f"/admin/plans/checklist/attachment/{file.pk}/remove/": ("approver",),
        f"/admin/plans/commandrun/{run.pk}/stop/": ("operator", "approver", "administrator"),
    }
    for role in ROLES:
        client = client_as(role)
        for address in pages:
            assert client.get(address).status_code == 200, address
        for address, allowed in dialogs.items():
            assert client.get(address).status_code == (200 if role in allowed else 403), (role, address)
    for address in pages:
        assert Client().get(address).status_code == 302, address
    for address in ("/admin/plans/checklist/attachment/9999/", "/admin/plans/commandrun/9999/change/"):
        assert client_as("viewer").get(address).status_code == 404


def test_a_phase_is_begun_and_rolled_back_on_its_page_and_a_closed_gate_is_said(
    client_as: ClientAs, plan: Plan
) -> None:
    operator, approver, pk = client_as("operator"), client_as("approver"), phase("first").pk
    page = f"/admin/plans/phase/{pk}/change/"
    told = text_of(operator, page)
    for words in ("What must be true to start it", "0 of 2 done.", "Do what is left, or skip it with a reason."):
        assert words in told
    assert "Waive" not in told
    assert "Waive" in text_of(approver, page)
    refused = operator.post(f"/admin/plans/phase/{pk}/start/", {"reason": "go"})
    assert "To start First is not possible yet. Before: 0 of 2 done." in refused.content.decode()
    for text, state in (("Reviewed", "pass"), ("Backed up", "skip")):
        operator.post(f"/admin/plans/checklist/item/{item(text).pk}/{state}/", {"reason": "done elsewhere"})
    assert "The gate is open." in text_of(operator, page)
    assert operator.post(f"/admin/plans/phase/{pk}/start/", {"reason": "go"}).status_code == 302
    assert "What must be true to complete it" in text_of(operator, page)
    assert "First" in text_of(operator, f"/admin/plans/plan/{plan.pk}/change/")
    operator.post(f"/admin/plans/phase/{pk}/roll-back/", {"reason": "errors"})
    assert phase("first").state == "rolled_back"


def test_an_item_that_fails_needs_its_reason_and_what_is_measured_offers_no_tick(
    client_as: ClientAs, plan: Plan
) -> None:
    client, row = client_as("operator"), item("Reviewed")
    page = f"/admin/plans/checklist/{row.checklist_id}/change/"
    assert "Say why" in client.post(f"/admin/plans/checklist/item/{row.pk}/fail/", {"reason": ""}).content.decode()
    client.post(f"/admin/plans/checklist/item/{row.pk}/fail/", {"reason": "Two <b>are</b> open."})
    told = text_of(client, page)
    assert "Two &lt;b&gt;are&lt;/b&gt; open." in told
    assert f"/admin/plans/checklist/item/{row.pk}/untick/" in told
    measured = item("It starts")
    told = text_of(client, f"/admin/plans/checklist/{measured.checklist_id}/change/")
    assert "it ticks itself" in told
    assert f"/item/{measured.pk}/pass/" not in told
    closed = text_of(client, f"/admin/plans/checklist/{item('Look').checklist_id}/change/")
    assert "It opens by itself when the list before it is done." in closed


def test_the_board_of_five_phases_with_a_hundred_items_takes_the_same_queries(
    client_as: ClientAs, plan: Plan, now: Any
) -> None:
    client = client_as("operator")
    calm(now)

    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as found:
            client.get(address)
        return len(found)

    before = Checklist.objects.get(key="before")
    addresses = (f"/admin/plans/plan/{plan.pk}/change/", f"/admin/plans/checklist/{before.pk}/change/")
    few = [queries(address) for address in addresses]
    Item.objects.bulk_create(Item(checklist=before, position=9 + n, text=f"more {n}") for n in range(100))
    assert [queries(address) for address in addresses] == few
    assert selectors.checklists(plan.pk).get(key="before").total == 102


def test_a_file_is_uploaded_with_a_tick_and_given_out_as_a_download_alone(client_as: ClientAs, plan: Plan) -> None:
    client, row = client_as("operator"), item("Reviewed")
    page = f"/admin/plans/checklist/{row.checklist_id}/change/"
    sent = {"reason": "", "file": SimpleUploadedFile("a b.html", b"<script>alert(1)</script>", "text/html")}
    assert client.post(f"/admin/plans/checklist/item/{row.pk}/pass/", sent).status_code == 302
    kept = Attachment.objects.get()
    assert "a b.html" in text_of(client, page)
    answer = client.get(f"/admin/plans/checklist/attachment/{kept.pk}/")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a b.html"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    refused = client.post(f"/admin/plans/checklist/item/{row.pk}/attach/", {"file": SimpleUploadedFile("e", b"")})
    assert "The file is empty." in refused.content.decode()
    client_as("approver").post(f"/admin/plans/checklist/attachment/{kept.pk}/remove/", {"reason": "A secret."})
    assert not Attachment.objects.exists()


def test_a_command_is_asked_for_where_it_stands_in_turn_and_its_page_tells_what_it_said(
    client_as: ClientAs, plan: Plan, settings: Settings
) -> None:
    client, row = client_as("operator"), item("Reviewed")
    page = f"/admin/plans/checklist/{row.checklist_id}/change/"
    Item.objects.filter(checklist=row.checklist_id).update(command="npm test", runs_here=True)
    Checklist.objects.filter(pk=row.checklist_id).update(ordered=True)
    assert "/run/" not in text_of(client, page)  # nothing may be run here
    settings.RUNNER_PROGRAMS = ["kubectl"]
    assert "/run/" not in text_of(client, page)
    settings.RUNNER_PROGRAMS = ["npm"]
    told = text_of(client, page)
    assert f"item/{row.pk}/run/" in told
    assert f"item/{item('Backed up').pk}/run/" not in told
    told = text_of(client, f"/admin/plans/checklist/item/{row.pk}/run-on/")
    assert "Run one after the other" in told
    assert "npm test" in told
    assert "Say why" in client.post(f"/admin/plans/checklist/item/{row.pk}/run/", {"reason": ""}).content.decode()
    client.post(f"/admin/plans/checklist/item/{row.pk}/run/", {"reason": "go"})
    run = CommandRun.objects.get()
    CommandRun.objects.update(output="<b>fine</b>")
    assert "What its command said" in text_of(client, page)
    assert "&lt;b&gt;fine&lt;/b&gt;" in text_of(client, f"/admin/plans/commandrun/{run.pk}/change/")
    client.post(f"/admin/plans/commandrun/{run.pk}/stop/", {"reason": ""})
    assert CommandRun.objects.get().state == "stopped"


def test_what_is_late_and_what_waits_for_me_stands_on_home(
    client_as: ClientAs, plan: Plan, operator_actor: Actor, now: datetime
) -> None:
    client, row = client_as("operator"), item("Reviewed")
    sent = {"assignee": "operator", "due_at": "2025-08-11T09:30", "version": 1}
    assert client.post(f"/admin/plans/checklist/item/{row.pk}/assign/", sent).status_code == 302
    home = text_of(client, "/admin/")
    assert "to do" in home.split("Waits for you")[1]
    assert "Overdue in checklists" not in home
    with time_machine.travel(now + timedelta(hours=3), tick=False):
        client = client_as("operator")
        overdue.tell_overdue(now=now + timedelta(hours=3))
        assert "Overdue in checklists" in text_of(client, "/admin/")
        assert "overdue" in text_of(client, f"/admin/plans/checklist/{row.checklist_id}/change/")
