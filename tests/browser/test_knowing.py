"""Knowing what a flag does: the list, why, usage, preview, acknowledgement and undo, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

import flags.selectors
from core import environments, events
from core.actors import Actor
from flags.domain.bucketing import Bucketing
from flags.domain.change import StateChange
from flags.models import Acknowledgement, Flag, FlagState, Instance, SeenUnit, Usage
from flags.services import lists, registry, rollout
from tests.chromium import RENEWS

pytestmark = pytest.mark.browser
PageAs = Callable[..., Page]
KEY = "atomicMeltOperations"
LIST = "/admin/flags/flagstate/"


@pytest.fixture
def state(flag: Flag, operator_actor: Actor) -> FlagState:
    """On for 25 % in production since a minute ago, with one npub on the list; a second flag is off."""
    about: dict[str, Any] = {"actor": operator_actor, "reason": "week 5", "now": timezone.now() - timedelta(minutes=1)}
    registry.define("second", name="Second", description="", bucketing=Bucketing.MURMUR3, **about)
    lists.edit_allow_list(KEY, "production", add=["npub1listed"], **about)
    rollout.change(KEY, "production", StateChange(enabled=True, percentage=25), **about)
    return flags.selectors.state(KEY, "production")


def test_two_flags_are_changed_at_once_from_the_list(page_as: PageAs, state: FlagState) -> None:
    page = page_as("operator")
    page.goto(LIST)
    for key in (KEY, "second"):
        page.get_by_role("row").filter(has_text=key).get_by_role("checkbox").check()
    page.locator("select[name=action]").select_option("percentage")
    page.locator("button[name=index]").click()
    page.get_by_label("Percentage of npubs").fill("12.5")
    page.get_by_label("Reason").fill("one step for all")
    page.get_by_role("button", name="Set percentage of 2 flags in Production").click()
    expect(page.get_by_text(f"{KEY} stands at 25 %. This flag moves in steps of 1 percent")).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value("one step for all")
    page.get_by_label("Percentage of npubs").fill("12")
    page.get_by_role("button", name="Set percentage of 2 flags in Production").click()
    expect(page.get_by_text("Set percentage in Production: done for 2.")).to_be_visible()
    assert {flags.selectors.state(key, "production").percentage for key in (KEY, "second")} == {12}


def test_support_finds_out_on_a_phone_what_an_npub_got(page_as: PageAs, state: FlagState) -> None:
    page = page_as("viewer", width=390, height=844)
    page.goto(LIST)
    page.get_by_role("link", name="Why for an npub?").click()
    page.get_by_label("npub", exact=True).fill("npub1listed")
    page.get_by_label("Flag, any part of it").fill("melt")
    page.get_by_role("button", name="Ask").click()
    past = page.get_by_role("region", name=re.compile("over time"))
    expect(past.get_by_role("listitem").first).to_contain_text("The npub is on the allow-list.")
    expect(past.get_by_role("listitem").last).to_contain_text("The flag is disabled.")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_dialog_names_who_joins_while_a_percentage_is_typed(page_as: PageAs, state: FlagState) -> None:
    SeenUnit.objects.bulk_create(
        SeenUnit(environment=state.environment, unit=f"user-{number}", seen_on=timezone.now().date())
        for number in range(1, 41)
    )
    page = page_as("operator")
    page.goto(f"{LIST}{state.pk}/change/")
    page.get_by_role("link", name="Set percentage").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Percentage of npubs").fill("60")
    expect(dialog).to_contain_text("Of 40 npubs that were asked about lately")
    expect(dialog).to_contain_text("Get it, for example")
    dialog.get_by_label("Percentage of npubs").fill("26")
    expect(dialog).to_contain_text("The hash clusters the known npubs")


def test_usage_is_drawn_and_told_as_a_table(page_as: PageAs, state: FlagState) -> None:
    at = timezone.now().replace(minute=0, second=0, microsecond=0)
    Usage.objects.bulk_create(
        Usage(environment=state.environment, flag_key=KEY, variant=variant, at=at - timedelta(hours=hour), count=50)
        for variant in ("on", "off")
        for hour in range(10)
    )
    page = page_as("viewer")
    page.goto(f"{LIST}{state.pk}/usage/")
    drawn = "Chart.getChart(document.querySelector('canvas.chart')).data.datasets.map((each) => each.label).join()"
    page.wait_for_function("window.Chart && Chart.getChart(document.querySelector('canvas.chart'))")
    assert page.evaluate(drawn) == "on,off"
    page.get_by_text("The chart as a table").click()
    expect(page.get_by_role("region", name="Answers by variant, as a table").get_by_role("row")).to_have_count(11)
    page.get_by_role("link", name="7 days").click()
    expect(page.get_by_text("1,000").first).to_be_visible()


def test_the_page_of_a_change_follows_it_through_the_processes(page_as: PageAs, state: FlagState) -> None:
    event = events.about(f"flag:{KEY}", environment_id=state.environment_id).first()
    now = timezone.now()
    one, other = (
        Instance.objects.create(
            environment=environments.get("production"),
            name=name,
            kind="client",
            started_at=now - timedelta(hours=1),
            seen_at=now + timedelta(hours=1),
        )
        for name in ("pay-1", "pay-2")
    )
    made = {"version": state.configuration, "at": event.at + timedelta(seconds=0.2)}
    Acknowledgement.objects.create(instance=one, **made)
    page = page_as("viewer")
    page.clock.install()
    page.goto(f"/admin/core/event/{event.pk}/change/")
    spread = page.get_by_role("region", name=re.compile("Who has taken it"))
    expect(spread).to_contain_text("Seen by 1 of 2 in 0.20 s")
    expect(spread).to_contain_text("pay-2")
    Acknowledgement.objects.create(instance=other, **made)
    page.clock.fast_forward(RENEWS)
    expect(spread).to_contain_text("Seen by 2 of 2 in 0.20 s")
    expect(spread).to_contain_text("everywhere")


def test_a_change_is_undone_from_the_history_of_the_flag(page_as: PageAs, state: FlagState, now: datetime) -> None:
    page = page_as("operator")
    page.goto(f"{LIST}{state.pk}/history/")
    page.get_by_role("listitem").filter(has_text="Flag enabled").get_by_role("link", name="Undo").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("percentage: 25 → 0")
    dialog.get_by_label("Reason").fill("wrong flag")
    dialog.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(re.compile(r"Event \d+ is undone\."))).to_be_visible()
    assert not flags.selectors.state(KEY, "production").enabled
