"""A rollback in a real Chromium: one asks, a second person confirms, everybody sees each step, until it is done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

import flags.selectors
from flags.models import Flag
from rollbacks.models import Rollback
from rollbacks.services import running
from rollouts.services import validation
from tests.browser.test_home import CONTROLS_WITHOUT_NAME, WEAK_CONTRAST
from tests.rollbacks.conftest import BAD, GOOD, KEY, Cluster, all_pass, cluster, on  # noqa: F401

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)
PageAs = Callable[..., Page]
LIST = "/admin/rollbacks/rollback/"


def work() -> None:
    """What the workers do at one tick."""
    running.advance(clock=timezone.now)
    validation.run_due(now=timezone.now(), every=timedelta(0), apart=all_pass)


def press(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).focus()
    page.keyboard.press("Enter")


def fill(page: Page, component: str, flag: str = "") -> None:
    page.goto(f"{LIST}ask/")
    page.get_by_label("Environment").select_option("production")
    page.get_by_label("What goes back").select_option(component)
    page.get_by_label("Feature").select_option(flag)
    page.get_by_label("Reason").fill("Error rate 7 % since 09:00")


@pytest.mark.usefixtures("cluster")
def test_one_asks_a_second_person_confirms_and_both_see_it_done(page_as: PageAs) -> None:
    olga, anna = page_as("operator"), page_as("approver")
    fill(olga, "all")
    plan = olga.locator("#form-preview")
    expect(plan).to_contain_text(f"{KEY}: 25 % → off")
    expect(plan).to_contain_text(f"revision 3 ({BAD}) → revision 2 ({GOOD})")
    expect(plan).to_contain_text("No migration has been run here")
    olga.get_by_role("button", name="Ask for it").press("Enter")
    expect(olga.get_by_text("waits for a second person")).to_be_visible()
    expect(olga.get_by_role("link", name="Confirm and begin")).to_have_count(0)
    assert flags.selectors.state(KEY, "production").enabled

    anna.goto("/admin/")
    anna.get_by_role("region", name="Waits for you").get_by_role("link", name="Everything").press("Enter")
    press(anna, "Confirm and begin")
    expect(anna.get_by_role("dialog")).to_contain_text(f"revision 2 ({GOOD})")
    anna.get_by_role("dialog").get_by_role("button", name="Confirm and begin").press("Enter")
    expect(anna.get_by_text("Confirmed. It is under way")).to_be_visible()
    assert not flags.selectors.state(KEY, "production").enabled
    expect(olga.get_by_text(f"Off: {KEY}.").first).to_be_visible()  # by itself

    for _ in range(6):
        work()
    for page in (olga, anna):
        expect(page.get_by_text("2 pods of it ready: nctool-0, nctool-1.").first).to_be_visible()
        expect(page.get_by_text("Rollback completed")).to_be_visible()
    assert Rollback.objects.get().state == "done"


def test_a_step_that_fails_is_told_with_its_commands_and_done_by_hand(
    page_as: PageAs,
    cluster: Cluster,  # noqa: F811
) -> None:
    olga, anna = page_as("operator"), page_as("approver", width=390, height=844, dark=True)
    fill(olga, "application")
    olga.get_by_role("button", name="Ask for it").click()
    expect(olga.get_by_text("waits for a second person")).to_be_visible()
    anna.goto(olga.url)
    press(anna, "Confirm and begin")
    anna.get_by_role("dialog").get_by_role("button", name="Confirm and begin").click()
    expect(anna.get_by_text("Confirmed. It is under way")).to_be_visible()
    cluster.set(paused=True)
    work()
    expect(anna.get_by_text("The deployment is paused").first).to_be_visible()
    expect(anna.get_by_text("rollout undo deployment/nctool --to-revision=2")).to_be_visible()
    assert anna.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    press(anna, "Done by hand")
    anna.get_by_label("What was done, and what was seen").fill("resumed, undone to 2, 2 of 2 ready")
    anna.keyboard.press("Control+Enter")
    expect(anna.get_by_text("By hand, by approver: resumed, undone to 2").first).to_be_visible()
    assert cluster.state["undone"] == 0


def test_a_refusal_stays_in_the_form_and_keeps_what_was_typed(page_as: PageAs, flag: Flag) -> None:
    olga: Any = page_as("operator", width=390, height=844)
    fill(olga, "feature", KEY)
    expect(olga.locator("#form-preview")).to_contain_text("is off in Production already")
    olga.get_by_role("button", name="Ask for it").click()
    expect(olga.get_by_text("there is nothing to take back").first).to_be_visible()
    expect(olga.get_by_label("Reason")).to_have_value("Error rate 7 % since 09:00")
    assert olga.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.usefixtures("cluster")
def test_another_revision_is_chosen_beside_the_form(page_as: PageAs) -> None:
    olga = page_as("operator", width=390)
    fill(olga, "application")
    expect(olga.locator("#form-preview")).to_contain_text("runs now")
    assert olga.evaluate(CONTROLS_WITHOUT_NAME) + olga.evaluate(WEAK_CONTRAST) == []
    assert not olga.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    olga.get_by_role("radio", name="revision 1").check()
    expect(olga.get_by_role("radio", name="revision 3")).to_be_disabled()
    expect(olga.locator("#form-preview")).to_contain_text("revision 1 (nctool:1.9.3), chosen")
    olga.get_by_role("button", name="Ask for it").press("Enter")
    expect(olga.get_by_text("revision 1 (nctool:1.9.3), chosen")).to_be_visible()
    assert Rollback.objects.get().chosen["image"] == "nctool:1.9.3"
