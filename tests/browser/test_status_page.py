"""The public page in a real browser without scripts and cookies: read, subscribed to, and left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, expect

from core.actors import Actor, ActorKind
from statuspage import selectors
from statuspage.models import Subscription
from statuspage.services import components, publishing
from statuspage.views.door import documents

pytestmark = pytest.mark.browser
OLGA = Actor("olga", ActorKind.PERSON)
SEEN = """() => {
    const shown = [...document.querySelectorAll("main *, header *, footer *")];
    return Math.max(...shown.map(each => each.getBoundingClientRect().right)) <= document.documentElement.clientWidth;
}"""


@pytest.fixture
def trouble(transactional_db: None) -> None:
    now = timezone.now()
    told = {"actor": OLGA, "reason": "tests", "now": now - timedelta(days=30)}
    components.define_page({"title": "nctool"}, **told)
    components.define("melt", {"name": "Melt operations"}, **told)
    publishing.publish(
        "incident:1",
        key="1",
        title="Payments fail",
        impact="major",
        state="investigating",
        components={"melt": "major_outage"},
        text="We look into it.",
        actor=OLGA,
        now=now,
    )


@pytest.fixture
def visitor(chromium: Browser, web: str, trouble: None) -> Iterator[BrowserContext]:
    """A phone that prefers German, dark pages and no scripts."""
    context = chromium.new_context(
        base_url=web,
        viewport={"width": 390, "height": 844},
        color_scheme="dark",
        locale="de-DE",
        java_script_enabled=False,
    )
    yield context
    context.close()
    documents().keeper.stop()


def test_a_visitor_reads_subscribes_and_leaves(visitor: BrowserContext, chromium: Browser, web: str) -> None:
    page = visitor.new_page()
    page.goto("/status/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Größerer Ausfall")
    expect(page.get_by_role("img", name="Die letzten 90 Tage")).to_be_visible()
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Major service outage")
    page.get_by_role("heading", name="Payments fail").get_by_role("link").click()
    expect(page.get_by_text("We look into it.")).to_be_visible()
    page.get_by_role("link", name="Subscribe").click()
    page.get_by_label("Mail address").fill("nobody")
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("alert")).to_contain_text("This is no mail address")
    page.get_by_label("Mail address").fill("olga@example.org")
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_text("A link is on its way")).to_be_visible()
    page.goto(selectors.confirmation_link(Subscription.objects.get().pk))
    page.get_by_role("button", name="Ja, abonnieren").click()
    expect(page.get_by_text("Sie sind angemeldet")).to_be_visible()
    (subscriber,) = selectors.subscribers(["melt"])
    page.goto(subscriber.unsubscribe)
    page.get_by_role("button", name="Abmelden").click()
    expect(page.get_by_text("Sie sind abgemeldet")).to_be_visible()
    assert visitor.cookies() == []
    assert not Subscription.objects.exists()


@pytest.mark.parametrize("width", [320, 1440])
def test_nothing_is_cut_off(chromium: Browser, web: str, trouble: None, width: int) -> None:
    context = chromium.new_context(base_url=web, viewport={"width": width, "height": 900})
    page = context.new_page()
    for path in ("/status/?lang=de", "/status/history/?lang=de", "/status/subscribe/?lang=de"):
        page.goto(path)
        assert page.evaluate(SEEN), path
    context.close()
    documents().keeper.stop()
