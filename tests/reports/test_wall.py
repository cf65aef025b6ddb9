"""The wall screen: who may see it, for how long, and what it does not show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client

from core import environments, events
from core.actors import Actor
from core.errors import Conflict, DomainError, Invalid, NotFound
from flags.models import Flag
from flags.services import lists, rollout
from incidents.services import opening
from reports.models import WallLink
from reports.services import walls
from reports.views import wall as view
from tests.conftest import KEY

LIST, MAKE = "/admin/reports/walllink/", "/admin/reports/walllink/make/"
NPUB = "npub1sn0wdenkukak0d9dfczzeacvhkrgz92ak56egt7vdgzn8pv2wfqqhrjdv9"


@pytest.fixture(autouse=True)
def nobody_has_asked() -> None:
    view._asked.cache_clear()
    view._guessed.cache_clear()


@pytest.fixture
def link(flag: Flag, operator_actor: Actor, now: datetime) -> tuple[WallLink, str]:
    return walls.create("Operations", ["production", "staging"], days=30, actor=operator_actor, now=now)


def seen(text: str, at: datetime, asked: str = "", client: Client | None = None) -> tuple[int, str]:
    with time_machine.travel(at, tick=False):
        answer = (client or Client()).get(f"/wall/{text}/{asked}")
    assert not answer.cookies
    assert (answer["Referrer-Policy"], answer["Cache-Control"]) == ("no-referrer", "no-store")
    return answer.status_code, answer.text


def test_a_screen_turns_through_the_pages_of_its_environments(link: tuple[WallLink, str], now: datetime) -> None:
    pages = [seen(link[1], now, f"?page={number}")[1] for number in range(5)]
    assert ["Production" in page.split("</h1>")[0] for page in pages] == [True, True, False, False, True]
    assert [f'data-next="?page={(number + 1) % 4}"' in page for number, page in enumerate(pages)] == [True] * 5
    assert seen(link[1], now, "?page=x")[0] == 200
    link[0].refresh_from_db()
    assert link[0].used_at == now


@pytest.mark.parametrize("why", ["guessed", "revoked", "expired"])
def test_a_token_that_opens_nothing_is_refused_alike(
    link: tuple[WallLink, str], now: datetime, operator_actor: Actor, why: str
) -> None:
    row, text = link
    at = now + timedelta(days=30) if why == "expired" else now
    if why == "revoked":
        walls.revoke(row.pk, actor=operator_actor, reason="it got about", now=now)
    status, shown = seen("wall_guess" if why == "guessed" else text, at)
    assert (status, "shows nothing, or nothing any more" in shown, KEY in shown) == (404, True, False)
    if why == "expired":
        assert seen(text, at - timedelta(seconds=1))[0] == 200


def test_who_guesses_is_stopped_and_nobody_else(link: tuple[WallLink, str], now: datetime) -> None:
    assert [seen(f"wall_{number}", now)[0] for number in range(view.GUESSES)] == [404] * view.GUESSES
    assert seen("wall_again", now)[0] == 429
    assert seen(link[1], now)[0] == 429
    assert seen(link[1], now, client=Client(REMOTE_ADDR="192.0.2.9"))[0] == 200


def test_a_screen_shows_no_npub_and_no_words_or_names_of_people(
    link: tuple[WallLink, str], now: datetime, operator_actor: Actor
) -> None:
    lists.edit_list(lists.ALLOW, KEY, "production", add=[NPUB], actor=operator_actor, reason=f"for {NPUB}", now=now)
    rollout.enable(KEY, "production", actor=operator_actor, reason="olga's word", now=now)
    opening.declare("production", f"{NPUB} cannot melt", 2, actor=operator_actor, now=now)
    pages = "".join(seen(link[1], now, f"?page={number}")[1] for number in range(4))
    assert ", level 2, investigating" in pages
    for secret in ("npub1", "olga", "cannot melt"):
        assert secret not in pages


def test_only_the_digest_of_a_token_is_kept_and_its_events_do_not_tell_it(
    link: tuple[WallLink, str], operator_actor: Actor, now: datetime
) -> None:
    row, text = link
    walls.revoke(row.pk, actor=operator_actor, reason="moved", now=now)
    with pytest.raises(Conflict):
        walls.revoke(row.pk, actor=operator_actor, reason="again", now=now)
    kept = repr(WallLink.objects.values().get()) + repr(list(events.about(f"wall:{row.pk}").values()))
    assert text not in kept
    assert [event.kind for event in events.about(f"wall:{row.pk}")] == ["wall.revoked", "wall.created"]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"name": " "}, Invalid),
        ({"places": []}, Invalid),
        ({"places": ["moon"]}, NotFound),
        ({"days": 0}, Invalid),
        ({"days": 367}, Invalid),
        ({"seconds": 4}, Invalid),
    ],
)
def test_a_link_that_makes_no_sense_is_not_made(
    all_environments: None, operator_actor: Actor, now: datetime, changed: dict[str, object], error: type[DomainError]
) -> None:
    asked = {"name": "x", "places": ["production"], "days": 1, "seconds": 20, **changed}
    name, places = asked.pop("name"), asked.pop("places")
    with pytest.raises(error):
        walls.create(name, places, actor=operator_actor, now=now, **asked)  # type: ignore[arg-type]
    assert not WallLink.objects.exists()


def test_only_administrators_make_see_and_revoke_links(
    link: tuple[WallLink, str], client_as: Callable[[str], Client]
) -> None:
    revoke = f"{LIST}{link[0].pk}/revoke/"
    for role in ("viewer", "operator", "approver"):
        client = client_as(role)
        answers = [client.get(LIST), client.get(MAKE), client.post(MAKE), client.post(revoke, {"reason": "x"})]
        assert [answer.status_code for answer in answers] == [403] * 4
    client = client_as("administrator")
    assert "Operations" in client.get(LIST).text
    made = client.post(MAKE, {"name": "Hall", "environments": ["staging"], "days": 7, "seconds": 30})
    address = made.text.split('value="')[-1].split('"')[0]
    assert "/wall/wall_" in address
    assert Client().get(address[address.index("/wall/") :]).status_code == 200
    refused = client.post(MAKE, {"name": "Hall", "days": 900, "seconds": 30})
    assert "less than or equal to 366" in refused.text
    client.post(revoke, {"reason": "moved"})
    link[0].refresh_from_db()
    assert link[0].revoked_by == "administrator"
    assert environments.get("production").pk in link[0].environments.values_list("pk", flat=True)
