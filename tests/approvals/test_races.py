"""People, workers and direct changes at the same request at once. These run on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from approvals import selectors
from approvals.models import Approval
from approvals.services import applying, clock, requests
from approvals.services.locking import hold
from core import events
from core.asking import Change
from core.errors import Conflict, DomainError, StaleVersion
from flags import selectors as flag_selectors
from flags.domain.change import StateChange
from flags.domain.definition import DefinitionChange
from flags.services import definition, emergency, rollout
from tests.approvals.conftest import ANNA, BEN, HOUR, KEY, OLGA, OTHER, Ask, approve, raised
from tests.racing import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def told(kind: str) -> int:
    return events.recent().filter(kind=kind).count()


def percentage(key: str = KEY) -> int:
    return int(flag_selectors.state(key, "production").percentage)


def failures(results: list[Any]) -> list[Any]:
    return [result for result in results if isinstance(result, DomainError)]


def test_of_six_workers_that_apply_one_does(ask: Ask, now: datetime) -> None:
    request = ask(raised(50), raised(30, OTHER))
    approve(request, now=now)
    results = at_once(*[lambda: applying.apply(request.pk, actor=OLGA, now=now)] * 6)
    assert len(failures(results)) == 5
    assert all("is applied and cannot be applied" in str(refusal) for refusal in failures(results))
    assert (percentage(), percentage(OTHER), told("request.applied"), told("flag.enabled")) == (50, 30, 1, 2)


def test_of_six_clocks_one_applies(ask: Ask, now: datetime) -> None:
    request = ask(apply_at=now + timedelta(minutes=5), zone="UTC")
    approve(request, now=now)
    assert sum(at_once(*[lambda: clock.tick(now + timedelta(minutes=6))] * 6)) == 1
    assert (percentage(), told("request.applied")) == (50, 1)


def test_one_persons_two_clicks_are_one_approval(ask: Ask, rules: Any, now: datetime) -> None:
    rules(**{"raise": {"above": 20, "approvals": 2, "expires_after": HOUR}})
    request = ask()
    results = at_once(*[lambda: approve(request, now=now, digest=request.digest)] * 4)
    assert len(failures(results)) == 3
    assert (Approval.objects.count(), selectors.get(request.pk).state) == (1, "open")


@pytest.mark.parametrize("attempt", range(3))
def test_two_approvers_and_an_edit_never_leave_an_approval_of_what_they_did_not_see(
    attempt: int, ask: Ask, rules: Any, now: datetime
) -> None:
    rules(**{"raise": {"above": 20, "approvals": 2, "expires_after": HOUR}})
    request = ask()
    seen = request.digest

    def edit() -> Any:
        return requests.edit(request.pk, changes=[raised(90)], actor=OLGA, now=now, version=request.version)

    results = at_once(
        lambda: approve(request, ANNA, now=now, digest=seen),
        edit,
        lambda: approve(request, BEN, now=now, digest=seen),
    )
    after = selectors.get(request.pk)
    if isinstance(results[1], StaleVersion):  # an approval was faster: the editor is shown it first
        assert after.digest == seen
        assert after.state == ("open" if failures([results[0], results[2]]) else "approved")
    else:
        assert after.state == "open"
        assert selectors.standing(after, now).counting == ()
        assert not failures([results[1]])
    assert percentage() == 0


@pytest.mark.parametrize("attempt", range(3))
def test_an_apply_against_a_direct_change_is_one_after_the_other(attempt: int, ask: Ask, now: datetime) -> None:
    request = ask(raised(50), raised(30, OTHER))
    approve(request, now=now)
    lower = StateChange(enabled=True, percentage=5)
    applied, _ = at_once(
        lambda: applying.apply(request.pk, actor=OLGA, now=now),
        lambda: rollout.change(KEY, "production", lower, actor=BEN, reason="r", now=now),
    )
    assert percentage() == 5
    assert percentage(OTHER) == (0 if isinstance(applied, Conflict) else 30)


def test_an_emergency_is_never_kept_waiting_nor_undone_by_an_apply(ask: Ask, now: datetime) -> None:
    rollout.change(KEY, "production", StateChange(enabled=True, percentage=10), actor=BEN, reason="r", now=now)
    request = ask(raised(60))
    approve(request, now=now)
    at_once(
        lambda: emergency.emergency_disable(KEY, "production", actor=BEN, reason="fire", now=now),
        lambda: applying.apply(request.pk, actor=OLGA, now=now),
        lambda: clock.tick(now),
    )
    state = flag_selectors.state(KEY, "production")
    assert (state.enabled, int(state.percentage)) == (False, 0)


def test_requests_that_touch_the_same_flags_do_not_wait_for_each_other(ask: Ask, now: datetime) -> None:
    """Both lock in everybody's order, whatever the order of their changes; definitions lock every environment."""
    one = ask(raised(50), raised(30, OTHER))
    two = ask(raised(31, OTHER), raised(51))
    three = ask(Change("flag.definition", KEY, {"description": "new"}))
    for request in (one, two, three):
        approve(request, now=now)
    results = at_once(
        *[lambda pk=request.pk: applying.apply(pk, actor=OLGA, now=now) for request in (one, two, three)],
        lambda: definition.change(OTHER, DefinitionChange(description="o"), actor=BEN, reason="r", now=now),
    )
    refused = failures(results)
    assert all(isinstance(refusal, Conflict) for refusal in refused)
    assert told("request.applied") + len(refused) == 3
    assert told("request.applied") >= 1


def test_whoever_waited_for_an_edit_sees_it(ask: Ask, now: datetime) -> None:
    request = ask()
    held, said = threading.Event(), []

    def approve_what_was_seen() -> None:
        held.wait()
        try:
            approve(request, now=now, digest=request.digest)
        except Conflict as refusal:
            said.append(str(refusal))
        finally:
            connection.close()

    waiter = threading.Thread(target=approve_what_was_seen)
    waiter.start()
    with transaction.atomic():
        hold(request.pk)
        held.set()
        waiter.join(0.3)
        assert waiter.is_alive()
        requests.edit(request.pk, title="Another", actor=OLGA, now=now, version=request.version)
    waiter.join(10)
    assert len(said) == 1
    assert "not what you looked at any more" in said[0]
    assert Approval.objects.count() == 0
