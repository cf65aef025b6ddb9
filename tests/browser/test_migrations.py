"""A migration in a real Chromium: planned, tried, asked for, approved by another person, run, and taken back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from migrations_app.domain.states import RunState
from migrations_app.models import MigrationRun
from migrations_app.services import requesting
from tests.browser.test_home import CONTROLS_WITHOUT_NAME, WEAK_CONTRAST
from tests.migrations_app.engine import raw
from tests.migrations_app.ground import CHANGES, OPERATOR, Ground, ground  # noqa: F401

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)
PageAs = Callable[..., Page]
LIST = "/admin/migrations_app/migrationrun/"


def press(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).focus()
    page.keyboard.press("Enter")


def approve(page: Page, address: str) -> None:
    page.goto(address)
    press(page, "Approve and begin")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("You say yes to exactly this")
    dialog.get_by_role("button", name="Approve and begin").press("Enter")
    expect(page.get_by_text("Approved. This page shows how far it is.")).to_be_visible()


def test_a_run_is_planned_tried_asked_for_approved_run_and_taken_back(
    page_as: PageAs,
    ground: Ground,  # noqa: F811
) -> None:
    ground.waive("production")
    before = raw(ground.databases["production"])
    olga, paul = page_as("operator"), page_as("approver", width=390, height=844, dark=True)

    olga.goto(f"{LIST}?environment=production")
    press(olga, "Plan a run")
    olga.get_by_label("Reason").fill("week 2")
    olga.get_by_role("button", name="Dry run").press("Enter")
    dry = olga.locator("#dry-run")
    expect(dry).to_contain_text(str(CHANGES))
    expect(dry).to_contain_text("Another person has a day to approve exactly this")
    expect(olga.get_by_text("60 of 60 documents")).to_be_visible()
    expect(olga.get_by_label("After", exact=True).first).to_contain_text('"version": "2.0.0"')
    assert raw(ground.databases["production"]) == before
    olga.get_by_role("button", name="Ask for this run").press("Enter")
    expect(olga.get_by_text("waits for approval")).to_be_visible()
    expect(olga.get_by_text("You asked for this: another person has to approve it.")).to_be_visible()

    approve(paul, olga.url)
    expect(olga.get_by_text("waits for a worker")).to_be_visible()  # by itself
    ground.work()
    for page in (olga, paul):
        expect(page.locator("#run-title")).to_contain_text("completed")
        expect(page.get_by_text("20 wallets; 0 have become wrong, 0 have moved")).to_be_visible()
    assert ground.databases["production"].cashutokens.count_documents({"metadata.migrated": True}) == 60

    press(olga, "Documents, before and after")
    olga.get_by_role("row").nth(1).get_by_role("link").press("Enter")
    expect(olga.get_by_text("What a rollback would make of it now")).to_be_visible()
    expect(olga.get_by_text("Byte for byte as it was before the run.")).to_be_visible()
    olga.go_back()
    olga.go_back()

    press(olga, "Roll back")
    dialog = olga.get_by_role("dialog")
    expect(dialog).to_contain_text(f"each of {CHANGES} changes is put back")
    olga.get_by_label("Reason").fill("numbers look odd")
    olga.keyboard.press("Control+Enter")
    expect(olga.get_by_text("Asked for. Nothing changes until another person approves it.")).to_be_visible()
    approve(paul, olga.url)
    ground.work()
    for page in (olga, paul):
        expect(page.locator("#run-title")).to_contain_text("completed")
        expect(page.get_by_text("Byte for byte as it was before the run.")).to_be_visible()
    up, down = MigrationRun.objects.order_by("id")
    assert (up.state, down.state) == (RunState.ROLLED_BACK, RunState.COMPLETED)
    assert raw(ground.databases["production"]) == before
    assert paul.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_what_is_unfolded_stays_so_while_the_page_renews_itself(
    page_as: PageAs,
    ground: Ground,  # noqa: F811
) -> None:
    row = ground.completed(canary=10)
    page = page_as("operator")
    page.goto(f"{LIST}{row.pk}/change/")
    expect(page.get_by_text("waits after its canary")).to_be_visible()
    wallets = page.locator("details#wallets")
    wallets.get_by_text("A sample of wallets").click()
    expect(wallets).not_to_have_attribute("open", "")
    MigrationRun.objects.filter(pk=row.pk).update(progress={**row.progress, "operation": "Another one"})
    expect(page.get_by_text("Another one")).to_be_visible()
    expect(wallets).not_to_have_attribute("open", "")

    press(page, "Go on with the rest")
    page.get_by_role("dialog").get_by_role("button", name="Go on with the rest").click()
    expect(page.get_by_text("It goes on.")).to_be_visible()
    ground.work()
    expect(page.locator("#run-title")).to_contain_text("completed")


def test_pages_fit_their_width_have_contrast_and_name_their_controls(
    page_as: PageAs,
    ground: Ground,  # noqa: F811
) -> None:
    done = ground.completed()
    tokens = ground.databases["staging"].cashutokens
    tokens.update_one({"amount": 3}, {"$set": {"metadata.version": "9"}})
    tokens.delete_one({"amount": 6})
    down = requesting.request_rollback(done.uid, reason="odd", actor=OPERATOR, now=timezone.now())
    ground.work()
    asked, held = ground.ask("production", canary=10), ground.completed(canary=10)
    pages = [f"{LIST}{row.pk}/change/" for row in (done, down, asked, held)]
    pages += [f"{LIST}{done.pk}/{name}/" for name in ("documents", "documents/1/3", "roll-back")]
    pages += [LIST, f"{LIST}{held.pk}/speed/", f"{LIST}{asked.pk}/approve/", "/admin/migrations_app/migrationlog/"]
    plan = f"{LIST}plan/?environment=production&number=002"
    flaws: list[str] = []
    for width, dark in ((390, True), (390, False), (1440, True), (1440, False)):
        page = page_as("approver", width=width, dark=dark)
        for address in [*pages, plan]:
            page.goto(address)
            page.wait_for_load_state()
            if address == plan:
                page.get_by_role("button", name="Dry run").click()
                expect(page.locator("#dry-run")).to_be_visible()
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                flaws.append(f"{address} at {width}: scrolls sideways")
            flaws += [f"{address}: no name: {control}" for control in page.evaluate(CONTROLS_WITHOUT_NAME)]
            flaws += [f"{address}: contrast {text}" for text in page.evaluate(WEAK_CONTRAST)]
    assert not flaws, "\n".join(flaws)
