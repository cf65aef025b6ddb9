"""The story of a flag as an operator lives it: in a real browser, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error, Page, expect

import flags.selectors
from core.actors import Actor
from flags.models import Flag
from flags.services import rollout
from tests.chromium import RENEWS

pytestmark = pytest.mark.browser
PageAs = Callable[..., Page]
KEY = "atomicMeltOperations"
LIST = "/admin/flags/flagstate/"
FLAG = f"{LIST}at/production/{KEY}/"


@pytest.fixture
def quarter(flag: Flag, operator_actor: Actor, now: datetime) -> Flag:
    """The flag is on for 25 % in production."""
    rollout.enable(KEY, "production", actor=operator_actor, reason="week 5", now=now)
    rollout.set_rollout(KEY, "production", 25, actor=operator_actor, reason="week 5", now=now)
    return flag


def test_signing_in_leads_home(page_as: PageAs, flag: Flag) -> None:
    page = page_as("operator")
    page.context.clear_cookies()
    page.goto("/")
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill("operator")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def test_an_operator_switches_a_flag_on_with_a_reason_and_finds_it_in_the_history(page_as: PageAs, flag: Flag) -> None:
    page = page_as("operator")
    page.goto(LIST)
    row = page.get_by_role("row").filter(has_text=KEY).first
    row.get_by_role("link", name="Enable").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{KEY} goes on for nobody in Production, at once.")
    dialog.get_by_role("button", name="Enable in Production").click()
    expect(dialog).to_contain_text("Say why")
    dialog.get_by_label("Reason").fill("Week 5 begins")
    dialog.get_by_role("button", name="Enable in Production").click()
    expect(page.get_by_text(f"{KEY} is on for nobody in Production.")).to_be_visible()
    history = page.get_by_role("region", name="Last changes in Production")
    expect(history).to_contain_text("Week 5 begins")
    expect(history).to_contain_text("operator")


def test_the_dialog_says_what_a_percentage_does_while_it_is_typed(page_as: PageAs, quarter: Flag) -> None:
    page = page_as("operator")
    page.goto(FLAG)
    page.get_by_role("link", name="Set percentage").click()
    dialog = page.get_by_role("dialog")
    percentage = dialog.get_by_label("Percentage of npubs")
    percentage.fill("60")
    expect(dialog).to_contain_text("From 25 % to 60 %.")
    percentage.fill("101")
    expect(dialog).to_contain_text("A rollout is 0 to 100 percent, not 101.")
    dialog.get_by_label("Reason").fill("typed with care")
    dialog.get_by_role("button", name="Set percentage in Production").click()
    expect(dialog.locator("[aria-invalid=true]")).to_have_value("101")
    expect(dialog.get_by_label("Reason")).to_have_value("typed with care")
    dialog.get_by_label("Percentage of npubs").fill("50")
    dialog.get_by_role("button", name="Set percentage in Production").click()
    expect(page.get_by_text("On for 50 % of npubs")).to_be_visible()


def test_an_emergency_disable_takes_seven_keys_and_a_reason(page_as: PageAs, quarter: Flag) -> None:
    page = page_as("operator")
    page.goto(FLAG)
    button = page.get_by_role("link", name="Emergency disable")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name=f"Emergency disable: {KEY}")
    expect(dialog).to_contain_text("It is on for 25 % of all npubs: they all lose it")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Emergency disable")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("Melts fail")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Switched off in an emergency")).to_be_visible()
    state = flags.selectors.state(KEY, "production")
    assert (state.enabled, state.percentage, state.disabled_reason) == (False, 0, "Melts fail")


def test_the_focus_stays_in_the_dialog(page_as: PageAs, quarter: Flag) -> None:
    page = page_as("operator")
    page.goto(FLAG)
    page.get_by_role("link", name="Emergency disable").click()
    expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()
    inside = "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate(inside)


def test_a_command_works_without_scripts_as_a_page_of_its_own(page_as: PageAs, quarter: Flag, web: str) -> None:
    signed_in = page_as("operator")
    context = signed_in.context.browser.new_context(java_script_enabled=False, base_url=web)  # type: ignore[union-attr]
    context.add_cookies(signed_in.context.cookies())  # type: ignore[arg-type]
    page = context.new_page()
    state = flags.selectors.state(KEY, "production")
    page.goto(f"{LIST}{state.pk}/rollout/")
    page.fill("[name=percentage]", "30")
    page.fill("[name=reason]", "no scripts here")
    page.click("form.ops-form button[type=submit]")
    context.close()
    assert flags.selectors.state(KEY, "production").percentage == 30


def test_pasted_npubs_are_counted_before_they_are_added(page_as: PageAs, flag: Flag) -> None:
    page = page_as("operator")
    page.goto(FLAG)
    page.locator("a[href$='/allow-list/']").last.click()
    page.get_by_role("link", name="Add or remove").click()
    page.get_by_label("npubs", exact=False).last.fill("npub1a\nnpub1b\nnpub1a")
    page.get_by_label("Reason").fill("testers")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("2 new npubs will be added")).to_be_visible()
    page.get_by_role("button", name="Add 2 in Production").click()
    expect(page.get_by_text("2 added, 1 repeated in what you gave. The list has 2 npubs.")).to_be_visible()


def test_a_change_by_somebody_else_appears_by_itself_and_keeps_the_focus(
    page_as: PageAs, quarter: Flag, operator_actor: Actor, now: datetime
) -> None:
    page = page_as("operator")
    page.clock.install()
    page.goto(FLAG)
    page.get_by_role("link", name="Set percentage").focus()
    rollout.set_rollout(KEY, "production", 75, actor=operator_actor, reason="elsewhere", now=now)
    page.clock.fast_forward(RENEWS)
    expect(page.get_by_text("On for 75 % of npubs")).to_be_visible()
    expect(page.get_by_role("link", name="Set percentage")).to_be_focused()


def test_a_viewer_looks_and_asks_why_but_is_offered_no_change(page_as: PageAs, quarter: Flag) -> None:
    page = page_as("viewer")
    page.goto(FLAG)
    expect(page.get_by_text("On for 25 % of npubs")).to_be_visible()
    expect(page.get_by_role("link", name="Emergency disable")).to_have_count(0)
    page.get_by_role("textbox", name="npub").fill("npub1somebody")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("the first 25 %.")).to_be_visible()


def test_a_token_is_copied_once(page_as: PageAs, flag: Flag) -> None:
    page = page_as("administrator")
    page.goto("/admin/flags/apitoken/")
    page.get_by_role("link", name="Create a token").click()
    page.get_by_label("Name").fill("nctool")
    page.get_by_label("evaluate").check()
    page.get_by_role("button", name="Create the token").click()
    text = page.get_by_label("The token").input_value()
    assert text.startswith("nct_")
    page.get_by_role("link", name="I have it").click()
    expect(page.get_by_role("row").filter(has_text="nctool")).to_contain_text("live")
    with suppress(Error):  # the browser has nothing to go back to: ERR_CACHE_MISS
        page.go_back()
    expect(page.locator("body")).not_to_contain_text(text)
    expect(page.locator(f"input[value='{text}']")).to_have_count(0)


def test_no_page_asks_another_host_for_anything(page_as: PageAs, quarter: Flag, web: str) -> None:
    page = page_as("administrator")
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    for address in ("/admin/", LIST, FLAG, "/admin/core/event/", "/admin/flags/apitoken/", "/admin/core/user/"):
        page.goto(address)
    assert hosts == {urlsplit(web).netloc}
