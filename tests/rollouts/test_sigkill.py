"""A process that is killed between two writes leaves either all of a command behind, or nothing of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections

from core import events
from core.actors import GUARD, Actor
from flags import selectors
from flags.services import emergency
from rollouts.models import Ramp
from rollouts.services import clock, steering
from tests.rollouts.conftest import KEY, Guard

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]
WRITES = ("INSERT", "UPDATE", "DELETE")


class Killer:
    """Kills its own process right after the n-th write, before anything is committed."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        done = execute(sql, params, many, context)
        if sql.startswith(WRITES):
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return done


def killed_at(write: int, command: Callable[[], Any]) -> bool:
    """Run the command in a child that dies at this write; False when it had fewer and ended by itself."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        with connection.execute_wrapper(Killer(write)):
            command()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def picture(ramp: Ramp) -> tuple[Any, ...]:
    """All that a command on a ramp may have written."""
    ramp.refresh_from_db()
    state = selectors.state(KEY, "production")
    return (
        (ramp.state, ramp.position, ramp.version, ramp.soaking_since, ramp.followed_event),
        list(ramp.steps.values_list("taken_at", "skipped_at", "due_at", "before")),
        (state.enabled, state.percentage, state.parameters, state.version, state.rollback_id != ""),
        selectors.configuration_versions()["production"],
        events.recent().count(),
    )


def resumed(ramp: Ramp, actor: Actor, now: datetime) -> Callable[[], Any]:
    emergency.roll_back(KEY, "production", actor=GUARD, reason="errors", now=now)
    clock.follow(now=now)
    return lambda: steering.resume(ramp.pk, actor=actor, reason="fixed", now=now + timedelta(hours=5))


COMMANDS: dict[str, Callable[[Ramp, Actor, datetime], Callable[[], Any]]] = {
    "the clock takes a step": lambda ramp, actor, now: lambda: clock.advance_due(now=now + timedelta(hours=9)),
    "a person resumes": resumed,
    "a person steps back": lambda ramp, actor, now: (
        lambda: steering.step_back(ramp.pk, actor=actor, reason="r", now=now)
    ),
    "a person rolls back": lambda ramp, actor, now: (
        lambda: steering.roll_back(ramp.pk, actor=actor, reason="r", now=now)
    ),
    "the clock follows a rollback": lambda ramp, actor, now: (
        emergency.roll_back(KEY, "production", actor=GUARD, reason="errors", now=now),
        lambda: clock.follow(now=now),
    )[1],
}


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_command_that_is_killed_at_any_write_has_done_nothing_and_can_be_done_again(
    name: str, ramp: Ramp, guard: Guard, operator_actor: Actor, now: datetime
) -> None:
    for _ in range(2):
        steering.advance(ramp.pk, actor=operator_actor, reason="rehearsed", now=now)
    guard.passes(since=now, until=now + timedelta(hours=9))
    command = COMMANDS[name](ramp, operator_actor, now)
    before = picture(ramp)
    write = 1
    while killed_at(write, command):
        assert picture(ramp) == before, f"killed at write {write}"
        write += 1
        assert write < 40

    assert write > 2, "it wrote more than one row"
    after = picture(ramp)
    assert after[0] != before[0]
    command_again = clock.advance_due(now=now) if name.startswith("the clock") else 0
    assert (command_again, picture(ramp)) == (0, after)
