"""Run commands: one is taken by a lease and a fence, runs outside any transaction, and ticks its item by how it ended.

A runner that dies leaves its lease behind. The command is then lost, and never begun again by itself: whether it did
something is for a person to see.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from core import heartbeats
from core.actors import Actor, ActorKind
from core.errors import DomainError
from core.masking import masked
from plans.adapters.ports import ProgramError, Programs, Running
from plans.domain import command
from plans.domain.command import LEASE, MOST_OUTPUT, RUN, CommandState, Outcome, ended, last_of
from plans.domain.states import DONE, LIVE, ItemState, PlanState
from plans.models import CommandRun, Item
from plans.services import commands, items
from plans.services.locking import tell

log = logging.getLogger(__name__)
RUNNER = Actor("runner", ActorKind.MACHINE)
LOOK = 1.0  # seconds between two looks at a program that runs
GRACE, SHORT_GRACE = 5.0, 1.0  # seconds to clean up; the short one when the runner itself has to go
Clock = Callable[[], datetime]


def run_next(programs: Programs, *, clock: Clock, look: float = LOOK, stopping: Callable[[], bool] = bool) -> bool:
    """End what was lost, then run the command that waits longest, to its end; False when none waits.

    Args:
        look: seconds between two looks at the program: how soon it is stopped, and its output shown.
        stopping: True once the runner is to end; the program is then ended too.
    """
    lose(now=clock())
    run = claim(now=clock())
    if run is None:
        return False
    begin = time.monotonic()
    try:
        command.need_allowed(run.argv, programs.allowed)
        child = programs.start(run.argv, environment=run.item.checklist.plan.environment.key)
    except (ProgramError, DomainError) as error:
        settle(run, Outcome(CommandState.FAILED, str(error)), "", programs, now=clock())
        return True
    outcome = _watch(run, child, programs, begin=begin, clock=clock, look=look, stopping=stopping)
    if outcome is not None:
        settle(run, outcome, child.output(), programs, now=clock())
    return True


def claim(*, now: datetime) -> CommandRun | None:
    """Take the run that waits longest; of two runners one gets it."""
    waiting = CommandRun.objects.filter(
        state=CommandState.WAITING.value, item__checklist__plan__state=PlanState.RUNNING.value
    )
    for found in waiting.order_by("pk")[:5]:
        free = CommandRun.objects.filter(pk=found.pk, state=CommandState.WAITING.value, fence=found.fence)
        taken = free.update(
            state=CommandState.RUNNING.value, started_at=now, lease_until=now + LEASE, fence=F("fence") + 1
        )
        if taken:
            return CommandRun.objects.select_related("item__checklist__plan__environment").get(pk=found.pk)
    return None


def lose(*, now: datetime) -> int:
    """Give up the runs whose runner has died; how many."""
    gone = CommandRun.objects.filter(state=CommandState.RUNNING.value, lease_until__lte=now)
    why = "Its runner died: whether it did something has to be seen by a person. Then run it again, or tick the item."
    return sum(_write(run, Outcome(CommandState.LOST, why), run.output, now=now) is not None for run in gone)


def settle(run: CommandRun, outcome: Outcome, output: str, programs: Programs, *, now: datetime) -> None:
    """Write how a run ended; after a good end of one that goes on, ask for the next of the list."""
    said = masked(last_of(output), secrets=programs.secrets, most=MOST_OUTPUT)
    with transaction.atomic():
        written = _write(run, outcome, said, now=now)
        if written is not None and written.onward and outcome.ok:
            _go_on(written.item, written, programs, now=now)


def _watch(
    run: CommandRun,
    child: Running,
    programs: Programs,
    *,
    begin: float,
    clock: Clock,
    look: float,
    stopping: Callable[[], bool],
) -> Outcome | None:
    """Wait for the end of the program; None when the run is not ours any more."""
    while True:
        code = child.wait(look)
        seconds = time.monotonic() - begin
        if code is not None:
            return ended(code, seconds=seconds)
        mine = _renew(run, child, programs, now=clock())
        why = _why_end(run, mine, seconds, stopping=stopping())
        if why is not None:
            child.end(grace=SHORT_GRACE if stopping() else GRACE)
            return why if mine else None


def _why_end(run: CommandRun, mine: CommandRun | None, seconds: float, *, stopping: bool) -> Outcome | None:
    if mine is None:
        return Outcome(CommandState.LOST, "Somebody else has it by now.")
    if mine.stop_by:
        return Outcome(CommandState.STOPPED, f"Stopped by {mine.stop_by} after {seconds:.0f} s.")
    if stopping:
        return Outcome(CommandState.STOPPED, f"The runner was stopped after {seconds:.0f} s.")
    if seconds >= run.timeout:
        return Outcome(CommandState.TIMED_OUT, f"It did not end within {run.timeout} s.")
    return None


def _renew(run: CommandRun, child: Running, programs: Programs, *, now: datetime) -> CommandRun | None:
    """Keep the lease, and show what the program has said; None when the run is not ours any more."""
    said = masked(last_of(child.output()), secrets=programs.secrets, most=MOST_OUTPUT)
    heartbeats.beat("runner", now=now)
    if not _mine(run).update(lease_until=now + LEASE, output=said):
        return None
    return CommandRun.objects.get(pk=run.pk)


@transaction.atomic
def _write(run: CommandRun, outcome: Outcome, output: str, *, now: datetime) -> CommandRun | None:
    """The end of a run, and what it makes of its item; None when the run is not ours any more."""
    held = commands.hold_run(run.pk)
    if held.fence != run.fence or held.state != CommandState.RUNNING.value:
        log.warning("%s: somebody else has it by now", run)
        return None
    held.state = RUN.move(CommandState.RUNNING, outcome.state).value
    held.ended_at, held.code, held.why, held.output, held.lease_until = now, outcome.code, outcome.why, output, None
    held.save()
    item = held.item
    data = {"run": held.pk, "item": item.pk, "text": item.text, "state": held.state, "code": held.code}
    subject, plan = f"checklist:{item.checklist_id}", item.checklist.plan
    tell("command.ended", subject, plan, actor=RUNNER, reason=f"{item.text}: {outcome.why}", now=now, data=data)
    _tick(item, held, outcome, now=now)
    return held


def _tick(item: Item, run: CommandRun, outcome: Outcome, *, now: datetime) -> None:
    """What a person has said of the item meanwhile stays, and so does the item of a run that nobody saw the end of."""
    if PlanState(item.checklist.plan.state) not in LIVE or ItemState(item.state) in DONE:
        return
    if outcome.state in (CommandState.LOST, CommandState.STOPPED):
        return
    item.evidence = {"run": run.pk, "code": run.code}
    state = ItemState.PASSED if outcome.ok else ItemState.FAILED
    items.change(item, state, f"{outcome.why} Run for {run.requested_by}.", by=RUNNER, now=now)


def _go_on(item: Item, run: CommandRun, programs: Programs, *, now: datetime) -> None:
    """The next open item; a list goes on up to the first that a person does."""
    following = item.checklist.items.filter(position__gt=item.position)
    following = following.exclude(state__in=[state.value for state in DONE]).order_by("position")
    next_ = following.first()
    if next_ is not None:
        next_.checklist = item.checklist
        by = Actor(run.requested_by, ActorKind(run.requested_by_kind))
        with suppress(DomainError):
            commands.begin(next_, allowed=programs.allowed, by=by, now=now, reason=run.reason, onward=True)


def _mine(run: CommandRun) -> Any:
    return CommandRun.objects.filter(pk=run.pk, fence=run.fence, state=CommandState.RUNNING.value)
