"""The only way to the event table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.actors import Actor
from core.models import Event
from core.texts import check_storable

if TYPE_CHECKING:
    from django.db.models import QuerySet


_collected: ContextVar[list[Event] | None] = ContextVar("collected", default=None)


@contextmanager
def collecting() -> Iterator[list[Event]]:
    """The events that are recorded inside the block, in their order; kept here also when the block is rolled back."""
    found: list[Event] = []
    before = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(before)


def record(
    kind: str,
    *,
    subject: str,
    actor: Actor,
    now: datetime,
    environment_id: int | None = None,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Write one event. Call it inside the transaction of the change it tells of.

    Raises Invalid for a reason that no database can store, also where the command needs none.
    """
    check_storable(reason, field="reason")
    event = Event.objects.create(
        at=now,
        kind=kind,
        subject=subject,
        environment_id=environment_id,
        actor=actor.name,
        actor_kind=actor.kind.value,
        reason=reason,
        before=dict(before or {}),
        after=dict(after or {}),
        data=dict(data or {}),
    )
    collected = _collected.get()
    if collected is not None:
        collected.append(event)
    return event


def without(child: str, *, kinds: Sequence[str]) -> QuerySet[Event]:
    """Events of these kinds that have no row in the follower's table yet, oldest first.

    `child` is the follower's related name on Event. Unlike a cursor over ids this misses no event that
    was committed late.
    """
    return Event.objects.filter(kind__in=kinds, **{f"{child}__isnull": True}).order_by("id")


def about(subject: str, *, environment_id: int | None = None) -> QuerySet[Event]:
    """The history of one subject, newest first, with its environment loaded."""
    found = Event.objects.filter(subject=subject).select_related("environment")
    return found if environment_id is None else found.filter(environment_id=environment_id)


def numbered(above: int, up_to: int) -> QuerySet[Event]:
    """Those above the one number and up to the other, lowest first."""
    return Event.objects.filter(pk__gt=above, pk__lte=up_to).order_by("pk")


def recent() -> QuerySet[Event]:
    """All events, newest first, with their environment loaded."""
    return Event.objects.select_related("environment").order_by("-id")
