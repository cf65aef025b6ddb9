"""What goes outside is approved first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from communications.domain.audiences import Content, Frequency
from communications.models import Announcement, Audience, Channel
from communications.selectors.outgoing import outgoing
from communications.services import connecting, drafts, sending
from communications.services.audiences import Way
from communications.services.drafts import Edited
from core import events
from core.actors import Actor
from core.errors import Conflict, IllegalMove, Invalid, NotFound
from statuspage.models import Component
from statuspage.services import components
from tests.communications.conftest import KEY, Receiver, send_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(channel: Callable[..., Channel], audience: Callable[..., Audience]) -> Channel:
    made = channel("page", "status-page")
    audience("users", [Way("page")], content=Content.SERVICE, frequency=Frequency.AS_NEEDED)
    return made


@pytest.fixture
def draft(page: Channel, flag: object, happens: Callable[..., None]) -> Announcement:
    happens("incident.opened", "incident:4", incident=4, title="Errors", level=2, components=["wallets"])
    return Announcement.objects.get()


def test_a_draft_is_sent_in_the_words_that_were_approved(
    draft: Announcement, page: Channel, operator_actor: Actor, now: datetime
) -> None:
    receiver = Receiver()
    assert send_all(page, receiver, now) == 0
    drafts.approve(draft.pk, Edited(text="Payments are slow."), actor=operator_actor, now=now)
    assert send_all(page, receiver, now) == 1
    assert (receiver.got[0].subject, receiver.got[0].text) == ("We are investigating a problem", "Payments are slow.")
    event = events.recent().get(kind="announcement.approved")
    assert (event.before["text"], event.after["text"]) == ("We are investigating a problem", "Payments are slow.")
    with pytest.raises(IllegalMove):
        drafts.discard(draft.pk, actor=operator_actor, reason="no", now=now)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (f"We turned {KEY} off", f"names {KEY}"),
        ("Ask npub1qqqqqqqqqqqqqqqq", "names an npub"),
        ("See rb-20260302-090000-abcd1234", "names the id of a rollback"),
        ("See https://x.example/admin/incidents/1", "names a page of the admin"),
        ("The server 10.1.2.3 is down", "names an address of our own network"),
        ("mongodb://root:geheim@db", "names an address with a password"),
        ("  ", "Write what they are to read"),
        ("x" * 10_001, "at most 10,000 characters"),
    ],
)
def test_what_must_not_go_outside_is_refused_and_nothing_is_sent(
    text: str, wrong: str, draft: Announcement, operator_actor: Actor, now: datetime
) -> None:
    with pytest.raises(Invalid, match=wrong) as refusal:
        drafts.approve(draft.pk, Edited(text=text), actor=operator_actor, now=now)
    assert refusal.value.field == "text"
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_a_draft_is_discarded_with_a_reason(draft: Announcement, operator_actor: Actor, now: datetime) -> None:
    drafts.discard(draft.pk, actor=operator_actor, reason="not worth a word", now=now)
    assert events.recent().get(kind="announcement.discarded").reason == "not worth a word"
    with pytest.raises(IllegalMove):
        drafts.approve(draft.pk, Edited(), actor=operator_actor, now=now)
    with pytest.raises(NotFound):
        drafts.discard(0, actor=operator_actor, reason="no", now=now)


def test_all_drafts_of_one_news_go_out_by_one_word_or_none_does(
    page: Channel,
    flag: object,
    channel: Callable[..., Channel],
    happens: Callable[..., None],
    operator_actor: Actor,
    now: datetime,
) -> None:
    bell = channel("bell", "in-app")
    Audience.objects.get().routes.create(channel=bell)
    happens("incident.opened", "incident:4", incident=4, title="Errors", level=2, components=["wallets"])
    first, second = Announcement.objects.order_by("pk")
    who = {"actor": operator_actor, "now": now}
    told = {first.pk: Edited(), second.pk: Edited(text=f"{KEY} is off")}
    with pytest.raises(Invalid, match=f"names {KEY}") as refusal:
        drafts.approve_all(first.alert_id or 0, "users", told, **who)
    assert refusal.value.field == f"text_{second.pk}"
    with pytest.raises(Conflict, match="not those that you read"):
        drafts.approve_all(first.alert_id or 0, "users", {first.pk: Edited()}, **who)
    assert Announcement.objects.filter(state="draft").count() == 2
    drafts.approve_all(first.alert_id or 0, "users", {first.pk: Edited(), second.pk: Edited(text="Slow.")}, **who)
    assert list(Announcement.objects.order_by("pk").values_list("state", "text")) == [
        ("queued", "We are investigating a problem"),
        ("queued", "Slow."),
    ]
    assert events.recent().filter(kind="announcement.approved").count() == 2


def test_an_incident_that_names_no_part_is_published_with_a_choice_of_them(
    page: Channel, happens: Callable[..., None], operator_actor: Actor, now: datetime
) -> None:
    who = {"actor": operator_actor, "now": now}
    words = {"name": "Wallets", "description": "", "group": "", "translations": {}, "position": 0}
    components.define("wallets", words, reason="tests", **who)
    happens("incident.opened", "incident:4", incident=4, title="Errors", level=2, components=["gone"])
    draft = Announcement.objects.get()
    for wrong, why in ((None, "Say which parts"), (["nothing"], "no part 'nothing'")):
        with pytest.raises(Invalid, match=why) as refusal:
            drafts.approve(draft.pk, Edited(components=wrong), **who)
        assert refusal.value.field == "components"
    drafts.approve(draft.pk, Edited(components=["wallets"]), **who)
    [row] = sending.claim(page, most=1, now=now)
    connecting.connect(page)(row, outgoing(row))
    assert Component.objects.get().state == "partial_outage"
