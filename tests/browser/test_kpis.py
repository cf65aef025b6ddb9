"""The pages of the KPIs in a real Chromium: they fit, read well, and draw days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from core.models import Environment
from kpis.models import Day, Kpi
from kpis.services import recording, reporting
from tests.browser.test_home import CONTROLS_WITHOUT_NAME, WEAK_CONTRAST
from tests.kpis.conftest import OLGA, WHERE, kpis, production, raised, strategy, taken_back  # noqa: F401
from tests.kpis.test_reporting import TICKETS, Given

pytestmark = pytest.mark.browser
PageAs = Callable[..., Page]
IN = "/admin/kpis/kpi/in/production/"
PAGES = (IN, f"{IN}of/errorRate/", f"{IN}of/{TICKETS}/", f"{IN}report/", f"{IN}upload/", "/admin/kpis/kpi/delivery/")


@pytest.fixture
def now() -> datetime:
    """The browser has the real time, and so has the server."""
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def measured(kpis: dict[str, Any], production: Environment, now: datetime) -> None:  # noqa: F811
    """Ten days of melts with a gap, a deployment that failed, and a figure that was corrected."""
    raised(5, now=now - timedelta(hours=3))
    taken_back(now=now - timedelta(hours=2))
    recording.record(production, now=now)
    kpi = Kpi.objects.get(key="errorRate")
    for days in (9, 8, 7, 3, 2, 1):
        day = (now - timedelta(days=days)).date()
        figures = {"part": 20, "of": 2_000, "n": 2_000, "why": "", "measured_at": now}
        Day.objects.update_or_create(kpi=kpi, environment=production, day=day, defaults=figures)
    last = (now - timedelta(days=1)).date()
    for current in (90, 80):
        given = Given(TICKETS, last - timedelta(days=6), last, current, 120, "from the help desk")
        reporting.report(WHERE, given, actor=OLGA, now=now, correct=True)


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1440, False)])
def test_the_pages_fit_have_contrast_and_name_their_controls(
    page_as: PageAs,
    measured: None,
    width: int,
    *,
    dark: bool,
) -> None:
    page = page_as("operator", width=width, dark=dark)
    flaws: list[str] = []
    for address in PAGES:
        page.goto(address)
        page.wait_for_load_state()
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            flaws.append(f"{address}: scrolls sideways")
        flaws += [f"{address}: no name: {control}" for control in page.evaluate(CONTROLS_WITHOUT_NAME)]
        flaws += [f"{address}: contrast {text}" for text in page.evaluate(WEAK_CONTRAST)]
    assert not flaws, "\n".join(flaws)


def test_the_chart_of_a_kpi_has_a_point_a_day_and_days_on_its_axis(page_as: PageAs, measured: None) -> None:
    page = page_as("viewer")
    page.goto(f"{IN}of/errorRate/?range=28d")
    expect(page.locator("#mon-chart canvas")).to_be_visible()
    drawn = page.evaluate(
        """() => {
          const chart = Chart.getChart(document.querySelector("#mon-chart canvas"));
          return [chart.data.datasets[0].data.map((p) => p.y), chart.scales.x.ticks.map((t) => t.label)];
        }"""
    )
    assert drawn[0] == [None] * 18 + [1.0] * 10
    assert all(":" not in label for label in drawn[1])
    page.get_by_text("The points as a table").click()
    expect(page.locator("#mon-points tbody tr")).to_have_count(28)
