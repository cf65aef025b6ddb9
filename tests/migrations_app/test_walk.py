"""The whole way of a migration on the screens, with two people and a worker: waiver, dry run, canary, and back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from migrations_app import selectors
from tests.migrations_app.engine import raw
from tests.migrations_app.ground import Ground

pytestmark = pytest.mark.browser
PageAs = Callable[..., Page]


def say(page: Page, command: str, reason: str = "") -> None:
    """Press the button of a command, and its own in the dialog."""
    page.get_by_role("link", name=command, exact=True).click()
    dialog = page.get_by_role("dialog")
    if reason:
        dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name=command, exact=True).click()
    expect(dialog).to_have_count(0)


def test_two_people_bring_a_migration_through_its_canary_and_back(ground: Ground, page_as: PageAs) -> None:
    database = ground.databases["production"]
    before = raw(database)
    operator, approver = page_as("operator"), page_as("approver", width=390, dark=True)

    approver.goto(reverse("admin:migrations_app_readiness_in", args=["production"]))
    approver.get_by_role("row").filter(has_text="Backup").get_by_role("link", name="Waive").click()
    dialog = approver.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("seen by hand")
    dialog.get_by_role("button", name="Waive").click()
    expect(approver.get_by_text("Nothing holds a migration up")).to_be_visible()

    operator.goto(f"{reverse('admin:migrations_app_plan')}?environment=production&number=002")
    operator.get_by_label("Canary").fill("10")
    operator.get_by_label("Reason").fill("week 2")
    operator.get_by_role("button", name="Dry run").click()
    expect(operator.get_by_text("60 of 60").first).to_be_visible()
    operator.get_by_role("button", name="Ask for this run").click()
    expect(operator.get_by_text("requested").first).to_be_visible()
    row = selectors.runs("production").get()

    approver.goto(reverse("admin:migrations_app_migrationrun_change", args=[row.pk]))
    say(approver, "Approve and begin")
    assert approver.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ground.work()
    say(operator, "Go on with the rest", "the canary is right")  # its page has renewed itself
    ground.work()
    expect(operator.get_by_text("60 of 60").or_(operator.get_by_text("72 of 72")).first).to_be_visible()
    expect(operator.get_by_text("The journal is kept until")).to_be_visible()

    say(operator, "Roll back", "a drill")
    down = selectors.runs("production").filter(of=row).get()
    approver.goto(reverse("admin:migrations_app_migrationrun_change", args=[down.pk]))
    say(approver, "Approve and begin")
    ground.work()
    operator.goto(reverse("admin:migrations_app_migrationrun_change", args=[row.pk]))
    expect(operator.get_by_text("rolled back").first).to_be_visible()
    assert raw(database) == before
