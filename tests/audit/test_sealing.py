"""Events on a real database are sealed by workers, verified, forgotten, and held."""

from __future__ import annotations

import os
import signal
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from audit.domain.findings import Result, Wrong
from audit.models import Chain, Seal, Sealer
from audit.selectors import sealing as progress
from audit.selectors import walking
from audit.services import forgetting, holding, sealing, sending
from audit.services.holding import Held
from core.actors import Actor
from core.models import Event
from tests.audit.conftest import Happens, seal_all
from tests.racing import at_once

YEAR = timedelta(days=365)


def found(result: Result) -> set[tuple[Wrong, str, int | None]]:
    return {(each.wrong, each.chain, each.event) for each in result.findings}


def test_each_environment_has_a_chain_of_its_own_and_all_are_sound(key: str, sealed: list[Event]) -> None:
    result = walking.verify()
    assert (result.sound, result.events, result.waiting) == (True, Event.objects.count(), 0)
    heads = {head["chain"]: head["number"] for head in result.heads}
    for name in ("production", "staging", ""):
        here = Event.objects.filter(environment__key=name) if name else Event.objects.filter(environment=None)
        assert heads[name] == here.count() == walking.verify(environment=name).events


@pytest.mark.races
def test_changes_on_the_database_are_named(sealed: list[Event], now: datetime) -> None:
    changed, removed, both, other = sealed[2], sealed[5], sealed[8], sealed[13]
    Event.objects.filter(pk=changed.pk).update(data={"ramp": changed.data["ramp"] + 1e-12})
    Event.objects.filter(pk=removed.pk).delete()
    Seal.objects.filter(event_id=both.pk).delete()
    Event.objects.filter(pk=both.pk).delete()
    Event.objects.filter(pk=other.pk).update(environment_id=changed.environment_id)
    gap = Seal.objects.get(event_id=sealed[9].pk).number - 1
    result = walking.verify()
    assert found(result) == {
        (Wrong.CHANGED, "production", changed.pk),
        (Wrong.REMOVED, "production", removed.pk),
        (Wrong.GAP, "production", None),
        (Wrong.CHANGED, "staging", other.pk),
    }
    assert [each.number for each in result.findings if each.wrong is Wrong.GAP] == [gap]
    assert {each.chain for each in walking.verify(environment="production").findings} == {"production"}
    later = now + timedelta(seconds=1)
    assert walking.verify(since=later).sound, "what was sealed before is taken as it stands"


def test_a_row_put_into_the_past_is_found_whether_the_sealer_came_to_it_or_not(
    sealed: list[Event], happens: Happens, now: datetime
) -> None:
    free = happens(99).pk
    Event.objects.filter(pk=free).delete()
    happens(98)
    later = now + timedelta(hours=3)
    for minute in (0, 11, 22):  # the sealer looks: what is old is settled
        seal_all(later + timedelta(minutes=minute))
    late = happens(77, after=60)
    place = late.environment_id
    Event.objects.create(pk=free, at=now, kind="flag.x", subject="flag:y", actor="mallory", environment_id=place)
    seal_all(later + timedelta(hours=1))
    result = walking.verify()
    assert found(result) == {(Wrong.INSERTED, "production", late.pk), (Wrong.INSERTED, "production", free)}
    assert [each.number is None for each in result.findings] == [False, True]


def test_an_event_that_was_committed_late_is_sealed_and_no_finding(
    sealed: list[Event], happens: Happens, now: datetime
) -> None:
    """A lower number than what is sealed already, as PostgreSQL may commit it: here its seal is taken away."""
    free = happens(50).pk
    newer = happens(51)
    Event.objects.filter(pk=free).delete()
    seal_all(now)
    assert Sealer.objects.get().cursor == newer.pk
    Event.objects.create(
        pk=free,
        at=now,
        kind="flag.x",
        subject="flag:50",
        actor="olga",
        actor_kind="person",
        environment=newer.environment,
    )
    assert seal_all(now + timedelta(seconds=5)) == 0, "a quick look goes on from the newest"
    assert walking.verify().waiting == 1
    assert seal_all(now + timedelta(seconds=70)) == 1
    assert walking.verify().sound


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_sealers_at_once_make_one_chain(all_environments: None, happens: Happens, now: datetime) -> None:
    for number in range(40):
        happens(number)
    total = 0
    for _ in range(30):
        total += sum(at_once(*[lambda: sealing.seal(now=now, most=7)] * 3))
    assert total == Event.objects.count() == Seal.objects.count()
    assert walking.verify().sound


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_a_sealer_that_waited_for_another_writes_nothing(
    all_environments: None, happens: Happens, now: datetime
) -> None:
    happens()
    sealing.seal(now=now)
    happens()
    stale = Sealer.objects.get().fence
    events = list(sealing.stored.after(0, most=50))
    sealing.seal(now=now)
    with pytest.raises(AssertionError), transaction.atomic():
        assert sealing._write(events, fence=stale, complete=True, now=now) > 0
    assert walking.verify().sound


@pytest.mark.parametrize("broken", [None, "changed"])
def test_heads_are_signed_and_a_head_kept_elsewhere_finds_a_tail_written_anew(
    sealed: list[Event], key: str, happens: Happens, now: datetime, broken: str | None
) -> None:
    happens()
    seal_all(now + timedelta(minutes=2))
    kept = [walking.head(row) for row in Chain.objects.all()]
    assert all(head.signature for head in kept if head.number)
    if broken:
        Seal.objects.all().delete()
        Chain.objects.all().delete()
        Sealer.objects.all().delete()
        Event.objects.filter(pk=sealed[3].pk).update(actor="mallory")
        seal_all(now + timedelta(minutes=2))
    result = walking.verify(kept=kept)
    assert {each.wrong for each in result.findings} == ({Wrong.TAIL} if broken else set())


