"""Action items: opened by people and by reports, done or dropped by people, told when they are late."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from core import events, people
from core.actors import CLOCK, Actor
from core.errors import Conflict, Invalid
from core.texts import need_reason
from improvement.domain.actions import LONGEST_KEY, LONGEST_TITLE, MACHINE, ActionState, read_origin
from improvement.domain.feedback import read_line, read_text
from improvement.models import ActionItem
from improvement.services.locking import hold

AT_ONCE = 100


@transaction.atomic
def open_item(
    title: str,
    *,
    owner: str,
    due: date,
    actor: Actor,
    now: datetime,
    text: str = "",
    origin: str = "",
    key: str = "",
) -> ActionItem:
    """Open an item, or find the one that was opened under this key, as it is.

    Args:
        owner: the user name of somebody who may sign in.
        due: the last day on which it is not late.
        origin: what it comes from, as the subject of events: `feedback:12`, `report:3`; empty: by itself.
        key: the caller's own, so that a report that is made twice opens it once.

    Raises Invalid with the field.
    """
    if len(key) > LONGEST_KEY:
        raise Invalid(f"At most {LONGEST_KEY} characters.", field="key")
    if key and (found := ActionItem.objects.filter(key=key).first()):
        return found
    values = {
        **_read(title=title, text=text, owner=owner, due=due),
        "origin": read_origin(origin),
        "opened_at": now,
        "opened_by": actor.name,
    }
    if key:
        row, fresh = ActionItem.objects.get_or_create(key=key, defaults=values)
    else:
        row, fresh = ActionItem.objects.create(**values), True
    if fresh:
        _tell("action.opened", row, actor, now, after=_picture(row), data={"origin": row.origin})
    return row


@transaction.atomic
def change_item(
    item_id: int, *, title: str, text: str, owner: str, due: date, actor: Actor, now: datetime, version: int | None
) -> ActionItem:
    """Another title, text, owner or day; of an open one. Raises Conflict, Invalid, NotFound, StaleVersion."""
    row = hold(ActionItem, "action item", version=version, pk=item_id)
    if row.state != ActionState.OPEN:
        raise Conflict("It is closed. Open it again first.")
    before = _picture(row)
    for field, value in _read(title=title, text=text, owner=owner, due=due).items():
        setattr(row, field, value)
    if _picture(row) == before:
        return row
    row.version += 1
    row.save(update_fields=["title", "text", "owner", "due", "version"])
    _tell("action.changed", row, actor, now, before=before, after=_picture(row))
    return row


def close_item(
    item_id: int, *, outcome: str, actor: Actor, now: datetime, changes: str = "", version: int | None = None
) -> ActionItem:
    """It is done. `changes`: what it changed, as the subject of events. Raises Conflict, Invalid, NotFound."""
    return _end(item_id, ActionState.DONE, outcome, actor, now, version, changes=read_origin(changes))


def drop_item(item_id: int, *, reason: str, actor: Actor, now: datetime, version: int | None = None) -> ActionItem:
    """Nobody will do it. Raises Conflict, Invalid without a reason, NotFound."""
    return _end(item_id, ActionState.DROPPED, need_reason(reason), actor, now, version)


@transaction.atomic
def reopen_item(item_id: int, *, reason: str, actor: Actor, now: datetime, version: int | None = None) -> ActionItem:
    """It was not done after all. Raises Conflict, Invalid without a reason, NotFound."""
    row = hold(ActionItem, "action item", version=version, pk=item_id)
    before = row.state
    row.state = MACHINE.move(ActionState(row.state), ActionState.OPEN).value
    row.closed_at, row.closed_by, row.outcome, row.changes, row.version = None, "", "", "", row.version + 1
    row.save(update_fields=["state", "closed_at", "closed_by", "outcome", "changes", "version"])
    told = {"before": {"state": before}, "after": {"state": row.state}}
    _tell("action.reopened", row, actor, now, reason=need_reason(reason), **told)
    return row


def tell_late(*, today: date, now: datetime) -> int:
    """An event for each open item whose day has passed, once for each day it was given; how many."""
    late = ActionItem.objects.filter(state=ActionState.OPEN.value, due__lt=today)
    late = late.filter(Q(told_due=None) | ~Q(told_due=F("due")))
    return sum(_tell_late(pk, due, now) for pk, due in late.values_list("pk", "due")[:AT_ONCE])


@transaction.atomic
def _tell_late(pk: int, due: date, now: datetime) -> int:
    """Whoever sets `told_due` tells it: of two tasks, one."""
    unchanged = ActionItem.objects.filter(pk=pk, due=due, state=ActionState.OPEN.value)
    if not unchanged.filter(Q(told_due=None) | ~Q(told_due=due)).update(told_due=due):
        return 0
    row = ActionItem.objects.get(pk=pk)
    reason = f"{row.title} was due on {due.isoformat()}. {row.owner} has it."
    data = {"severity": "warning", "title": row.title, "to": [row.owner]}
    _tell("action.overdue", row, CLOCK, now, reason=reason, data=data)
    return 1


@transaction.atomic
def _end(
    item_id: int,
    state: ActionState,
    outcome: str,
    actor: Actor,
    now: datetime,
    version: int | None,
    *,
    changes: str = "",
) -> ActionItem:
    row = hold(ActionItem, "action item", version=version, pk=item_id)
    before = row.state
    row.state = MACHINE.move(ActionState(row.state), state).value
    row.outcome = read_text(outcome, field="outcome")
    row.closed_at, row.closed_by, row.changes, row.version = now, actor.name, changes, row.version + 1
    row.save(update_fields=["state", "outcome", "closed_at", "closed_by", "changes", "version"])
    after = {"state": row.state} | ({"changes": changes} if changes else {})
    _tell(f"action.{state.value}", row, actor, now, reason=row.outcome, before={"state": before}, after=after)
    return row


def _read(*, title: str, text: str, owner: str, due: date) -> dict[str, Any]:
    if not people.signs_in(owner):
        raise Invalid(f"There is no account {owner!r:.60}: the owner is somebody who can sign in.", field="owner")
    return {
        "title": read_line(title, field="title", longest=LONGEST_TITLE),
        "text": read_text(text, field="text"),
        "owner": owner,
        "due": due,
    }


def _picture(row: ActionItem) -> dict[str, Any]:
    return {"title": row.title, "text": row.text, "owner": row.owner, "due": row.due.isoformat()}


def _tell(kind: str, row: ActionItem, actor: Actor, now: datetime, **told: Any) -> None:
    events.record(kind, subject=f"action:{row.pk}", actor=actor, now=now, **told)
