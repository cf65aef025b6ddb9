"""The freezes in a real browser: planned while the preview follows, seen on the month, let through in a dialog."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from core import freezes, freezing
from core.actors import Actor
from core.freezing import Plan
from core.models import Environment, Freeze
from flags.models import Flag

pytestmark = pytest.mark.browser
Pages = Callable[..., Page]


@pytest.fixture
def frozen(flag: Flag, operator_actor: Actor) -> Freeze:
    """Production is frozen now, for a day and a half."""
    now = timezone.now()
    starts = f"{now - timedelta(hours=6):%Y-%m-%dT%H:%M}"
    wanted = Plan("Pay day", "Wallets melt ten times as much.", ["production"], "UTC", starts, 36 * 3600)
    return freezing.plan(wanted, actor=operator_actor, now=now)


def test_an_approver_plans_a_freeze_by_words_and_sees_it_on_the_month(page_as: Pages, flag: Flag) -> None:
    page = page_as("approver")
    page.goto("/admin/core/freeze/?month=2031-05")
    page.get_by_role("link", name="Plan a freeze").click()
    page.get_by_label("Name").fill("Month end")
    page.get_by_label("Reason").fill("The books are closed.")
    page.get_by_label("Production, protected").check()
    page.get_by_label("Starts").fill("2031-05-30T18:00")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_label("Lasts").fill("14")
    expect(page.get_by_label("Rule")).to_be_hidden()
    page.get_by_label("Repeats").select_option("last_working_day")
    expect(page.locator("#form-preview")).to_contain_text("Fri 30 May 2031 18:00 to Sat 31 May 2031 08:00 CEST")
    expect(page.locator("#form-preview li")).to_have_count(5)

    page.get_by_label("Repeats").select_option("rule")
    page.get_by_label("Rule").fill("FREQ=SECONDLY")
    expect(page.locator("#form-preview")).to_contain_text("DAILY, WEEKLY, MONTHLY or YEARLY")
    page.get_by_label("Repeats").select_option("last_working_day")
    page.get_by_role("button", name="Plan the freeze").click()

    expect(page.get_by_text("Month end is planned as shown.")).to_be_visible()
    page.goto("/admin/core/freeze/?month=2031-05")
    expect(page.locator(".freeze-bar", has_text="Month end").first).to_be_visible()
    page.get_by_role("link", name="June 2031").click()
    expect(page.get_by_role("heading", name="June 2031", exact=True)).to_be_visible()
    expect(page.locator(".freeze-bar", has_text="Month end").first).to_be_visible()


def test_the_note_on_a_flag_leads_an_approver_through_the_freeze(page_as: Pages, frozen: Freeze, flag: Flag) -> None:
    page = page_as("approver")
    state = flag.states.get(environment__key="production")
    page.goto(f"/admin/flags/flagstate/{state.pk}/change/")
    expect(page.get_by_text("Production is frozen until").first).to_be_visible()
    page.get_by_role("link", name="let changes through").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("because: Wallets melt ten times as much.")
    dialog.get_by_label("Reason").fill("The fallback is down.")
    dialog.get_by_role("button", name="Let changes through").click()

    expect(page.get_by_text("approver lets changes through until")).to_be_visible()
    production = Environment.objects.get(key="production")
    assert freezes.holding(production.pk, now=timezone.now()) is None


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_the_month_as_a_list_and_nothing_is_cut_off(page_as: Pages, frozen: Freeze, dark: bool) -> None:
    page = page_as("viewer", width=390, height=800, dark=dark)
    for address in ("/admin/core/freeze/", f"/admin/core/freeze/{frozen.pk}/change/", "/admin/"):
        page.goto(address)
        expect(page.get_by_text("Pay day").first).to_be_attached()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), address
    page.goto("/admin/core/freeze/")
    expect(page.locator(".freeze-grid")).to_be_hidden()
    expect(page.locator(".freeze-list").first).to_contain_text("Wallets melt ten times as much.")
    expect(page.get_by_role("link", name="Plan a freeze")).to_have_count(0)


def test_the_calendar_is_worked_by_keyboard(page_as: Pages, frozen: Freeze) -> None:
    page = page_as("viewer")
    page.goto("/admin/core/freeze/")
    bar = page.locator(".freeze-bar").first
    bar.focus()
    expect(bar).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="When it holds")).to_be_visible()
