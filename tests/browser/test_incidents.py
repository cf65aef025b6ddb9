"""An incident in a real Chromium: a fault opens it, it gets worse, people work on it to its end, and learn from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

import flags.selectors
from incidents.models import Incident
from incidents.services import following, watching
from rollbacks.services import running
from tests.browser.test_home import CONTROLS_WITHOUT_NAME, WEAK_CONTRAST
from tests.monitoring.conftest import Traffic
from tests.rollbacks.conftest import KEY, on  # noqa: F401

pytestmark = pytest.mark.browser
PageAs = Callable[..., Page]


def press(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).first.focus()
    page.keyboard.press("Enter")


def confirm(page: Page, name: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=name, exact=True).press("Enter")


@pytest.mark.usefixtures("on")
def test_a_fault_is_taken_from_level_one_to_its_post_mortem(page_as: PageAs) -> None:
    now = timezone.now()
    traffic = Traffic(now - timedelta(seconds=now.second % 10 + 210, microseconds=now.microsecond))
    traffic.melts(100, errors=0.03)
    watching.watch(now=traffic.at + timedelta(seconds=4))
    row = Incident.objects.get()
    assert row.level == 1

    olga, anna = page_as("operator", width=390, height=844, dark=True), page_as("approver")
    olga.goto("/admin/")
    olga.get_by_role("list", name="What needs you").get_by_role("link", name="High error rate").press("Enter")
    expect(olga.get_by_text("Nobody looks after it yet.")).to_be_visible()
    anna.goto(f"/admin/incidents/incident/{row.pk}/change/")
    press(olga, "Acknowledge")
    confirm(olga, "Acknowledge")
    expect(anna.get_by_text("operator looks after it")).to_be_visible()  # by itself

    traffic.melts(100, errors=0.2)
    watching.watch(now=traffic.at + timedelta(seconds=4))
    expect(olga.get_by_text("Level 3 critical").first).to_be_visible()  # by itself
    for page in (olga, anna):
        assert page.evaluate(CONTROLS_WITHOUT_NAME) == []
        assert page.evaluate(WEAK_CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    roll_back(olga, anna, row)
    tell_and_resolve(olga, row)
    learn(olga)


def roll_back(olga: Page, anna: Page, row: Incident) -> None:
    """By the form that the incident fills in; the incident sees that it was done."""
    press(olga, "Request the rollback")
    expect(olga.locator("#form-preview")).to_contain_text(f"{KEY}: 25 % → off")
    expect(olga.get_by_label("Evidence")).to_have_value(f"Incident {row.pk}, level 3: High error rate")
    olga.get_by_role("button", name="Ask for it").press("Enter")
    expect(olga.get_by_text("The emergency lane is open")).to_be_visible()
    following.follow(now=timezone.now())
    press(anna, f"Confirm the rollback of {KEY}")
    press(anna, "Confirm and begin")
    confirm(anna, "Confirm and begin")
    expect(anna.get_by_text("Confirmed. It is under way")).to_be_visible()
    assert not flags.selectors.state(KEY, "production").enabled
    running.advance(clock=timezone.now)
    following.follow(now=timezone.now())


def tell_and_resolve(olga: Page, row: Incident) -> None:
    olga.goto(f"/admin/incidents/incident/{row.pk}/change/")
    expect(olga.get_by_role("region", name="What to do")).to_contain_text("Execute immediate rollback")
    assert row.actions.get(does="roll_back").done_by == "approver"
    olga.get_by_role("link", name="Post an update", exact=True).first.press("Enter")
    dialog = olga.get_by_role("dialog")
    dialog.get_by_label("What is known now").fill("Rolled back; we watch it.")
    dialog.get_by_label("Users").fill("Payments work again.")
    confirm(olga, "Post an update")
    expect(olga.get_by_role("region", name="Updates")).to_contain_text("Payments work again.")
    for step in ("Monitoring", "Resolve"):
        press(olga, step)
        confirm(olga, step)
        expect(olga.get_by_role("dialog")).to_have_count(0)


def learn(olga: Page) -> None:
    """The document is begun from the timeline, and written with its look beside it."""
    press(olga, "Begin the post-mortem")
    confirm(olga, "Begin the post-mortem")
    expect(olga.get_by_role("heading", name="What went well")).to_be_visible()
    press(olga, "Write")
    text = olga.get_by_label("Text")
    text.fill(text.input_value().replace("Why it could happen", "A queue was full <script>alert(1)</script>"))
    expect(olga.locator("#post-mortem-look")).to_contain_text("A queue was full <script>")
    olga.get_by_role("button", name="Save").press("Enter")
    expect(olga.get_by_role("heading", name="Version 2")).to_be_visible()
    assert olga.evaluate(WEAK_CONTRAST) == []
