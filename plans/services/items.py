"""Tick items by hand: passed, failed or skipped, and pending again; say who looks after them, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core import people
from core.actors import Actor
from core.errors import Conflict, Invalid
from core.texts import check_text
from plans.domain.states import DONE, ChecklistKind, ItemState, PhaseState
from plans.models import Checklist, Item
from plans.services import attaching
from plans.services.attaching import File
from plans.services.holding import hold_ramps
from plans.services.locking import hold_item, tell

MOST = 2_000  # characters of a comment
OF_PHASE = (ChecklistKind.ACTIVITIES.value, ChecklistKind.CRITERIA.value)
NOT_BEGUN = (PhaseState.WAITING, PhaseState.ROLLED_BACK)


@transaction.atomic
def mark(
    item_id: int,
    state: ItemState,
    *,
    actor: Actor,
    now: datetime,
    comment: str = "",
    file: File | None = None,
    version: int | None = None,
) -> Item:
    """Say how an item is, and show it with a file.

    What fails or is skipped needs a comment; what is measured passes by its measurement alone.

    Raises Invalid, StaleVersion when somebody was faster, and Conflict when the list is not open, the item waits for
    those before it, or its plan has ended.
    """
    comment = check_text(comment, field="comment", longest=MOST)
    if state in (ItemState.FAILED, ItemState.SKIPPED) and not comment:
        raise Invalid("Say why, in a few words.", field="comment")
    item = hold_item(item_id, version=version)
    if file is not None:
        attaching.keep(item, file, by=actor, now=now)
    if item.state == state.value and item.why == comment:
        return item
    need_open(item, now=now)
    if item.check_of and state not in (ItemState.SKIPPED, ItemState.PENDING):
        raise Conflict("This is measured: it ticks itself when it is so. Skip it with a reason if it does not matter.")
    if state is not ItemState.PENDING:
        need_turn(item)
    change(item, state, comment, by=actor, now=now)
    return item


@transaction.atomic
def assign(
    item_id: int,
    assignee: str,
    *,
    due_at: datetime | None = None,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Item:
    """Say who looks after it and until when; empty: nobody, and the time of its list.

    Raises Invalid for somebody who cannot sign in, and for a time that is over.
    """
    assignee = assignee.strip()
    item = hold_item(item_id, version=version)
    before, after = _care(item), {"assignee": assignee, "due_at": due_at.isoformat() if due_at else ""}
    if before == after:
        return item
    if assignee != item.assignee and assignee and not people.signs_in(assignee):
        raise Invalid(f"Nobody signs in as {assignee!r}.", field="assignee")
    if due_at != item.due_at:
        if due_at is not None and due_at <= now:
            raise Invalid("This time is over: give one that is ahead.", field="due_at")
        item.due_at, item.overdue_told_at = due_at, None
    item.assignee = assignee
    item.version += 1
    item.save(update_fields=["assignee", "due_at", "overdue_told_at", "version"])
    _tell("item.assigned", item, actor=actor, now=now, reason="", before=before, after=after)
    return item


def change(item: Item, state: ItemState, why: str, *, by: Actor, now: datetime) -> None:
    """Bring a locked item to a state, tell of it, and see whether its list is done."""
    before = {"state": item.state, "why": item.why}
    if item.state != state.value:
        item.since = now
    item.state, item.why, item.by = state.value, why, by.name
    item.version += 1
    item.save(update_fields=["state", "why", "by", "since", "version", "evidence", "measured_at"])
    after = {"state": item.state, "why": why}
    said = f"{item.text}: {state.value.lower()}. {why}".strip()
    _tell("item.marked", item, actor=by, now=now, reason=said, before=before, after=after)
    if item.checklist.kind == ChecklistKind.CRITERIA:
        hold_ramps(item.checklist.plan)
    follow(item.checklist, now=now)


def follow(checklist: Checklist, *, now: datetime) -> None:
    """Note when the list came to be done, or is not any more, and open those that wait for it."""
    left = checklist.items.exclude(state__in=[state.value for state in DONE]).exists()
    if left == (checklist.completed_at is None):
        return
    checklist.completed_at = None if left else now
    checklist.save(update_fields=["completed_at"])
    if left:
        return
    for waiting in Checklist.objects.filter(plan=checklist.plan_id, after=checklist.key, opens_at=None):
        waiting.opens_at = now + timedelta(hours=waiting.opens_hours)
        waiting.due_at = now + timedelta(hours=waiting.due_hours) if waiting.due_hours else None
        waiting.save(update_fields=["opens_at", "due_at"])


def need_open(item: Item, *, now: datetime) -> None:
    """Raises Conflict while its list is closed, or its phase has not begun."""
    phase, kind = item.checklist.phase, item.checklist.kind
    if kind in OF_PHASE and phase is not None and PhaseState(phase.state) in NOT_BEGUN:
        raise Conflict(f"{phase.name} has not begun: start the phase first, through its gate.")
    opens_at = item.checklist.opens_at
    if opens_at is None:
        raise Conflict(f"{item.checklist.title} opens when the list before it is done.")
    if opens_at > now:
        raise Conflict(f"{item.checklist.title} opens at {opens_at:%Y-%m-%d %H:%M} UTC.")


def need_turn(item: Item) -> None:
    """Raises Conflict while an item before it in an ordered list is open."""
    if not item.checklist.ordered:
        return
    before = item.checklist.items.filter(position__lt=item.position)
    open_ = before.exclude(state__in=[each.value for each in DONE]).order_by("position").first()
    if open_ is not None:
        raise Conflict(f"These are done in order: first comes {open_.text!r}.")


def _care(item: Item) -> dict[str, str]:
    return {"assignee": item.assignee, "due_at": item.due_at.isoformat() if item.due_at else ""}


def _tell(
    kind: str,
    item: Item,
    *,
    actor: Actor,
    now: datetime,
    reason: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    data = {"item": item.pk, "text": item.text}
    subject = f"checklist:{item.checklist_id}"
    plan = item.checklist.plan
    tell(kind, subject, plan, actor=actor, reason=reason, now=now, before=before, after=after, data=data)
