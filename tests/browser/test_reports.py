"""The timeline's marks below its chart, and a wall screen that turns by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from core.actors import GUARD, Actor
from flags.models import Flag
from flags.services import emergency
from reports.services import walls
from tests.conftest import KEY
from tests.reports.conftest import Measure, measure, measured_catalogue  # noqa: F401

pytestmark = pytest.mark.browser
PageAs = Callable[..., Page]


@pytest.fixture
def now() -> datetime:
    """The browser has the real time, and so has the server."""
    return timezone.now().replace(microsecond=0)


def test_marks_lie_below_their_moment_in_the_chart_and_the_keyboard_reaches_them(
    page_as: PageAs,
    measure: Measure,  # noqa: F811
    flag: Flag,
    now: datetime,
) -> None:
    measure({"error_rate": 0.5}, at=now - timedelta(minutes=5))
    at = now - timedelta(minutes=30)
    emergency.roll_back(KEY, "production", actor=GUARD, reason="11 % errors", now=at, evidence={})
    page = page_as("viewer")
    page.goto("/admin/timeline/?environment=production&range=1h")
    mark = page.locator("[data-lane=rollbacks] .rep-mark")
    expect(mark).to_be_visible()
    page.wait_for_function("document.getElementById('rep-lanes').style.getPropertyValue('--before') !== ''")
    chart = "Chart.getChart(document.querySelector('#mon-chart canvas'))"
    wanted = page.evaluate(
        f"{chart}.canvas.getBoundingClientRect().left + {chart}.scales.x.getPixelForValue({at.timestamp()})"
    )
    box = mark.bounding_box()
    assert box is not None
    assert abs(box["x"] + box["width"] / 2 - wanted) < 3
    mark.get_by_role("link").focus()
    expect(page.locator(".rep-guide")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("11 % errors").first).to_be_visible()


def test_a_screen_turns_its_pages_and_says_when_the_server_is_gone(
    chromium: Browser, web: str, flag: Flag, operator_actor: Actor, now: datetime
) -> None:
    link, text = walls.create("Hall", ["production"], days=1, seconds=5, actor=operator_actor, now=now)
    context = chromium.new_context(base_url=web, viewport={"width": 1920, "height": 1080})
    page = context.new_page()
    page.clock.install()
    page.goto(f"/wall/{text}/")
    expect(page.get_by_text("page 1 of 2")).to_be_visible()
    page.clock.fast_forward(6_000)
    expect(page.get_by_text("page 2 of 2")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    page.route("**/wall/**", lambda route: route.abort())
    page.clock.fast_forward(6_000)
    expect(page.get_by_text("No answer from the server")).to_be_visible()
    expect(page.get_by_text("page 2 of 2")).to_be_visible()
    page.unroute("**/wall/**")
    walls.revoke(link.pk, actor=operator_actor, reason="moved", now=timezone.now())
    page.clock.fast_forward(11_000)
    expect(page.get_by_text("shows nothing, or nothing any more")).to_be_visible()
    assert context.cookies() == []
    context.close()
