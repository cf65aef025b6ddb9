"""What is drafted for people outside is approved, edited first where need be, or discarded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

import statuspage.selectors
from communications import selectors
from communications.domain import published
from communications.domain.alerts import incident
from communications.domain.channels import LIMITS, ChannelKind
from communications.domain.public import leaks
from communications.domain.states import MACHINE, AnnouncementState
from communications.models import Announcement
from communications.selectors import inside
from core import events
from core.actors import Actor
from core.errors import Conflict, Invalid, NotFound
from core.texts import check_storable


@dataclass(frozen=True, slots=True)
class Edited:
    """The words that are approved; None: as they were drafted.

    `components`: keys of the parts of the status page that it is about; empty: none; None: as the incident says.
    """

    subject: str | None = None
    text: str | None = None
    components: Sequence[str] | None = None


@transaction.atomic
def approve(announcement_id: int, edited: Edited, *, actor: Actor, reason: str = "", now: datetime) -> Announcement:
    """Send a draft, in these words. Of two who approve it, one gets IllegalMove.

    Raises Invalid with the field when the words are empty, too long for the channel, or name what must not go outside,
    and when nobody has said which parts of the status page an incident is about.
    """
    row = _locked(announcement_id)
    _approve(row, edited, actor=actor, reason=reason, now=now)
    return row


@transaction.atomic
def approve_all(
    alert_id: int, audience: str, edited: Mapping[int, Edited], *, actor: Actor, reason: str = "", now: datetime
) -> list[Announcement]:
    """Send all drafts of one piece of news to one audience, or none of them.

    Args:
        edited: by the number of the announcement; exactly those that are drafts now.

    Raises Conflict when the drafts are others by now, and Invalid as `approve`, its field with the number (`text_12`).
    """
    found = selectors.drafts_for(alert_id, audience).values_list("pk", flat=True)
    rows = [_locked(pk) for pk in sorted(found)]
    if not rows or {row.pk for row in rows} != set(edited):
        raise Conflict("The drafts are not those that you read any more. Look at them again.")
    for row in rows:
        try:
            _approve(row, edited[row.pk], actor=actor, reason=reason, now=now)
        except Invalid as error:
            raise Invalid(f"{row.channel}: {error}", field=f"{error.field}_{row.pk}") from None
    return rows


def needs_components(row: Announcement) -> bool:
    """Whether the approver has to say which parts of the status page it is about: the incident names none of them."""
    if row.channel.kind != ChannelKind.STATUS_PAGE or row.alert is None or not incident(row.alert.event.data):
        return False
    known = set(statuspage.selectors.components().values_list("key", flat=True))
    over = published.said(row.alert.event.data, components=known)
    return bool(known) and not over.components and over.state not in published.OVER


def _approve(row: Announcement, edited: Edited, *, actor: Actor, reason: str, now: datetime) -> None:
    before = {"state": row.state, "subject": row.subject, "text": row.text}
    row.state = MACHINE.move(AnnouncementState(row.state), AnnouncementState.QUEUED).value
    row.subject = _fit(row, "subject", row.subject if edited.subject is None else edited.subject)
    row.text = _fit(row, "text", row.text if edited.text is None else edited.text)
    row.html = row.html if (row.subject, row.text) == (before["subject"], before["text"]) else ""
    row.components = _read_components(row, edited.components)
    row.due_at = now
    _decide(row, "announcement.approved", before, actor=actor, reason=reason, now=now)


def _read_components(row: Announcement, chosen: Sequence[str] | None) -> list[str] | None:
    if chosen is None:
        if needs_components(row):
            raise Invalid("Say which parts are affected, or that none of them is.", field="components")
        return None
    known = set(statuspage.selectors.components().values_list("key", flat=True))
    wrong = next((key for key in chosen if key not in known), None)
    if wrong is not None:
        raise Invalid(f"The status page has no part {wrong!r}.", field="components")
    return list(dict.fromkeys(chosen))


@transaction.atomic
def discard(announcement_id: int, *, actor: Actor, reason: str, now: datetime) -> Announcement:
    """Send it to nobody. IllegalMove for one that was decided on before."""
    row = _locked(announcement_id)
    before = {"state": row.state}
    row.state = MACHINE.move(AnnouncementState(row.state), AnnouncementState.DISCARDED).value
    _decide(row, "announcement.discarded", before, actor=actor, reason=reason, now=now)
    return row


def _locked(announcement_id: int) -> Announcement:
    found = Announcement.objects.select_for_update(of=("self",)).select_related("alert__event", "channel")
    row = found.filter(pk=announcement_id).first()
    if row is None:
        raise NotFound(f"There is no announcement {announcement_id}.")
    return row


def _fit(row: Announcement, field: str, words: str) -> str:
    check_storable(words, field=field)
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
    row.save(
        update_fields=["state", "subject", "text", "html", "due_at", "components", "decided_by", "decided_at", "why"]
    )
    events.record(
        kind,
        subject=f"announcement:{row.pk}",
        actor=actor,
        reason=reason,
        before=before,
        after={"state": row.state, "subject": row.subject, "text": row.text},
        environment_id=row.alert.environment_id if row.alert else None,
        data={
            "alert": row.alert_id,
            "audience": row.audience,
            "channel": row.channel.key,
            "components": row.components,
        },
        now=now,
    )
