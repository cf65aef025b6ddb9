"""The story of a ramp in a real Chromium: started by the form, steered by dialogs, held and resumed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from core import events
from rollouts.models import Ramp
from tests.chromium import RENEWS
from tests.rollouts.conftest import template  # noqa: F401

pytestmark = pytest.mark.browser
PageAs = Callable[..., Page]


def dialog(page: Page, command: str, reason: str, *, confirm: str) -> None:
    """Open the command's dialog, say why, and confirm."""
    page.get_by_role("link", name=command, exact=True).click()
    opened = page.get_by_role("dialog")
    expect(opened).to_be_visible()
    opened.get_by_label("Reason").fill(reason)
    opened.get_by_role("button", name=confirm).click()
    expect(opened).to_be_hidden()


@pytest.mark.usefixtures("template")
def test_a_ramp_is_started_steered_held_and_resumed_in_the_browser(page_as: PageAs, web: str) -> None:
    page = page_as("operator")
    hosts: set[str] = set()

    def note(request: Request) -> None:
        if not request.url.startswith("data:"):
            hosts.add(urlsplit(request.url).netloc)

    page.on("request", note)
    page.goto("/admin/rollouts/ramp/")
    page.get_by_role("link", name="Start a ramp").first.click()
    plan = page.locator("#ramp-plan")
    expect(plan).to_contain_text("Choose a ramp and an environment")
    page.get_by_label("Ramp", exact=False).first.select_option("atomic-phased")
    page.get_by_label("Environment").select_option("production")
    expect(plan).to_contain_text("transactionTimeout = 30000")
    page.get_by_text("For a rehearsal").click()
    page.get_by_label("Seconds between steps").fill("60")
    expect(plan).to_contain_text("in 4 min")
    page.get_by_role("button", name="Start the ramp").click()
    expect(page.get_by_text("This environment is protected: say why you change it.")).to_be_visible()
    page.get_by_label("Reason").fill("rehearsal of weeks 5 and 6")
    page.get_by_role("button", name="Start the ramp").click()

    page.wait_for_url(re.compile(r"/ramp/\d+/change/"))
    expect(page.locator(".ramp-head")).to_contain_text("running")
    timeline = page.locator(".ops-timeline > li")
    expect(timeline.nth(0)).to_contain_text("next")

    dialog(page, "Advance now", "the team is watching", confirm="Advance now in Production")
    expect(timeline.nth(0)).to_contain_text("by operator")
    expect(timeline.nth(1)).to_contain_text("next")
    expect(page.locator(".ramp-now")).to_contain_text("enabled for its allow-list only")

    dialog(page, "Hold", "mint maintenance", confirm="Hold in Production")
    expect(page.locator(".ops-note[data-tone=warn]")).to_contain_text("mint maintenance")
    expect(page.get_by_role("link", name="Advance now")).to_have_count(0)

    dialog(page, "Resume", "maintenance is over", confirm="Resume in Production")
    dialog(page, "Skip the next step", "10 % was proven in staging", confirm="Skip the next step in Production")
    expect(timeline.nth(1)).to_contain_text("Skipped")
    expect(timeline.nth(2)).to_contain_text("next")

    dialog(page, "Roll back", "wallets report failures", confirm="Roll back in Production")
    expect(page.locator(".ramp-head")).to_contain_text("rolled back")
    expect(page.locator(".ramp-now")).to_contain_text("off")
    told = [event.reason for event in events.about(f"ramp:{Ramp.objects.get().pk}")]
    assert told[::-1] == [
        "rehearsal of weeks 5 and 6",
        "the team is watching",
        "mint maintenance",
        "maintenance is over",
        "10 % was proven in staging",
        "wallets report failures",
    ]
    assert hosts == {urlsplit(web).netloc}


@pytest.mark.usefixtures("template")
def test_the_page_renews_itself_without_losing_focus_or_place(page_as: PageAs) -> None:
    from django.utils import timezone

    from core.actors import Actor, ActorKind
    from rollouts.services import starting, steering

    olga, now = Actor("olga", ActorKind.PERSON), timezone.now()
    ramp = starting.start("atomic-phased", "production", actor=olga, reason="go", now=now)
    page = page_as("operator", height=500)
    page.clock.install()
    page.goto(f"/admin/rollouts/ramp/{ramp.pk}/change/")
    page.get_by_role("link", name="Hold", exact=True).focus()
    page.evaluate("window.scrollTo(0, 200)")
    steering.advance(ramp.pk, actor=olga, reason="by another person", now=timezone.now())
    page.clock.fast_forward(RENEWS)
    expect(page.locator(".ops-timeline > li").nth(0)).to_contain_text("by olga")
    assert page.evaluate("document.activeElement.textContent").endswith("Hold")
    assert page.evaluate("window.scrollY") == 200


@pytest.mark.usefixtures("template")
def test_the_next_step_is_shown_in_the_reader_s_zone_too_and_is_moved_by_a_dialog(page_as: PageAs) -> None:
    from django.utils import timezone

    from core.actors import Actor, ActorKind
    from rollouts.services import starting

    olga = Actor("olga", ActorKind.PERSON)
    ramp = starting.start("atomic-phased", "production", actor=olga, reason="go", now=timezone.now())
    page = page_as("operator", zone="Asia/Tokyo")
    page.clock.install()
    page.goto(f"/admin/rollouts/ramp/{ramp.pk}/change/")
    page.get_by_role("link", name="Move the next step", exact=True).click()
    opened = page.get_by_role("dialog")
    opened.get_by_label("Next step at").fill(f"{timezone.now() + timedelta(days=2):%Y-%m-%d}T20:00")
    opened.get_by_label("Reason").fill("bank holiday")
    opened.get_by_role("button", name="Move the next step").click()
    due = page.locator(".ramp-now time")
    expect(due).to_contain_text("20:00:00 UTC")
    expect(due).to_contain_text(re.compile("05:00 for you$"))
    page.clock.fast_forward(RENEWS)
    expect(due).to_contain_text(re.compile("05:00 for you$"))
    ramp.refresh_from_db()
    assert ramp.version == 2


@pytest.mark.usefixtures("template")
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_scrolls_sideways_on_a_phone(page_as: PageAs, dark: bool) -> None:
    from django.utils import timezone

    from core.actors import Actor, ActorKind
    from rollouts.services import starting

    olga = Actor("olga", ActorKind.PERSON)
    ramp = starting.start("atomic-phased", "production", actor=olga, reason="go", now=timezone.now())
    page = page_as("operator", width=390, height=844, dark=dark)
    for address in ("", "add/?template=atomic-phased&environment=staging", f"{ramp.pk}/change/", f"{ramp.pk}/move/"):
        page.goto(f"/admin/rollouts/ramp/{address}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
