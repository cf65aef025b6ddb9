"""Charts and triggers in a real Chromium."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from core import environments
from core.actors import Actor
from flags.services import rollout
from monitoring.models import Series, Trigger
from monitoring.services import ingest
from tests.chromium import RENEWS
from tests.monitoring_admin.conftest import KEY, fired, judge, report, series, trigger  # noqa: F401

pytestmark = pytest.mark.browser
PageAs = Callable[..., Page]
MakeSeries = Callable[..., Series]


@pytest.fixture
def now() -> datetime:
    """The browser has the real time, and so has the server."""
    return timezone.now().replace(microsecond=0)


def test_an_operator_re_arms_a_trigger_that_has_fired(page_as: PageAs, fired: Trigger) -> None:  # noqa: F811
    page = page_as("operator")
    page.goto("/admin/monitoring/trigger/")
    expect(page.locator("#result_list")).to_contain_text("latched")
    page.get_by_role("link", name="Error rate").click()
    page.get_by_role("link", name="Re-arm").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Nothing from before this moment counts")
    dialog.get_by_role("button", name="Re-arm").click()
    expect(dialog).to_contain_text("Say why")
    dialog.get_by_label("Reason").fill("the mint was restarted")
    dialog.get_by_role("button", name="Re-arm").click()
    expect(page.get_by_text("Error rate in Production is armed again.")).to_be_visible()
    expect(page.get_by_role("link", name="Re-arm")).to_have_count(0)
    expect(page.get_by_text("the mint was restarted")).to_be_visible()


def test_a_viewer_sees_why_a_trigger_fired_and_cannot_re_arm_it(page_as: PageAs, fired: Trigger) -> None:  # noqa: F811
    page = page_as("viewer")
    page.goto(f"/admin/monitoring/trigger/{fired.pk}/change/")
    expect(page.get_by_text("What was measured")).to_be_visible()
    expect(page.get_by_role("link", name="Re-arm")).to_have_count(0)


def points(page: Page) -> list[float | None]:
    return page.evaluate(
        "Chart.getChart(document.querySelector('#mon-chart canvas')).data.datasets[0].data.map(p => p.y)"
    )


def test_a_chart_has_gaps_a_threshold_and_marks_and_gets_new_points_by_itself(
    page_as: PageAs,
    trigger: Trigger,  # noqa: F811
    operator_actor: Actor,
    now: datetime,
) -> None:
    at = int(now.timestamp()) // 10 * 10
    for ago, value in ((60, 2.0), (50, 6.0), (40, None), (30, 2.0)):
        judge(trigger, at - ago, value)
    rollout.set_rollout(KEY, "production", 25, actor=operator_actor, reason="x", now=now - timedelta(minutes=5))
    page = page_as("viewer")
    page.clock.install()
    page.goto(f"/admin/monitoring/trigger/{trigger.pk}/change/?range=15m")
    page.wait_for_function("Chart.getChart(document.querySelector('#mon-chart canvas')) !== undefined")
    seen = points(page)
    first = seen.index(2.0)
    assert (len(seen), seen[first : first + 4]) == (90, [2.0, 6.0, None, 2.0])
    mark = page.locator(".mon-marks a")
    expect(mark).to_have_text("0 → 25 %")
    assert mark.get_attribute("href") == page.locator(".mon-changes a").get_attribute("href")
    page.evaluate("window.kept = document.querySelector('#mon-chart canvas')")
    judge(trigger, at - 20, 3.5)
    page.clock.fast_forward(RENEWS)
    page.wait_for_function(
        "Chart.getChart(document.querySelector('#mon-chart canvas')).data.datasets[0].data.some(p => p.y === 3.5)"
    )
    assert page.evaluate("window.kept === document.querySelector('#mon-chart canvas') && window.kept.width > 300")
    page.get_by_text("The points as a table").click()
    expect(page.locator(".mon-points table")).to_contain_text("3.5")


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_scrolls_sideways_on_a_phone(
    page_as: PageAs,
    fired: Trigger,  # noqa: F811
    series: MakeSeries,  # noqa: F811
    now: datetime,
    dark: bool,
) -> None:
    row = series("melt_duration_ms", "timing", flag=KEY, variant="on")
    report(row, int(now.timestamp()) // 10 * 10 - 20, 1_800, n=2)
    judge(fired, int(now.timestamp()) // 10 * 10 - 20, 7.5)
    page = page_as("operator", width=390, height=844, dark=dark)
    for address in (
        "series/",
        f"series/{row.pk}/change/",
        "trigger/",
        f"trigger/{fired.pk}/change/",
        f"trigger/{fired.pk}/rearm/",
    ):
        page.goto(f"/admin/monitoring/{address}")
        page.wait_for_load_state("load")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address


def test_dragging_over_the_explorer_shows_that_time(page_as: PageAs, now: datetime, all_environments: None) -> None:
    stamp = int(now.timestamp()) // 10 * 10
    gauges = [ingest.Gauge("error_rate", {}, stamp - ago, 2.0) for ago in range(10, 3600, 10)]
    ingest.store_gauges(environments.get("production").pk, "recorded", gauges, now=now)
    page = page_as("viewer")
    page.goto("/admin/monitoring/series/explore/?environment=production&expr=error_rate&range=1h")
    expect(page.locator("#mon-chart canvas")).to_be_visible()
    page.wait_for_function("Chart.getChart(document.querySelector('#mon-chart canvas'))")
    box = page.locator("#mon-chart canvas").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, middle, steps=4)
    expect(page.locator(".mon-zoom")).to_be_visible()
    page.mouse.up()
    page.wait_for_url("**from=*")
    shown = page.evaluate("JSON.parse(document.getElementById('mon-data').textContent)")
    assert 600 <= shown["end"] - shown["start"] <= 1200  # a quarter of the hour, more or less
    page.get_by_role("link", name="Zoom out").click()
    page.get_by_role("link", name="Back to now").click()
    expect(page.get_by_role("link", name="1 h", exact=True)).to_have_attribute("aria-current", "true")
