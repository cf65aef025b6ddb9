"""The screens of the audit: for whom they open, what they say, and how much they ask of the database."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit import selectors
from audit.models import Hold, Review, Verification
from audit.services import holding, sending, verifying
from audit.services.holding import Held
from communications.models import Alert, Announcement
from communications.selectors import message
from communications.services import announcing
from core import events
from core.actors import Actor, ActorKind
from core.errors import Conflict
from core.models import Event
from flags.services import token_use, tokens
from improvement.services import surveys
from reports.services import walls
from tests.audit.conftest import Happens, seal_all
from tests.racing import at_once
from tests.telling import somebody_hears

ALL = frozenset({"viewer", "operator", "approver", "administrator"})
READ = {
    "audit_verification_changelist": ALL,
    "audit_verification_change": ALL,
    "audit_verify": ALL - {"viewer"},
    "audit_hold_changelist": ALL,
    "audit_hold_change": ALL,
    "audit_hold_place": frozenset({"administrator"}),
    "audit_hold_release": frozenset({"administrator"}),
    "audit_review_changelist": frozenset({"administrator"}),
    "audit_review_sign": frozenset({"administrator"}),
    "audit_review_csv": frozenset({"administrator"}),
}
As = Callable[[str], Client]


@pytest.fixture
def hold(all_environments: None, operator_actor: Actor, now: datetime) -> Hold:
    return holding.place(Held("Case 7", "the court asks", subject="flag:1"), actor=operator_actor, now=now)


@pytest.fixture
def hears(db: None) -> None:
    """Somebody does, and did before anything was sealed."""
    somebody_hears()


@pytest.fixture
def broken(sealed: list[Event], now: datetime) -> Verification:
    """A verification that found a changed event."""
    Event.objects.filter(pk=sealed[3].pk).update(actor="mallory")
    return verified(now)


def verified(now: datetime) -> Verification:
    verifying.ask(actor=Actor("olga", ActorKind.PERSON), now=now)
    row = verifying.run(clock=lambda: now)
    assert row is not None
    return row


@pytest.fixture
def addresses(hold: Hold, broken: Verification) -> dict[str, str]:
    ids = {
        "audit_hold_change": hold.pk,
        "audit_hold_release": hold.pk,
        "audit_verification_change": broken.pk,
    }
    return {name: reverse(f"admin:{name}", args=[ids[name]] if name in ids else []) for name in READ}


@pytest.mark.parametrize("role", sorted(ALL))
def test_a_page_opens_for_those_who_may_and_refuses_the_others(
    client_as: As, addresses: dict[str, str], role: str
) -> None:
    client = client_as(role)
    answers = {name: client.get(address).status_code for name, address in addresses.items()}
    assert answers == {name: 200 if role in READ[name] else 403 for name in addresses}


@pytest.mark.parametrize("role", ["viewer", "approver"])
def test_who_may_not_changes_nothing(client_as: As, addresses: dict[str, str], hold: Hold, role: str) -> None:
    client = client_as(role)
    for name in ("audit_hold_place", "audit_hold_release", "audit_review_sign"):
        assert client.post(addresses[name], {"reason": "x", "title": "x", "version": 1}).status_code == 403
    hold.refresh_from_db()
    assert (hold.released_at, Hold.objects.count(), Review.objects.count()) == (None, 1, 0)


def test_an_event_shows_its_seal_and_the_log_says_up_to_where_it_is_sealed(
    client_as: As, sealed: list[Event], happens: Happens
) -> None:
    client = client_as("viewer")
    seal = selectors.seal_of(sealed[0].pk)
    assert seal is not None
    page = client.get(reverse("admin:core_event_change", args=[sealed[0].pk])).content.decode()
    assert bytes(seal.digest).hex() in page
    assert f'Sealed up to event <span class="ops-num">{sealed[-1].pk:,}' in (
        client.get(reverse("admin:core_event_changelist")).content.decode()
    )
    assert "Not sealed yet" in client.get(reverse("admin:core_event_change", args=[happens().pk])).content.decode()


@pytest.mark.parametrize("name", ["core_event_changelist", "audit_verification_changelist", "audit_review_changelist"])
def test_the_pages_ask_the_same_number_of_queries_whatever_the_amounts(
    client_as: As, sealed: list[Event], happens: Happens, operator_actor: Actor, now: datetime, name: str
) -> None:
    client, address = client_as("administrator"), reverse(f"admin:{name}")
    client.get(address)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        counts.append(len(queries))
        for number in range(20):
            happens(number)
            client_as("viewer")
            tokens.create(f"token {number}", "staging", ["evaluate"], actor=operator_actor, now=now)
        seal_all(now)
        verified(now)
    assert counts[0] == counts[1]
    assert counts[0] <= 20


def test_a_changed_event_is_named_announced_and_shown_as_trouble(
    client_as: As, hears: None, broken: Verification, sealed: list[Event], now: datetime
) -> None:
    assert (broken.state, broken.wrong) == ("broken", 1)
    page = client_as("viewer").get(reverse("admin:audit_verification_change", args=[broken.pk])).content.decode()
    assert "An event was changed" in page
    assert f"{sealed[3].pk}</a>" in page
    (trouble,) = selectors.trouble(selectors.verified().first(), now=now)
    assert (trouble.tone, trouble.since) == ("bad", now)
    announcing.announce(now=now)
    alert = Alert.objects.get(type="AUDIT_BROKEN")
    assert (alert.severity, Announcement.objects.filter(alert=alert).count()) == ("critical", 1)
    Event.objects.filter(pk=sealed[3].pk).update(actor=sealed[3].actor)
    seal_all(now)
    assert verified(now + timedelta(minutes=1)).findings == []
    assert selectors.trouble(selectors.verified().first(), now=now) == []


def test_the_heads_reach_programs_as_the_file_that_verify_takes(
    key: str, hears: None, sealed: list[Event], now: datetime, tmp_path: Any
) -> None:
    sending.send_heads(now=now)
    announcing.announce(now=now)
    file = tmp_path / "heads.json"
    file.write_text(message(Alert.objects.get(type="AUDIT_HEADS")).fields["heads"])
    out = io.StringIO()
    call_command("audit", "verify", head=str(file), stdout=out)
    assert "0 forgotten" in out.getvalue()


def test_the_command_names_each_finding_and_leaves_with_a_code_of_its_own(broken: Verification) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError) as failed:
        call_command("audit", "verify", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (failed.value.returncode, told["counts"], told["sound"]) == (5, {"changed": 1}, False)
    with pytest.raises(CommandError, match="is no time"):
        call_command("audit", "verify", since="yesterday")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("audit", "verify", head="/nowhere")


def test_the_day_has_one_verification_and_nobody_asks_for_two(sealed: list[Event], now: datetime) -> None:
    assert [verifying.ask_daily(now=now), verifying.ask_daily(now=now)] == [True, False]
    with pytest.raises(Conflict):
        verifying.ask(actor=Actor("olga", ActorKind.PERSON), now=now)
    assert verifying.run(clock=lambda: now) is not None
    assert verifying.run(clock=lambda: now) is None
    assert verifying.ask_daily(now=now + timedelta(hours=23)) is False
    assert verifying.ask_daily(now=now + timedelta(hours=24)) is True


def test_a_verification_whose_worker_died_is_begun_anew_and_the_dead_one_stores_nothing(
    sealed: list[Event], now: datetime
) -> None:
    verifying.ask(actor=Actor("olga", ActorKind.PERSON), now=now)
    dead = verifying._claim(now)
    assert dead is not None
    assert verifying.run(clock=lambda: now + timedelta(seconds=60)) is None
    assert verifying.run(clock=lambda: now + timedelta(minutes=3)) is not None
    assert verifying._mine(dead).count() == 0


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_at_once_one_is_refused_and_of_two_workers_one_does_it(
    all_environments: None, operator_actor: Actor, now: datetime
) -> None:
    asked = at_once(*[lambda: verifying.ask(actor=operator_actor, now=now)] * 2)
    assert sum(isinstance(each, Conflict) for each in asked) == 1
    done = at_once(*[lambda: verifying.run(clock=lambda: now)] * 2)
    assert sum(each is not None for each in done) == 1


def test_an_administrator_holds_events_and_releases_them_with_a_reason(client_as: As, all_environments: None) -> None:
    client = client_as("administrator")
    form = {"title": "Case 7", "subject": "flag:1", "environment": "production", "since": "", "until": ""}
    assert client.post(reverse("admin:audit_hold_place"), {**form, "reason": ""}).status_code == 200
    wrong = {"reason": "court", "since": "2025-08-12T10:00", "until": "2025-08-11T10:00"}
    assert client.post(reverse("admin:audit_hold_place"), {**form, **wrong}).status_code == 422
    assert client.post(reverse("admin:audit_hold_place"), {**form, "reason": "court"}).status_code == 302
    row = Hold.objects.get()
    release = reverse("admin:audit_hold_release", args=[row.pk])
    assert client.post(release, {"reason": "", "version": 1}).status_code == 200
    assert client.post(release, {"reason": "closed", "version": 1}).status_code == 302
    assert client.post(release, {"reason": "closed", "version": 2}).status_code == 409
    told = Event.objects.filter(subject=f"hold:{row.pk}").order_by("id").values_list("kind", "reason")
    assert list(told) == [("hold.placed", "court"), ("hold.released", "closed")]


def test_a_review_is_signed_off_for_exactly_what_was_shown(
    client_as: As, all_environments: None, operator_actor: Actor
) -> None:
    client = client_as("administrator")
    shown = client.get(reverse("admin:audit_review_changelist")).context["access"].digest
    sign, now = reverse("admin:audit_review_sign"), datetime.now(UTC)
    tokens.create("late", "staging", ["operate"], actor=operator_actor, now=now)
    assert client.post(sign, {"digest": shown, "reason": "looked"}).status_code == 409
    assert client.post(sign, {"digest": "", "reason": "looked"}).status_code == 200
    seen = client.get(reverse("admin:audit_review_changelist")).context["access"].digest
    assert client.post(sign, {"digest": seen, "reason": "late is fine"}).status_code == 302
    row = Review.objects.get()
    assert (row.note, row.tokens, row.due_on) == ("late is fine", 1, row.at.date() + timedelta(days=90))
    assert Event.objects.get(kind="access.reviewed").after["tokens"] == 1


def test_the_review_lists_the_links_that_work_without_sign_in_while_they_do(
    client_as: As, all_environments: None, operator_actor: Actor
) -> None:
    now, client = datetime.now(UTC), client_as("administrator")
    who = {"actor": operator_actor, "now": now}

    def look() -> tuple[set[tuple[str, ...]], str, str]:
        shown = client.get(reverse("admin:audit_review_changelist"))
        text = b"".join(client.get(reverse("admin:audit_review_csv")).streaming_content).decode()
        rows = [row for row in csv.DictReader(io.StringIO(text)) if row["kind"] == "link"]
        listed = {(row["name"], row["may"], row["where"], row["last used"][:10]) for row in rows}
        return listed, shown.context["access"].digest, shown.text

    nothing, before, _ = look()
    wall, token = walls.create("Operations room", ["production", "staging"], days=9, names=True, **who)
    survey, answering = surveys.open_survey("production", name="After week 4", until=now + timedelta(days=9), **who)
    walls.create("Gone", ["production"], days=1, actor=operator_actor, now=now - timedelta(days=2))
    walls.use(token, now=now)
    listed, digest, text = look()
    assert listed == {
        ("Operations room", "a wall screen that names the people on call", "production, staging", f"{now:%Y-%m-%d}"),
        ("After week 4", "a form for feedback", "production", ""),
    }
    assert (nothing, "Operations room" in text, token in text, answering in text) == (set(), True, False, False)
    walls.revoke(wall.pk, reason="moved", **who)
    surveys.end(survey.pk, reason="enough", **who)
    assert digest != before
    assert look()[:2] == (set(), before)


def test_the_review_shows_what_each_may_do_and_who_sleeps(
    client_as: As, person: Callable[[str], Any], all_environments: None, operator_actor: Actor
) -> None:
    now = datetime.now(UTC)
    sleeper = person("approver")
    sleeper.last_login = sleeper.date_joined = now - timedelta(days=91)
    sleeper.save()
    old, _ = tokens.create("old", "staging", ["evaluate"], actor=operator_actor, now=now - timedelta(days=91))
    used, text = tokens.create("=used", "production", ["report"], actor=operator_actor, now=now - timedelta(days=91))
    token_use.note(used.digest)
    assert [token_use.tell(today=now.date()), token_use.tell(today=now.date())] == [1, 0]
    client = client_as("administrator")
    context = client.get(reverse("admin:audit_review_changelist")).context
    assert (context["dormant_people"], context["dormant_tokens"]) == ({sleeper.username}, {old.pk})
    events.record("flag.x", subject="flag:a", actor=Actor(sleeper.username, ActorKind.PERSON), now=now)
    assert client.get(reverse("admin:audit_review_changelist")).context["dormant_people"] == set()
    text = b"".join(client.get(reverse("admin:audit_review_csv")).streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    may = {(row["role"], row["may"], row["where"]) for row in rows if row["name"] == sleeper.username}
    assert ("approver", "confirm and refuse rollbacks that others ask for", "all environments") in may
    assert {row["may"] for row in rows if row["name"].startswith("'=used")} == {"report"}
