"""Tick items by hand: passed, failed or skipped, and pending again."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from core.actors import Actor
from core.errors import Conflict, Invalid
from plans.domain.states import DONE, ItemState
from plans.models import Checklist, Item
from plans.services.locking import hold_item, tell

MOST = 2_000  # characters of a comment


@transaction.atomic
def mark(
    item_id: int,
    state: ItemState,
    *,
    actor: Actor,
    now: datetime,
    comment: str = "",
    version: int | None = None,
) -> Item:
    """Say how an item is. What fails or is skipped needs a comment; what is measured passes by its measurement alone.

    Raises Invalid, StaleVersion when somebody was faster, and Conflict when the list is not open, the item waits for
    those before it, or its plan has ended.
    """
    comment = comment.strip()
    if len(comment) > MOST:
        raise Invalid(f"At most {MOST:,} characters.", field="comment")
    if state in (ItemState.FAILED, ItemState.SKIPPED) and not comment:
        raise Invalid("Say why, in a few words.", field="comment")
    item = hold_item(item_id, version=version)
    if item.state == state.value and item.why == comment:
        return item
    _check_open(item, now=now)
    if item.check_of and state not in (ItemState.SKIPPED, ItemState.PENDING):
        raise Conflict("This is measured: it ticks itself when it is so. Skip it with a reason if it does not matter.")
    _check_order(item, state)
    change(item, state, comment, by=actor, now=now)
    return item


@transaction.atomic
def assign(item_id: int, assignee: str, *, actor: Actor, now: datetime) -> Item:
    """Say who looks after it; empty: nobody."""
    item = hold_item(item_id)
    before, assignee = item.assignee, assignee.strip()
    if len(assignee) > 150:
        raise Invalid("At most 150 characters.", field="assignee")
    if before == assignee:
        return item
    item.assignee = assignee
    item.version += 1
    item.save(update_fields=["assignee", "version"])
    _tell(
        "item.assigned",
        item,
        actor=actor,
        now=now,
        reason="",
        before={"assignee": before},
        after={"assignee": assignee},
    )
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


def _check_open(item: Item, *, now: datetime) -> None:
    opens_at = item.checklist.opens_at
    if opens_at is None:
        raise Conflict(f"{item.checklist.title} opens when the list before it is done.")
    if opens_at > now:
        raise Conflict(f"{item.checklist.title} opens at {opens_at:%Y-%m-%d %H:%M} UTC.")


def _check_order(item: Item, state: ItemState) -> None:
    if not item.checklist.ordered or state is ItemState.PENDING:
        return
    before = item.checklist.items.filter(position__lt=item.position)
    open_ = before.exclude(state__in=[each.value for each in DONE]).order_by("position").first()
    if open_ is not None:
        raise Conflict(f"These are done in order: first comes {open_.text!r}.")


def _tell(
    kind: str,
    item: Item,
    *,
    actor: Actor,
    now: datetime,
    reason: str,
    before: dict[str, str],
    after: dict[str, str],
) -> None:
    data = {"item": item.pk, "text": item.text}
    subject = f"checklist:{item.checklist_id}"
    plan = item.checklist.plan
    tell(kind, subject, plan, actor=actor, reason=reason, now=now, before=before, after=after, data=data)
