"""What a process holds: swapped on change, kept through every outage, started from disk."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from core.actors import Actor
from core.tokens import digest
from flags import selectors
from flags.adapters import bus
from flags.adapters.disk import DiskCopy
from flags.domain.change import StateChange
from flags.models import AllowedUser, Configuration
from flags.services import lists, rollout, tokens
from flags.services.holding import Held, Holder, Source

KEY = "atomicMeltOperations"


@contextmanager
def database_stopped() -> Iterator[None]:
    """Every query fails as it does when the server is gone."""

    def gone(*_: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(gone):
        yield


def until(true: Callable[[], object], *, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.mark.django_db
@pytest.mark.usefixtures("flag")
def test_a_change_is_taken_with_few_queries_and_only_for_its_environment(
    holder: Holder, operator_actor: Actor, now: datetime
) -> None:
    assert holder.refresh()
    staging = holder.held.snapshots["staging"]
    rollout.change(
        KEY, "production", StateChange(enabled=True, percentage=100), actor=operator_actor, reason="r", now=now
    )

    with CaptureQueriesContext(connection) as queries:
        assert holder.refresh()
    assert len(queries) == 6  # marks, tokens, states that changed, sums, segments, marks again; lists only if changed
    assert holder.held.snapshots["production"].is_on(KEY, "npub1x")
    assert holder.held.snapshots["staging"] is staging
    with CaptureQueriesContext(connection) as queries:
        assert not holder.refresh()  # the same news twice
    assert len(queries) == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("flag")
def test_an_allow_list_is_read_again_only_when_it_changed(holder: Holder, operator_actor: Actor, now: datetime) -> None:
    told = {"actor": operator_actor, "reason": "r", "now": now}
    rollout.enable(KEY, "production", **told)
    lists.edit_allow_list(KEY, "production", add=["npub1a"], **told)
    holder.refresh()
    AllowedUser.objects.update(npub="npub1changed-behind-our-back")
    rollout.set_rollout(KEY, "production", 10, **told)
    holder.refresh()
    assert holder.held.snapshots["production"].decide(KEY, "npub1a").rule == "allow-list"

    lists.edit_allow_list(KEY, "production", add=["npub1b"], **told)
    holder.refresh()
    held = holder.held.snapshots["production"]
    assert [held.decide(KEY, npub).rule for npub in ("npub1a", "npub1b")] == ["percentage", "allow-list"]


@pytest.mark.django_db
@pytest.mark.usefixtures("flag")
def test_a_version_that_goes_back_is_taken_with_its_lists(holder: Holder, operator_actor: Actor, now: datetime) -> None:
    told = {"actor": operator_actor, "reason": "r", "now": now}
    rollout.enable(KEY, "production", **told)
    lists.edit_allow_list(KEY, "production", add=["npub1a"], **told)
    holder.refresh()
    AllowedUser.objects.update(npub="npub1restored")  # as a backup had it: same allow_version, other content
    Configuration.objects.filter(environment__key="production").update(version=1)

    assert holder.refresh()
    assert holder.held.snapshots["production"].version == 1
    assert holder.held.snapshots["production"].is_on(KEY, "npub1restored")


@pytest.mark.django_db
def test_a_revoked_token_is_gone_with_the_next_picture(
    holder: Holder, token: str, operator_actor: Actor, now: datetime
) -> None:
    holder.refresh()
    assert holder.held.tokens[digest(token)].environment == "production"
    tokens.revoke(selectors.tokens().get().pk, actor=operator_actor, now=now)
    holder.refresh()
    assert digest(token) not in holder.held.tokens


@pytest.mark.django_db
def test_without_the_database_a_process_starts_from_disk_and_recovers_by_itself(
    make_holder: Callable[..., Holder], token: str, operator_actor: Actor, now: datetime
) -> None:
    rollout.change(
        KEY, "production", StateChange(enabled=True, percentage=100), actor=operator_actor, reason="r", now=now
    )
    lists.edit_allow_list(KEY, "staging", add=["npub1a"], actor=operator_actor, reason="r", now=now)
    make_holder().refresh()

    later = make_holder()
    with database_stopped():
        with pytest.raises(DatabaseError):
            later.refresh()
        later._load_copy()
        assert later.held.source is Source.DISK
        assert later.held.snapshots["production"].is_on(KEY, "npub1x")
        assert digest(token) in later.held.tokens
        assert later.age is None
    assert later.refresh()
    assert later.held.source is Source.DATABASE


@pytest.mark.django_db
@pytest.mark.usefixtures("flag")
def test_a_database_that_hangs_delays_the_first_caller_little_and_its_late_word_counts(
    make_holder: Callable[..., Holder], copy: DiskCopy
) -> None:
    make_holder().refresh()
    answer = threading.Event()

    class Slow(Holder):
        def refresh(self) -> bool:
            answer.wait(20)
            self._swap(Held().with_news(Source.DATABASE, {}, {}))
            return True

    holder = Slow(copy, poll_seconds=60)
    started = time.monotonic()
    holder.start()
    assert time.monotonic() - started < 10
    assert holder.held.source is Source.DISK
    answer.set()
    until(lambda: holder.held.source is Source.DATABASE)
    holder._load_copy()
    assert holder.held.source is Source.DATABASE
    holder.stop()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("flag", "redis_bus")
def test_news_reach_a_holder_in_another_process_at_once(copy: DiskCopy, operator_actor: Actor, now: datetime) -> None:
    rollout.change(
        KEY, "production", StateChange(enabled=True, percentage=100), actor=operator_actor, reason="r", now=now
    )
    ours, theirs = multiprocessing.Pipe()
    connection.close()
    child = os.fork()
    if child == 0:
        try:
            _answer_in_child(Holder(copy, poll_seconds=60), theirs)
        finally:
            os._exit(0)
    try:
        assert ours.poll(20)
        assert ours.recv() is True
        until(lambda: bus.client().pubsub_numsub(bus.CHANNEL)[0][1] == 1)
        started = time.monotonic()
        rollout.disable(KEY, "production", actor=operator_actor, reason="kill", now=now)
        assert ours.poll(20)
        assert ours.recv() is False
        assert time.monotonic() - started < 30  # far less than the poll
    finally:
        ours.close()
        os.waitpid(child, 0)


def _answer_in_child(holder: Holder, pipe: object) -> None:
    holder.start()
    last = None
    while True:
        now_on = holder.held.snapshots["production"].is_on(KEY, "npub1x")
        if now_on != last:
            pipe.send(now_on)  # type: ignore[attr-defined]
            last = now_on
        if last is False:
            return
        time.sleep(0.005)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("flag")
def test_without_redis_a_change_is_found_by_polling(
    make_holder: Callable[..., Holder], operator_actor: Actor, now: datetime
) -> None:
    holder = make_holder(poll_seconds=0.2)
    holder.start()
    holder.start()  # once more does nothing
    rollout.change(
        KEY, "production", StateChange(enabled=True, percentage=100), actor=operator_actor, reason="r", now=now
    )
    until(lambda: holder.held.snapshots["production"].is_on(KEY, "npub1x"))
    assert not bus.reachable()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("flag")
def test_a_forked_process_keeps_its_own_watch(
    make_holder: Callable[..., Holder], operator_actor: Actor, now: datetime
) -> None:
    holder = make_holder(poll_seconds=0.2)
    holder.start()
    ours, theirs = multiprocessing.Pipe()
    connection.close()
    child = os.fork()
    if child == 0:
        try:
            holder.start()
            theirs.send("started")
            until(lambda: holder.held.snapshots["production"].is_on(KEY, "npub1x"), seconds=20)
            theirs.send("seen")
        finally:
            os._exit(0)
    try:
        assert ours.poll(20)
        assert ours.recv() == "started"
        wanted = StateChange(enabled=True, percentage=100)
        rollout.change(KEY, "production", wanted, actor=operator_actor, reason="r", now=now)
        assert ours.poll(20)
        assert ours.recv() == "seen"
    finally:
        ours.close()
        os.waitpid(child, 0)


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("flag")
def test_readers_never_see_half_a_change_while_it_is_swapped(
    holder: Holder, operator_actor: Actor, now: datetime
) -> None:
    """Each change sets the percentage and a parameter to the same number: no reader may see them differ."""
    told = {"actor": operator_actor, "reason": "r", "now": now}
    rollout.change(KEY, "production", StateChange(enabled=True, percentage=0, parameters={"n": 0}), **told)
    holder.refresh()
    stop, torn = threading.Event(), []

    def repeat(work: Callable[[], object]) -> None:
        while not stop.is_set():
            work()
        connection.close()

    def read() -> None:
        decision = holder.held.snapshots["production"].decide(KEY, "npub1x")
        if decision.percentage != decision.parameters["n"]:
            torn.append(decision)

    threads = [threading.Thread(target=repeat, args=(work,)) for work in (read, read, holder.refresh, holder.refresh)]
    for thread in threads:
        thread.start()
    for number in range(1, 25):
        rollout.change(KEY, "production", StateChange(percentage=number, parameters={"n": number}), **told)
    stop.set()
    for thread in threads:
        thread.join(20)
    holder.refresh()

    assert torn == []
    assert holder.held.snapshots["production"].decide(KEY, "npub1x").percentage == 24
