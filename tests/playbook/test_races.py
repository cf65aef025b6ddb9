"""Loads at once, and a load against an operator. These run on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction

from core import events
from core.actors import Actor
from flags import selectors
from flags.services import rollout
from nctool_rollout.playbook import loading
from nctool_rollout.playbook.validation import load_text
from tests.playbook.conftest import LOADER, SMALL, edited
from tests.racing import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]


def load(text: str, now: datetime) -> Any:
    playbook, source = load_text(text, file="small.yaml")
    try:
        return loading.load(playbook, source, actor=LOADER, now=now, file="small.yaml")
    finally:
        connection.close()


def test_five_first_loads_at_once_are_one(now: datetime) -> None:
    wrote = sorted(
        sum(decision.outcome != "same" for decision in decisions)
        for decisions in at_once(*[lambda: load(SMALL, now)] * 5)
    )
    assert wrote[:4] == [0] * 4
    assert wrote[4] > 0
    kinds = list(events.recent().values_list("kind", flat=True))
    assert kinds.count("environment.created") == 2
    assert kinds.count("playbook.loaded") == kinds.count("flag.created") == kinds.count("trigger.created") == 1


def test_a_load_that_waited_for_an_operator_keeps_what_the_operator_did(operator_actor: Actor, now: datetime) -> None:
    load(SMALL, now)
    done: list[Any] = []
    text = edited(("rolloutPercentage: 10", "rolloutPercentage: 50"))
    waiter = threading.Thread(target=lambda: done.append(load(text, now)))
    with transaction.atomic():
        rollout.set_rollout("sending", "live", 12, actor=operator_actor, reason="by hand", now=now)
        waiter.start()
        waiter.join(0.5)
        assert waiter.is_alive()
    waiter.join(20)

    assert [(decision.item[-1], decision.outcome) for decision in done[0] if decision.outcome != "same"] == [
        ("rollout", "keep")
    ]
    assert selectors.state("sending", "live").percentage == 12
