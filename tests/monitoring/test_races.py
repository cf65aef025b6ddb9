"""Guards, writers and people at once, and a worker that is killed. These run on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

import flags.selectors
from core import events
from core.actors import Actor
from core.errors import Conflict
from flags.services import emergency, locking, rollout
from monitoring import selectors
from monitoring.models import Bucket, Judgement, Receipt, Series, Trigger
from monitoring.services import guard, ingest, triggers
from tests.monitoring.conftest import CRITICAL_ERRORS, ERROR_RATE, KEY, OTHER, Traffic, counted
from tests.racing import at_once

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]
WORKER = Path(__file__).with_name("worker.py")


def history(kind: str) -> int:
    return events.recent().filter(kind=kind).count()


def done() -> tuple[str, bool, int, int]:
    """Trigger, flag, and how often each event was told."""
    state = flags.selectors.state(KEY, "production")
    row = selectors.trigger("error-rate", "production")
    return row.state, state.enabled, history("trigger.fired"), history("flag.rolled_back")


NOTHING, ALL = ("armed", True, 0, 0), ("latched", False, 1, 1)


@pytest.fixture
def fault(error_rate: Trigger, traffic: Traffic) -> datetime:
    """A fault that the next guard fires on; when that guard looks."""
    traffic.melts(40, errors=0.2)
    return traffic.at + timedelta(seconds=4)


def test_eight_guards_at_once_are_one_rollback(fault: datetime) -> None:
    assert sum(at_once(*[lambda: guard.judge_all(now=fault)] * 8)) == 1
    assert done() == ALL
    assert Judgement.objects.count() == 4


def test_eight_guards_at_once_freeze_once_and_tell_of_silence_once(
    both_flags: None, traffic: Traffic, operator_actor: Actor, start: datetime
) -> None:
    values = {**ERROR_RATE, "actions": ["pause", "freeze"]}
    triggers.define("error-rate", "production", values, actor=operator_actor, reason="r", now=start)
    traffic.melts(40, errors=0.2)
    late = traffic.at + timedelta(seconds=90)
    assert sum(at_once(*[lambda: guard.judge_all(now=late)] * 8)) == 1
    assert [history(kind) for kind in ("trigger.fired", "freeze.planned", "metrics.silent")] == [1, 1, 1]
    assert flags.selectors.state(KEY, "production").enabled


def test_two_triggers_on_one_flag_are_one_rollback(fault: datetime, operator_actor: Actor, start: datetime) -> None:
    for key in ("critical-errors", "more-errors"):
        values = {**CRITICAL_ERRORS, "target": "flag", "flag_key": KEY, "threshold": 0}
        values["numerator"] = {"metric": "melt_errors_total"}
        triggers.define(key, "production", values, actor=operator_actor, reason="r", now=start)
    assert sum(at_once(*[lambda: guard.judge_all(now=fault)] * 4)) == 3
    assert (history("trigger.fired"), history("flag.rolled_back")) == (3, 1)


def test_a_guard_against_operators_always_ends_with_the_flag_off(fault: datetime, operator_actor: Actor) -> None:
    def raise_to(key: str, percentage: int) -> Callable[[], Any]:
        return lambda: rollout.set_rollout(key, "production", percentage, actor=operator_actor, reason="r", now=fault)

    results = at_once(
        *[lambda: guard.judge_all(now=fault)] * 3,
        *[raise_to(KEY, percentage) for percentage in (60, 70)],
        raise_to(OTHER, 30),
        lambda: emergency.emergency_disable(OTHER, "production", actor=operator_actor, reason="r", now=fault),
    )
    assert not [result for result in results if isinstance(result, Exception)]
    assert done() == ALL


def test_of_two_people_one_re_arms(fault: datetime, operator_actor: Actor) -> None:
    guard.judge_all(now=fault)

    def rearm() -> Trigger:
        return triggers.rearm("error-rate", "production", actor=operator_actor, reason="fixed", now=fault)

    results = at_once(*[rearm] * 4)
    assert sum(isinstance(result, Conflict) for result in results) == 3
    assert history("trigger.rearmed") == 1


def test_a_guard_that_waited_for_a_person_sees_what_the_person_did(fault: datetime, operator_actor: Actor) -> None:
    held, fired = threading.Event(), []

    def look() -> None:
        held.wait()
        try:
            fired.append(guard.judge_all(now=fault))
        finally:
            connection.close()

    waiter = threading.Thread(target=look)
    waiter.start()
    with transaction.atomic():
        locking.hold(KEY, "production")
        held.set()
        waiter.join(0.3)
        assert waiter.is_alive()
        emergency.emergency_disable(KEY, "production", actor=operator_actor, reason="saw it first", now=fault)
    waiter.join(10)

    assert fired == [1]
    assert done() == ("latched", False, 1, 0)


def test_what_eight_writers_report_at_once_adds_up(all_environments: None, now: datetime) -> None:
    def write(writer: int) -> Callable[[], int]:
        def run() -> int:
            stored = 0
            for number in range(10):
                order = (1, -1)[number % 2]
                metrics = [
                    counted("melt_operations_total", 2, now - timedelta(seconds=10 * ago), flag=flag)
                    for ago in range(3)
                    for flag in "abc"
                ][::order]
                body = {"id": f"{writer % 4}:{number}", "metrics": metrics}
                stored += ingest.store("production", body, now=now).stored
            return stored

        return run

    results = at_once(*[write(writer) for writer in range(8)])
    # each id comes from two writers, and counts once
    assert sum(results) == 4 * 10 * 9
    assert (Series.objects.count(), Bucket.objects.count(), Receipt.objects.count()) == (3, 9, 40)
    assert set(Bucket.objects.values_list("n", "sum", "min", "max")) == {(40, 80, 2, 2)}


@pytest.mark.parametrize(
    "stop_at",
    [
        "INSERT INTO monitoring_judgement",
        "INSERT INTO core_event 1",  # flag.rolled_back
        "INSERT INTO core_event 2",  # trigger.fired
        "UPDATE monitoring_trigger",
        "COMMIT",
    ],
)
def test_a_worker_that_is_killed_in_the_middle_of_a_rollback_leaves_nothing_and_it_is_done_exactly_once(
    fault: datetime, stop_at: str
) -> None:
    database = {name: connection.settings_dict[name] for name in ("NAME", "HOST", "PORT", "USER", "PASSWORD")}
    command = [sys.executable, str(WORKER), json.dumps(database), fault.isoformat(), stop_at]
    environment = {**os.environ, "PYTHONPATH": str(WORKER.parents[2])}
    connection.close()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline().strip() == "stopped"
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)

    assert done() == NOTHING
    assert not Judgement.objects.exists()
    assert sum(at_once(*[lambda: guard.judge_all(now=fault)] * 2)) == 1
    assert done() == ALL
