"""Lessons: the strategy's own, and what rollbacks, incidents and phases taught."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from core import events
from core.actors import Actor
from core.errors import Conflict
from core.texts import need_reason
from improvement.domain.lessons import read
from improvement.models import Lesson
from improvement.services.locking import hold


@transaction.atomic
def define(key: str, given: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime) -> Lesson:
    """A lesson of a playbook; what `given` leaves out stays as it is, and nothing is written when nothing differs.

    Raises Invalid with the field.
    """
    row = Lesson.objects.select_for_update().filter(key=key).first()
    if row is None:
        return _write(given, actor, reason, now, key=key)
    return _change(row, {**as_dict(row), **given}, actor, reason, now)


@transaction.atomic
def write(given: Mapping[str, Any], *, actor: Actor, now: datetime) -> Lesson:
    """A new one. Raises Invalid with the field."""
    return _write(given, actor, "", now)


@transaction.atomic
def change(
    lesson_id: int, given: Mapping[str, Any], *, actor: Actor, now: datetime, version: int | None = None
) -> Lesson:
    """Raises Invalid with the field, NotFound, StaleVersion."""
    return _change(hold(Lesson, "lesson", version=version, pk=lesson_id), given, actor, "", now)


@transaction.atomic
def retire(lesson_id: int, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> Lesson:
    """It holds no more, and is listed below the board alone. Raises Conflict, Invalid, NotFound, StaleVersion."""
    row = hold(Lesson, "lesson", version=version, pk=lesson_id)
    if row.retired_at is not None:
        raise Conflict("This lesson is retired already.")
    row.retired_at, row.version = now, row.version + 1
    row.save(update_fields=["retired_at", "version"])
    events.record("lesson.retired", subject=f"lesson:{row.pk}", actor=actor, now=now, reason=need_reason(reason))
    return row


def as_dict(row: Lesson) -> dict[str, Any]:
    """What `domain.lessons.read` takes."""
    return {name: getattr(row, name) for name in ("area", "sort", "text", "detail", "evidence", "about", "tags")}


def _write(given: Mapping[str, Any], actor: Actor, reason: str, now: datetime, *, key: str | None = None) -> Lesson:
    kept = read(given).as_dict()
    row = Lesson.objects.create(key=key, written_at=now, written_by=actor.name, **kept)
    events.record("lesson.written", subject=f"lesson:{row.pk}", actor=actor, now=now, reason=reason, after=kept)
    return row


def _change(row: Lesson, given: Mapping[str, Any], actor: Actor, reason: str, now: datetime) -> Lesson:
    before, after = as_dict(row), read(given).as_dict()
    if before == after:
        return row
    for name, value in after.items():
        setattr(row, name, value)
    row.version += 1
    row.save()
    events.record(
        "lesson.changed",
        subject=f"lesson:{row.pk}",
        actor=actor,
        now=now,
        reason=reason,
        before=before,
        after=after,
    )
    return row
