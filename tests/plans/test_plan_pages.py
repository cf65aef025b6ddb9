"""The pages of plans: who may do what, what they tell, and how many queries they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from plans import selectors
from plans.models import Checklist, Item, Plan
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


def test_everybody_sees_and_only_who_may_acts(client_as: ClientAs, plan: Plan) -> None:
    first, reviewed = phase("first").pk, item("Reviewed").pk
    pages = (
        "/admin/plans/plan/",
        f"/admin/plans/plan/{plan.pk}/change/",
        f"/admin/plans/phase/{first}/change/",
        "/admin/plans/checklist/",
        f"/admin/plans/checklist/{item('Reviewed').checklist_id}/change/",
    )
    dialogs = {
        "/admin/plans/plan/start/": ("operator", "approver", "administrator"),
        f"/admin/plans/plan/{plan.pk}/pause/": ("operator", "approver", "administrator"),
        f"/admin/plans/phase/{first}/start/": ("operator", "approver", "administrator"),
        f"/admin/plans/phase/{first}/roll-back/": ("operator", "approver", "administrator"),
        f"/admin/plans/phase/{first}/approve/": ("approver",),
        f"/admin/plans/phase/{first}/waive/checklist:before/": ("approver",),
        f"/admin/plans/checklist/item/{reviewed}/pass/": ("operator", "approver", "administrator"),
        f"/admin/plans/checklist/item/{reviewed}/assign/": ("operator", "approver", "administrator"),
    }
    for role in ROLES:
        client = client_as(role)
        for address in pages:
            assert client.get(address).status_code == 200, address
        for address, allowed in dialogs.items():
            assert client.get(address).status_code == (200 if role in allowed else 403), (role, address)
    assert Client().get(pages[0]).status_code == 302


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
