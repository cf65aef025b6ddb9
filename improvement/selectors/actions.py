"""Action items, and with them what post-mortems want done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet

import incidents.selectors
from core import together
from core.errors import NotFound
from improvement.domain.actions import ActionState
from improvement.models import ActionItem

if TYPE_CHECKING:
    from incidents.models import FollowUp


@dataclass(frozen=True, slots=True)
class Todo:
    """An open action item, or an open follow-up of an incident: `subject` is `action:5` or `incident:3`."""

    subject: str
    title: str
    owner: str
    due: date
    origin: str


def listed() -> QuerySet[ActionItem]:
    """All, those due first first."""
    return ActionItem.objects.all()


def get(item_id: int) -> ActionItem:
    row = ActionItem.objects.filter(pk=item_id).first()
    if row is None:
        raise NotFound(f"There is no action item {item_id}.")
    return row


def of_origin(origin: str) -> QuerySet[ActionItem]:
    """What was opened from this subject of events."""
    return ActionItem.objects.filter(origin=origin)


def of_origins(noun: str) -> QuerySet[ActionItem]:
    """What was opened from anything of this noun: `report` finds those of `report:3` and `report:4`."""
    return ActionItem.objects.filter(origin__startswith=f"{noun}:")


def of_person(username: str) -> list[Todo]:
    """What this person has to do, also what post-mortems want, the most urgent first: one query."""
    return todos(**together.read(**asked_of(username)))


def open_ones() -> list[Todo]:
    """Everything that nobody has done yet; two queries."""
    return todos(_open_items(), incidents.selectors.open_follow_ups())


def asked_of(username: str) -> dict[str, QuerySet[Any]]:
    """What has to be read for `todos` of one person."""
    follow_ups = incidents.selectors.open_follow_ups().filter(owner=username)
    return {"actions": _open_items().filter(owner=username), "follow_ups": follow_ups}


def todos(actions: Iterable[ActionItem], follow_ups: Iterable[FollowUp]) -> list[Todo]:
    """Both as what is to be done, the most urgent first."""
    found = [Todo(f"action:{row.pk}", row.title, row.owner, row.due, row.origin) for row in actions]
    found += [
        Todo(f"incident:{row.incident_id}", row.text, row.owner, row.due, f"incident:{row.incident_id}")
        for row in follow_ups
    ]
    return sorted(found, key=lambda todo: (todo.due, todo.subject))


def _open_items() -> QuerySet[ActionItem]:
    return ActionItem.objects.filter(state=ActionState.OPEN.value)


def overdue(*, today: date) -> QuerySet[ActionItem]:
    return ActionItem.objects.filter(Q(state=ActionState.OPEN.value) & Q(due__lt=today))
