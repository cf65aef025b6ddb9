"""What every page keeps: it fits a phone, reads well in light and dark, and names its controls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

import flags.selectors
from communications.services import announcing
from core import events
from core.actors import GUARD, Actor
from flags.models import Flag
from flags.services import emergency, lists, rollout, tokens
from tests.chromium import RENEWS
from tests.telling import somebody_hears

pytestmark = pytest.mark.browser
PageAs = Callable[..., Page]
KEY = "atomicMeltOperations"

CONTROLS_WITHOUT_NAME = """() => [...document.querySelectorAll("a[href], button, input, select, textarea")]
  .filter((e) => e.type !== "hidden" && e.offsetParent !== null)
  .filter((e) => e.closest("#nav-sidebar, #header-inner, #changelist-filter, #changelist-search") === null)
  .filter((e) => !(e.getAttribute("aria-label") || e.getAttribute("title") || e.textContent.trim()
    || (e.labels && e.labels.length) || e.getAttribute("aria-labelledby")))
  .map((e) => e.outerHTML.slice(0, 200))"""

WEAK_CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = rgba(getComputedStyle(e).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const weak = [];
  const walker = document.createTreeWalker(document.querySelector("#content, .plain main"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || e.offsetParent === null) continue;
    if (e.closest("[aria-hidden=true], .ops-hidden, script, style")) continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(rgba(style.color)), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const told = `${ratio.toFixed(2)} ${e.className} ${walker.currentNode.data.trim().slice(0, 40)}`;
    if (ratio < (large ? 3 : 4.5)) weak.push(told);
  }
  return weak;
}"""


@pytest.fixture
def addresses(flag: Flag, operator_actor: Actor, now: datetime) -> list[str]:
    """Pages with something of everything on them."""
    about = {"actor": operator_actor, "now": now, "reason": "a reason"}
    rollout.enable(KEY, "production", **about)
    rollout.set_rollout(KEY, "production", 25, **about)
    rollout.set_parameters(KEY, "production", {"fallbackToLegacy": True, "severityThreshold": "HIGH"}, **about)
    lists.edit_allow_list(KEY, "production", add=[f"npub1{n:058d}" for n in range(60)], **about)
    rollout.enable(KEY, "staging", **about)
    evidence = {"value": 11.8, "threshold": 5.0}
    emergency.roll_back(KEY, "production", actor=GUARD, reason="errors", now=now, evidence=evidence)
    somebody_hears()
    announcing.announce(now=now)
    tokens.create("nctool", "production", ["evaluate"], actor=operator_actor, now=now)
    state, staging = flags.selectors.state(KEY, "production"), flags.selectors.state(KEY, "staging")
    event = events.about(f"flag:{KEY}", environment_id=state.environment_id).first()
    assert event is not None
    flag_page = f"/admin/flags/flagstate/{state.pk}"
    return [
        "/admin/",
        "/admin/flags/flagstate/",
        f"{flag_page}/change/",
        f"/admin/flags/flagstate/{staging.pk}/change/",
        f"{flag_page}/allow-list/",
        f"{flag_page}/allow-list/edit/",
        f"{flag_page}/rollout/",
        f"{flag_page}/emergency/",
        f"{flag_page}/parameters/",
        "/admin/core/event/",
        "/admin/core/event/recent/?last=24h",
        f"/admin/core/event/{event.pk}/change/",
        "/admin/core/environment/",
        "/admin/communications/alert/",
        f"/admin/communications/alert/{event.alert.pk}/change/",
        "/admin/flags/apitoken/",
        "/admin/flags/apitoken/create/",
        "/admin/core/user/",
        "/admin/core/event/999999/change/",
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_pages_fit_their_width_have_contrast_and_name_their_controls(
    page_as: PageAs, addresses: list[str], width: int, *, dark: bool
) -> None:
    page = page_as("administrator", width=width, dark=dark)
    flaws: list[str] = []
    for address in addresses:
        page.goto(address)
        page.wait_for_load_state()
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            flaws.append(f"{address}: scrolls sideways")
        flaws += [f"{address}: no name: {control}" for control in page.evaluate(CONTROLS_WITHOUT_NAME)]
        flaws += [f"{address}: contrast {text}" for text in page.evaluate(WEAK_CONTRAST)]
    assert not flaws, "\n".join(flaws)


def test_home_renews_itself_and_says_when_the_server_is_gone(
    page_as: PageAs, flag: Flag, operator_actor: Actor, now: datetime
) -> None:
    page = page_as("viewer")
    page.clock.install()
    page.goto("/admin/")
    rollout.enable(KEY, "production", actor=operator_actor, reason="seen without a reload", now=now)
    page.clock.fast_forward(RENEWS)
    expect(page.get_by_text("seen without a reload")).to_be_visible()
    page.route("**/admin/", lambda route: route.abort())
    page.clock.fast_forward(RENEWS)
    expect(page.get_by_text("No answer from the server")).to_be_visible()
    page.unroute("**/admin/")
    page.clock.fast_forward(RENEWS)
    expect(page.get_by_text("No answer from the server")).to_be_hidden()


def test_home_asks_for_the_login_when_the_session_has_ended(page_as: PageAs, flag: Flag) -> None:
    page = page_as("viewer")
    page.clock.install()
    page.goto("/admin/")
    page.context.clear_cookies()
    page.clock.fast_forward(RENEWS)
    expect(page.get_by_label("Password")).to_be_visible()
