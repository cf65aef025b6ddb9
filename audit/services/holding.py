"""Legal holds: what must not be forgotten, until an administrator releases it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.models import Hold
from core import environments, events
from core.actors import Actor
from core.errors import Conflict, Invalid, NotFound, StaleVersion
from core.texts import check_text, need_reason, need_text


@dataclass(frozen=True, slots=True)
class Held:
    """What a hold is about; an empty part says nothing. All empty: every event there is and will be.

    Args:
        subject: as events write it, `flag:atomicMeltOperations`.
        environment: its key.
        since, until: when the events happened; `until` itself is not held any more.
    """

    title: str
    reason: str
    subject: str = ""
    environment: str = ""
    since: datetime | None = None
    until: datetime | None = None


@transaction.atomic
def place(held: Held, *, actor: Actor, now: datetime) -> Hold:
    """Hold these events. Raises Invalid and NotFound."""
    row = Hold.objects.create(
        **_checked(held),
        environment=environments.get(held.environment) if held.environment else None,
        since=held.since,
        until=held.until,
        held_at=now,
        held_by=actor.name,
    )
    _tell("hold.placed", row, reason=row.reason, actor=actor, now=now)
    return row


@transaction.atomic
def release(hold_id: int, *, reason: str, version: int | None = None, actor: Actor, now: datetime) -> Hold:
    """Let the retention have them again. Raises NotFound, Invalid without a reason, Conflict when it is released."""
    row = Hold.objects.select_for_update().filter(pk=hold_id).first()
    if row is None:
        raise NotFound(f"There is no hold {hold_id}.")
    if row.released_at is not None:
        raise Conflict(f"{row.title} was released by {row.released_by} already.")
    if version is not None and version != row.version:
        raise StaleVersion("The hold", expected=version, actual=row.version)
    reason = need_reason(reason, "Say why: what is released is forgotten as the retention says.")
    row.released_at, row.released_by, row.release_reason = now, actor.name, reason
    row.version += 1
    row.save(update_fields=["released_at", "released_by", "release_reason", "version"])
    _tell("hold.released", row, reason=row.release_reason, actor=actor, now=now)
    return row


def _checked(held: Held) -> dict[str, str]:
    """The words of the hold as they are kept."""
    told = {
        "title": need_text(
            held.title, "Name the hold: by the case or the request it is for.", field="title", longest=120
        ),
        "reason": need_reason(held.reason, "Say why: who asks for it, and by what right."),
        "subject": check_text(held.subject, field="subject", longest=160),
    }
    if told["subject"] and ":" not in told["subject"]:
        raise Invalid("Write a subject as events have it, such as flag:atomicMeltOperations.", field="subject")
    if held.since and held.until and held.since >= held.until:
        raise Invalid("It has to end after it begins.", field="until")
    return told


def _tell(kind: str, row: Hold, *, reason: str, actor: Actor, now: datetime) -> None:
    about: dict[str, Any] = {
        "title": row.title,
        "subject": row.subject,
        "since": row.since.isoformat() if row.since else "",
        "until": row.until.isoformat() if row.until else "",
    }
    events.record(
        kind,
        subject=f"hold:{row.pk}",
        actor=actor,
        now=now,
        environment_id=row.environment_id,
        reason=reason,
        after=about,
    )