def test_a_head_that_is_set_without_the_key_is_found(
    sealed: list[Event], key: str, happens: Happens, now: datetime
) -> None:
    seal_all(now + timedelta(minutes=2))  # signs what was sealed without a key
    assert walking.verify().sound
    head = Chain.objects.get(name="production")
    last = Seal.objects.get(chain=head, number=head.number)
    last.delete()
    before = Seal.objects.get(chain=head, number=head.number - 1)
    Chain.objects.filter(pk=head.pk).update(number=before.number, digest=before.digest)
    assert {each.wrong for each in walking.verify(environment="production").findings} >= {Wrong.SIGNATURE}


def test_the_heads_go_out_once_a_day_with_their_signatures_and_are_compared_from_then_on(
    sealed: list[Event], key: str, now: datetime
) -> None:
    seal_all(now + timedelta(minutes=2))
    sent = [sending.send_heads(now=now + timedelta(hours=hours)) for hours in (0, 1, 24)]
    assert sent == [True, False, True]
    told = Event.objects.filter(kind="audit.heads").latest("id").data
    assert {head["chain"] for head in told["heads"]} == set(Chain.objects.values_list("name", flat=True))
    assert all(len(head["signature"]) == 88 for head in told["heads"])
    Seal.objects.all().delete()
    Chain.objects.all().delete()
    Sealer.objects.all().delete()
    Event.objects.filter(pk=sealed[0].pk).update(actor="mallory")
    seal_all(now + timedelta(days=1))
    assert Wrong.TAIL in {each.wrong for each in walking.verify().findings}


@pytest.fixture
def old(all_environments: None, happens: Happens, now: datetime) -> list[Event]:
    """Six changes of one flag, two years old, and one of today; all sealed."""
    long_ago = -2 * YEAR.total_seconds()
    found = [happens(1, after=long_ago + number) for number in range(6)] + [happens(1)]
    seal_all(now)
    return found


@pytest.mark.races
def test_what_retention_forgot_is_told_from_what_somebody_removed(old: list[Event], now: datetime) -> None:
    assert forgetting.forget(now=now, keep=YEAR) == 6
    seal_all(now)
    result = walking.verify()
    assert (result.sound, result.forgotten) == (True, 6)
    told = Event.objects.get(kind="events.forgotten")
    assert (told.data["count"], told.environment.key) == (6, "production")  # type: ignore[union-attr]
    gone = old[6]
    Seal.objects.filter(event_id=gone.pk).update(forgotten_by=told.pk)
    Event.objects.filter(pk=gone.pk).delete()
    assert found(walking.verify()) == {(Wrong.REMOVED, "production", gone.pk)}
    Seal.objects.filter(event_id=gone.pk).update(forgotten_by=10**9)
    assert found(walking.verify()) == {(Wrong.REMOVED, "production", gone.pk)}
    assert forgetting.forget(now=now, keep=YEAR) == 0


def test_what_has_no_seal_yet_is_not_forgotten(old: list[Event], happens: Happens, now: datetime) -> None:
    happens(1, after=-2 * YEAR.total_seconds())
    happens(1)
    assert forgetting.forget(now=now, keep=YEAR) == 6


@pytest.mark.parametrize(
    ("held", "left"),
    [
        ({}, 6),
        ({"subject": "flag:1"}, 6),
        ({"subject": "flag:2"}, 0),
        ({"environment": "production"}, 6),
        ({"environment": "staging"}, 0),
        ({"since": -1.0, "until": 2.0}, 2),
        ({"subject": "flag:1", "environment": "staging"}, 0),
    ],
)
def test_a_hold_keeps_what_it_is_about_until_it_is_released(
    old: list[Event], operator_actor: Actor, now: datetime, held: dict[str, Any], left: int
) -> None:
    start = old[0].at
    about = {
        name: start + timedelta(seconds=value) if isinstance(value, float) else value for name, value in held.items()
    }
    who = {"actor": operator_actor, "now": now}
    row = holding.place(Held("Case 7", "the court asks", **about), **who)
    forgetting.forget(now=now, keep=YEAR)
    ids = [event.pk for event in old[:6]]
    assert Event.objects.filter(pk__in=ids).count() == left
    holding.release(row.pk, reason="the case is closed", **who)
    forgetting.forget(now=now, keep=YEAR)
    assert Event.objects.filter(pk__in=ids).count() == 0
    seal_all(now)
    assert walking.verify().sound


def test_the_state_of_the_sealing_says_what_waits_and_for_how_long(
    sealed: list[Event], happens: Happens, now: datetime
) -> None:
    assert progress(now=now).waiting == 0
    happens()
    state = progress(now=now + timedelta(minutes=6))
    assert (state.waiting, state.lag, state.behind) == (1, 360, True)


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_a_sealer_that_is_killed_between_two_writes_leaves_no_half_seal(
    all_environments: None, happens: Happens, now: datetime
) -> None:
    for number in range(300):
        happens(number)
    connection.close()
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:  # seals for ever, and says so after each batch
        while True:
            sealing.seal(now=now, most=5)
            os.write(writes, b".")
    os.read(reads, 1)
    time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert 0 < Seal.objects.count() < Event.objects.count()
    assert walking.verify().sound
    seal_all(now)
    assert Seal.objects.count() == Event.objects.count()
    assert walking.verify().sound
