"""Four eyes in a real browser: one asks, another approves, it is applied and taken back. By keyboard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import flags.selectors
from approvals.models import ChangeRequest
from approvals.services import requests
from core.actors import Actor, ActorKind
from core.asking import Change
from flags.domain.change import StateChange
from flags.models import Flag
from flags.services import approval_rules, lists, rollout
from tests.chromium import RENEWS

pytestmark = pytest.mark.browser
PageAs = Callable[..., Page]
KEY = "atomicMeltOperations"
FLAG = f"/admin/flags/flagstate/at/production/{KEY}/"
BEN = Actor("ben", ActorKind.PERSON)


@pytest.fixture
def who(operator_actor: Actor, now: datetime) -> dict[str, Any]:
    return {"actor": operator_actor, "reason": "tests", "now": now}


@pytest.fixture
def quarter(flag: Flag, who: dict[str, Any]) -> Flag:
    """On for 5 % of production, where a raise by more than 20 points and every promotion need approval."""
    rollout.change(KEY, "production", StateChange(enabled=True, percentage=5), **who)
    approval_rules.define("production", {"raise": {"above": 20}, "promotion": {}}, **who)
    return flag


def standing() -> tuple[bool, float]:
    state = flags.selectors.state(KEY, "production")
    return state.enabled, float(state.percentage)


def press(page: Page, name: str) -> None:
    """Reach a link or button and press it, as one does without a mouse."""
    page.get_by_role("link", name=name, exact=True).focus()
    page.keyboard.press("Enter")


def test_one_asks_another_approves_it_is_applied_and_taken_back_by_keyboard(page_as: PageAs, quarter: Flag) -> None:
    olga, anna = page_as("operator"), page_as("approver")
    olga.clock.install()
    olga.goto(FLAG)
    press(olga, "Set percentage")
    dialog = olga.get_by_role("dialog")
    dialog.get_by_label("Percentage of npubs").fill("50")
    dialog.get_by_label("Reason").fill("All is calm")
    olga.keyboard.press("Control+Enter")
    expect(dialog).to_contain_text("This needs the approval of one other person")
    expect(dialog.get_by_label("Reason")).to_have_value("All is calm")
    expect(dialog.get_by_role("button", name="Ask for approval")).to_be_focused()
    olga.keyboard.press("Enter")
    expect(olga.get_by_text("waits for approval")).to_be_visible()
    expect(olga.get_by_role("link", name="Approve", exact=True)).to_have_count(0)
    assert standing() == (True, 5)

    anna.goto("/admin/")
    expect(anna.get_by_role("region", name="Waits for you")).to_contain_text(f"Set percentage: {KEY}")
    anna.get_by_role("region", name="Waits for you").get_by_role("link", name="Set percentage").press("Enter")
    expect(anna.get_by_role("region", name="What it changes")).to_contain_text("50")
    press(anna, "Approve")
    expect(anna.get_by_role("dialog")).to_contain_text("percentage 5 → 50")
    anna.get_by_role("dialog").get_by_label("Comment (optional)").fill("Error rate is 0.1 %")
    anna.keyboard.press("Control+Enter")
    expect(anna.get_by_text("Approved. It can be applied.")).to_be_visible()

    olga.clock.fast_forward(RENEWS)
    expect(olga.get_by_text("Error rate is 0.1 %").first).to_be_visible()
    press(olga, "Apply")
    expect(olga.get_by_role("dialog").get_by_role("button", name="Apply", exact=True)).to_be_visible()
    olga.get_by_role("dialog").get_by_role("button", name="Apply", exact=True).press("Enter")
    expect(olga.get_by_text("Applied in Production.")).to_be_visible()
    assert standing() == (True, 50)
    press(olga, "Revert")
    olga.get_by_role("dialog").get_by_label("Reason").fill("Errors rise")
    olga.keyboard.press("Control+Enter")
    expect(olga.get_by_text("Taken back.")).to_be_visible()
    assert standing() == (True, 5)


def test_what_differs_is_chosen_looked_at_and_asked_for(page_as: PageAs, quarter: Flag, who: dict[str, Any]) -> None:
    rollout.change(KEY, "pre-production", StateChange(enabled=True, percentage=10), **who)
    lists.edit_allow_list(KEY, "pre-production", add=["npub1anna"], **who)
    page = page_as("operator")
    page.goto("/admin/flags/flagstate/compare/")
    expect(page.get_by_role("button", name="Promote 0 flags to Production")).to_be_disabled()
    page.get_by_label("All", exact=True).focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Promote 1 flag to Production").press("Enter")
    expect(page.get_by_role("region", name="Exactly this changes in Production")).to_contain_text(
        "1 joins the allow-list"
    )
    page.get_by_label("Reason").fill("Proven in pre-production")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text(f"In Production, {KEY} is promoted.")
    expect(page.get_by_label("Reason")).to_have_value("Proven in pre-production")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Ask for approval").press("Enter")
    expect(page.get_by_text("promoted from pre-production")).to_be_visible()
    assert ChangeRequest.objects.get().changes[0]["kind"] == "flag.promotion"
    assert standing() == (True, 5)


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_nothing_scrolls_sideways(page_as: PageAs, quarter: Flag, now: datetime, dark: bool) -> None:
    long = [f"npub1{'q' * 58}{number:02}" for number in range(12)]
    for title in ("To half of the users", "To most of the users, with testers"):
        changes = [
            Change("flag.state", KEY, {"percentage": "60", "parameters": {"severityThreshold": "HIGH" * 20}}),
            Change("flag.allow_list", KEY, {"add": long, "remove": []}),
        ]
        requests.open_request("production", changes, title=title, reason="calm", actor=BEN, now=now)
    page = page_as("approver", width=390, dark=dark)
    first = ChangeRequest.objects.order_by("id").first()
    for address in (
        "/admin/approvals/changerequest/?tab=all",
        f"/admin/approvals/changerequest/{first.pk}/change/",  # type: ignore[union-attr]
        f"/admin/approvals/changerequest/{first.pk}/edit/",  # type: ignore[union-attr]
        "/admin/flags/flagstate/compare/?show=all",
        f"/admin/flags/flagstate/promote/?source=production&target=pre-production&flag={KEY}",
    ):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") == 390, address
