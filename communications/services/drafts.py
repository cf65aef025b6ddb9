"""What is drafted for people outside is approved, edited first where need be, or discarded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from communications.domain.channels import LIMITS, ChannelKind
from communications.domain.public import leaks
from communications.domain.states import MACHINE, AnnouncementState
from communications.models import Announcement
from communications.selectors import inside
from core import events
from core.actors import Actor
from core.errors import Invalid, NotFound


@dataclass(frozen=True, slots=True)
class Edited:
    """The words that are approved; None: as they were drafted."""

    subject: str | None = None
    text: str | None = None


@transaction.atomic
def approve(announcement_id: int, edited: Edited, *, actor: Actor, reason: str = "", now: datetime) -> Announcement:
    """Send a draft, in these words. Of two who approve it, one gets IllegalMove.

    Raises Invalid with the field when the words are empty, too long for the channel, or name what must not go outside.
    """
    row = _locked(announcement_id)
    before = {"state": row.state, "subject": row.subject, "text": row.text}
    row.state = MACHINE.move(AnnouncementState(row.state), AnnouncementState.QUEUED).value
    row.subject = _fit(row, "subject", row.subject if edited.subject is None else edited.subject)
    row.text = _fit(row, "text", row.text if edited.text is None else edited.text)
    row.html = row.html if (row.subject, row.text) == (before["subject"], before["text"]) else ""
    row.due_at = now
    _decide(row, "announcement.approved", before, actor=actor, reason=reason, now=now)
    return row


@transaction.atomic
def discard(announcement_id: int, *, actor: Actor, reason: str, now: datetime) -> Announcement:
    """Send it to nobody. IllegalMove for one that was decided on before."""
    row = _locked(announcement_id)
    before = {"state": row.state}
    row.state = MACHINE.move(AnnouncementState(row.state), AnnouncementState.DISCARDED).value
    _decide(row, "announcement.discarded", before, actor=actor, reason=reason, now=now)
    return row


def _locked(announcement_id: int) -> Announcement:
    found = Announcement.objects.select_for_update(of=("self",)).select_related("alert", "channel")
    row = found.filter(pk=announcement_id).first()
    if row is None:
        raise NotFound(f"There is no announcement {announcement_id}.")
    return row


def _fit(row: Announcement, field: str, words: str) -> str:
    words = words.strip()
    limits = LIMITS[ChannelKind(row.channel.kind)]
    most = limits.subject if field == "subject" else limits.text
    if not words:
        raise Invalid("Write what they are to read.", field=field)
    if len(words) > most:
        raise Invalid(f"{row.channel} takes at most {most:,} characters; these are {len(words):,}.", field=field)
    leaked = leaks(words, names=inside.names())
    if leaked:
        raise Invalid(f"This goes outside, and names {', '.join(leaked)}. Say it in other words.", field=field)
    return words


def _decide(row: Announcement, kind: str, before: dict[str, str], *, actor: Actor, reason: str, now: datetime) -> None:
    row.decided_by, row.decided_at, row.why = actor.name, now, ""
    row.save(update_fields=["state", "subject", "text", "html", "due_at", "decided_by", "decided_at", "why"])
    events.record(
        kind,
        subject=f"announcement:{row.pk}",
        actor=actor,
        reason=reason,
        before=before,
        after={"state": row.state, "subject": row.subject, "text": row.text},
        environment_id=row.alert.environment_id if row.alert else None,
        data={"alert": row.alert_id, "audience": row.audience, "channel": row.channel.key},
        now=now,
    )
