"""Ask for the command of an item to be run, and for one that runs to be stopped."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import Conflict, DomainError, NotFound
from core.texts import check_text, need_reason
from plans.domain import command
from plans.domain.command import RUN, UNDER_WAY, CommandState
from plans.domain.states import DONE, ItemState, PlanState
from plans.models import Checklist, CommandRun, Item
from plans.services import items
from plans.services.locking import hold_item, tell


@dataclass(frozen=True, slots=True)
class Step:
    """What a run of a list comes to: `refusal` says why the runner would not run the item, else empty."""

    item: Item
    argv: list[str]
    refusal: str


def rehearse(checklist: Checklist, allowed: Collection[str]) -> list[Step]:
    """What would be run of a list, in order, and what would not: nothing is run."""
    found = []
    for item in checklist.items.order_by("position"):
        if ItemState(item.state) in DONE:
            found.append(Step(item, [], f"It is {item.state.lower()}."))
            continue
        try:
            found.append(Step(item, argv_of(item, allowed), ""))
        except DomainError as error:
            found.append(Step(item, [], str(error)))
    return found


def argv_of(item: Item, allowed: Collection[str]) -> list[str]:
    """The program and the arguments of an item. Raises Conflict, Refused or Invalid when it is not run from here."""
    if not (item.runs_here and item.command):
        raise Conflict("A person does this.")
    argv = command.read(item.command)
    command.need_allowed(argv, allowed)
    return argv


def runs_here(item: Item, allowed: Collection[str]) -> bool:
    """The runner would run it."""
    try:
        return bool(argv_of(item, allowed))
    except DomainError:
        return False


@transaction.atomic
def request(
    item_id: int,
    *,
    allowed: Collection[str],
    actor: Actor,
    now: datetime,
    reason: str = "",
    onward: bool = False,
    version: int | None = None,
) -> CommandRun:
    """Have the item's command run; a runner takes it within seconds.

    Args:
        allowed: the programs that may be run here.
        onward: go on with the next items of the list as long as each ends well.

    Raises Invalid without a reason in a protected environment, Conflict when the list is closed, the item is done,
    waits for those before it or is under way; and what `argv_of` raises.
    """
    item = hold_item(item_id, version=version)
    reason = need_reason(reason) if item.checklist.plan.environment.protected else check_text(reason)
    items.need_open(item, now=now)
    if ItemState(item.state) in DONE:
        raise Conflict(f"It is {item.state.lower()}: untick it first, to run it again.")
    items.need_turn(item)
    return begin(item, allowed=allowed, by=actor, now=now, reason=reason, onward=onward)


@transaction.atomic
def stop(run_id: int, *, actor: Actor, now: datetime, reason: str = "") -> CommandRun:
    """Stop a command: one that waits at once, one that runs within seconds. Conflict for one that has ended."""
    run = hold_run(run_id)
    if CommandState(run.state) not in UNDER_WAY:
        raise Conflict(f"It has ended: {run.state.replace('_', ' ')}.")
    run.stop_by = actor.name
    if CommandState(run.state) is CommandState.WAITING:
        run.state, run.ended_at, run.why = (
            RUN.move(CommandState.WAITING, CommandState.STOPPED).value,
            now,
            "It never ran.",
        )
    run.save(update_fields=["stop_by", "state", "ended_at", "why"])
    _tell("command.stopped", run, actor=actor, reason=reason, now=now)
    return run


def drop(plan_id: int, *, now: datetime) -> None:
    """Let go of what waits of a plan that has ended, in its transaction; what runs, runs to its end."""
    waiting = CommandRun.objects.filter(item__checklist__plan=plan_id, state=CommandState.WAITING.value)
    waiting.update(state=CommandState.STOPPED.value, ended_at=now, why="The plan has ended: it never ran.")


def begin(
    item: Item, *, allowed: Collection[str], by: Actor, now: datetime, reason: str = "", onward: bool = False
) -> CommandRun:
    """The run of a locked item, as a row that waits for a runner."""
    if PlanState(item.checklist.plan.state) is not PlanState.RUNNING:
        raise Conflict(f"The plan is {item.checklist.plan.state}: nothing of it is run.")
    if item.runs.filter(state__in=[state.value for state in UNDER_WAY]).exists():
        raise Conflict("It is under way already.")
    run = CommandRun.objects.create(
        item=item,
        argv=argv_of(item, allowed),
        timeout=item.timeout,
        onward=onward,
        requested_by=by.name,
        requested_by_kind=by.kind.value,
        requested_at=now,
        reason=reason,
    )
    _tell("command.requested", run, actor=by, reason=reason, now=now, argv=run.argv)
    return run


def hold_run(run_id: int) -> CommandRun:
    """A locked run with its locked item, of a plan that may have ended. Raises NotFound."""
    found = CommandRun.objects.filter(pk=run_id).values_list("item", flat=True).first()
    if found is None:
        raise NotFound(f"There is no command {run_id}.")
    item = hold_item(found, ended=True)
    run = CommandRun.objects.select_for_update(of=("self",)).get(pk=run_id)
    run.item = item
    return run


def _tell(kind: str, run: CommandRun, *, actor: Actor, reason: str, now: datetime, **more: object) -> None:
    item = run.item
    data = {"run": run.pk, "item": item.pk, "text": item.text, **more}
    tell(kind, f"checklist:{item.checklist_id}", item.checklist.plan, actor=actor, reason=reason, now=now, data=data)
