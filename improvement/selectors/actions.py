"""Action items, and with them what post-mortems want done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Q, QuerySet

import incidents.selectors
from core.errors import NotFound
from improvement.domain.actions import ActionState
from improvement.models import ActionItem


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
    """What this person has to do, also what post-mortems want, the most urgent first."""
    return [todo for todo in open_ones() if todo.owner == username]


def open_ones() -> list[Todo]:
    """Everything that nobody has done yet; two queries."""
    items = ActionItem.objects.filter(state=ActionState.OPEN.value)
    found = [Todo(f"action:{row.pk}", row.title, row.owner, row.due, row.origin) for row in items]
    found += [
        Todo(f"incident:{row.incident_id}", row.text, row.owner, row.due, f"incident:{row.incident_id}")
        for row in incidents.selectors.open_follow_ups()
    ]
    return sorted(found, key=lambda todo: (todo.due, todo.subject))


def overdue(*, today: date) -> QuerySet[ActionItem]:
    return ActionItem.objects.filter(Q(state=ActionState.OPEN.value) & Q(due__lt=today))
