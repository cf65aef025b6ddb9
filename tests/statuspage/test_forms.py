"""The forms of visitors: no cookie, a token that ends, the same answer for every address, one click to leave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from core import events
from statuspage import selectors
from statuspage.models import Subscription
from tests.statuspage.conftest import database_away

START = datetime(2025, 8, 11, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("page")


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def visitor() -> Client:
    return Client(enforce_csrf_checks=True)


def form(visitor: Client) -> str:
    page = visitor.get("/status/subscribe/")
    found = re.search(r'name="form" value="([^"]+)"', page.content.decode())
    assert found
    return found[1]


def send(visitor: Client, token: str, address: str = "olga@example.org", **over: Any) -> Any:
    return visitor.post("/status/subscribe/?lang=en", {"form": token, "kind": "email", "address": address, **over})


def path(link: str) -> str:
    return link.removeprefix("https://status.example.org")


def test_a_visitor_subscribes_confirms_and_leaves_without_any_cookie(visitor: Client) -> None:
    said = send(visitor, form(visitor))
    assert "A link is on its way" in said.content.decode()
    row = Subscription.objects.get()
    confirm = path(selectors.confirmation_link(row.pk))
    assert "Yes, subscribe" in visitor.get(confirm).content.decode()
    assert list(selectors.subscribers([])) == [], "whatever looks at links must not confirm them"
    assert "You are subscribed" in visitor.post(confirm).content.decode()
    (subscriber,) = selectors.subscribers([])
    leave = path(subscriber.unsubscribe)
    assert visitor.get(leave).status_code == 200
    one_click = visitor.post(leave, {"List-Unsubscribe": "One-Click"})  # RFC 8058, by a mail program
    assert (one_click.status_code, Subscription.objects.count()) == (200, 0)
    assert not visitor.cookies
    assert "Cookie" not in one_click.headers.get("Vary", "")


def test_the_answer_is_the_same_whether_the_address_is_known_or_not(visitor: Client) -> None:
    token = form(visitor)
    first, again = send(visitor, token), send(visitor, token)
    assert first.content == again.content
    assert events.recent().filter(kind="status.subscription_asked").count() == 1


def test_a_form_without_a_token_or_with_an_old_one_is_not_taken(visitor: Client, clock: Any) -> None:
    token = form(visitor)
    clock.shift(timedelta(hours=2, seconds=1))
    for old in (token, "", "open:x:y"):
        said = send(visitor, old)
        assert (said.status_code, "open for too long" in said.content.decode()) == (422, True)
    assert not Subscription.objects.exists()


def test_what_is_wrong_is_said_in_the_visitors_language_and_what_was_typed_stays(visitor: Client) -> None:
    said = visitor.post(
        "/status/subscribe/?lang=de",
        {"form": form(visitor), "kind": "webhook", "address": "http://example.org/<hook>"},
    )
    shown = said.content.decode()
    assert said.status_code == 422
    assert "Die Adresse eines Webhooks beginnt mit https://." in shown
    assert 'value="http://example.org/&lt;hook&gt;"' in shown
    assert 'value="webhook" checked' in shown


def test_a_flood_from_one_place_gets_429(visitor: Client, clock: Any) -> None:
    token = form(visitor)
    codes = [send(visitor, token, f"a{number}@example.org").status_code for number in range(12)]
    assert codes == [200] * 10 + [429] * 2
    assert Subscription.objects.count() == 10


@pytest.mark.parametrize("address", ["/status/confirm/x/", "/status/unsubscribe/1:x/"])
def test_a_damaged_link_says_so(visitor: Client, address: str) -> None:
    for answer in (visitor.get(f"{address}?lang=en"), visitor.post(f"{address}?lang=en")):
        assert (answer.status_code, "This link is damaged" in answer.content.decode()) == (422, True)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_without_the_database_the_forms_say_so_on_a_page_of_their_own(visitor: Client) -> None:
    token, link = form(visitor), path(selectors.links.unsubscribe_link(7))
    with database_away():
        for answer in (send(visitor, token), visitor.post(f"{link}?lang=en")):
            assert (answer.status_code, "Try again in a few minutes" in answer.content.decode()) == (503, True)


def test_django_serves_the_page_too_where_the_door_is_not_in_front(visitor: Client) -> None:
    for where in ("/status/", "/status/history/", "/status.json", "/status/api/v2/status.json", "/status/feed.atom"):
        answer = visitor.get(where)
        assert (answer.status_code, bool(answer.cookies)) == (200, False), where
    assert visitor.get("/status").headers["Location"] == "/status/"
    for missing in ("/status/api/v2/x.json", "/status/incidents/aaaaaaaaaaaa/", "/status/incidents/x/"):
        assert visitor.get(missing).status_code == 404
    assert visitor.put("/status/").status_code == 405
