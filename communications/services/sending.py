"""Announcements go out: claimed by a lease, sent outside any transaction, at least once.

A sender that dies between the send and the note of it leaves its lease behind: when that has run out,
another one sends again, with the same key. So a reader may see a message twice, but never not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from communications.domain.delivery import (
    LEASE,
    LONGEST_RETRY_AFTER,
    MAX_TRIES,
    SKEW,
    Failure,
    next_try,
    rest,
    without_secrets,
)
from communications.domain.outgoing import Receipt
from communications.domain.states import MACHINE, AnnouncementState
from communications.models import Announcement, Channel, Delivery
from communications.selectors.queue import due
from core import events
from core.actors import Actor
from core.errors import NotFound

log = logging.getLogger(__name__)
OK_EVERY = timedelta(seconds=30)  # how exactly a channel's last success is known while all goes well
DIED = "The sender died during the last try."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a claimed announcement was answered."""

    row: Announcement
    answer: Receipt | Failure


@transaction.atomic
def claim(channel: Channel, *, most: int, now: datetime) -> list[Announcement]:
    """Take up to `most` due announcements of a channel for the time of the lease, each with the row of its try.

    None while the receiver has asked for quiet. Rows that another sender is taking are left to it; where the database
    locks no rows, it lets one sender at a time in here.
    """
    if channel.resume_at is not None and now < channel.resume_at <= now + LONGEST_RETRY_AFTER + SKEW:
        return []
    free = due(channel.pk, now=now).filter(tries__lt=MAX_TRIES).select_for_update(of=("self",), skip_locked=True)
    taken = list(free.values_list("pk", flat=True)[:most])
    if not taken:
        return []
    mine = Announcement.objects.filter(pk__in=taken)
    mine.update(claimed_until=now + LEASE, fence=F("fence") + 1, tries=F("tries") + 1)
    rows = list(mine.select_related("alert__event", "alert__environment", "channel").order_by("due_at", "id"))
    Delivery.objects.bulk_create(Delivery(announcement=row, number=row.fence, begun_at=now) for row in rows)
    return rows


@transaction.atomic
def note(outcomes: Sequence[Outcome], *, now: datetime, jitter: Callable[[], float]) -> int:
    """Note what came of them, in one transaction; how many were taken.

    Args:
        jitter: 0 to 1, see `next_try`.
    """
    for outcome in outcomes:
        if isinstance(outcome.answer, Receipt):
            _note_taken(outcome.row, outcome.answer, now=now)
        else:
            _note_failure(outcome.row, outcome.answer, now=now, jitter=jitter())
    return sum(isinstance(outcome.answer, Receipt) for outcome in outcomes)


def give_up_the_dead(*, now: datetime) -> int:
    """Close those whose sender died in the last try; how many."""
    lost = Announcement.objects.filter(
        state=AnnouncementState.QUEUED.value, tries__gte=MAX_TRIES, claimed_until__lte=now
    )
    return lost.update(state=AnnouncementState.FAILED.value, failed_at=now, claimed_until=None, error=DIED)


@transaction.atomic
def retry(announcement_id: int, *, actor: Actor, reason: str, now: datetime) -> Announcement:
    """Put one that was given up back into the queue, with all its tries. IllegalMove for any other."""
    row = Announcement.objects.select_for_update().filter(pk=announcement_id).first()
    if row is None:
        raise NotFound(f"There is no announcement {announcement_id}.")
    before = {"state": row.state, "error": row.error, "tries": row.tries}
    row.state = MACHINE.move(AnnouncementState(row.state), AnnouncementState.QUEUED).value
    row.failed_at = row.claimed_until = None
    row.tries, row.due_at = 0, now
    row.save(update_fields=["state", "failed_at", "claimed_until", "tries", "due_at"])
    events.record(
        "announcement.retried",
        subject=f"announcement:{announcement_id}",
        actor=actor,
        now=now,
        environment_id=row.alert.environment_id if row.alert else None,
        reason=reason,
        before=before,
        data={"alert": row.alert_id, "channel": row.channel.key, "recipient": row.recipient},
    )
    return row


def _note_taken(row: Announcement, receipt: Receipt, *, now: datetime) -> None:
    noted = _note(
        row,
        state=AnnouncementState.SENT.value,
        sent_at=now,
        error="",
        reference=without_secrets(receipt.reference, (), limit=200) or row.reference,
    )
    _note_try(row, ended_at=now, taken=True, answer=without_secrets(receipt.answer, ()))
    if noted and (row.channel.failures or row.channel.ok_at is None or row.channel.ok_at < now - OK_EVERY):
        Channel.objects.filter(pk=row.channel_id).update(ok_at=now, failures=0, error="", resume_at=None)


def _note_failure(row: Announcement, failure: Failure, *, now: datetime, jitter: float) -> None:
    log.warning("announcement %s by %s, try %s: %s", row.pk, row.channel, row.tries, failure.error)
    again = next_try(row.tries, failure, now=now, jitter=jitter)
    if again is None:
        _note(row, state=AnnouncementState.FAILED.value, failed_at=now, error=failure.error)
    else:
        _note(row, due_at=again, error=failure.error)
    _note_try(row, ended_at=now, error=failure.error[:300], permanent=failure.permanent)
    channel = Channel.objects.select_for_update().get(pk=row.channel_id)
    channel.failures, channel.failed_at, channel.error = channel.failures + 1, now, failure.error
    if not failure.permanent:
        channel.resume_at = now + rest(channel.failures, failure)
    channel.save(update_fields=["failures", "failed_at", "error", "resume_at"])


def _note(row: Announcement, **outcome: object) -> bool:
    """Write the outcome, unless the lease ran out and somebody else has it: then it is theirs to tell."""
    mine = Announcement.objects.filter(pk=row.pk, fence=row.fence, state=AnnouncementState.QUEUED.value)
    if mine.update(claimed_until=None, **outcome) == 1:
        return True
    log.warning("announcement %s: the lease ran out while it was being sent", row.pk)
    return False


def _note_try(row: Announcement, **outcome: object) -> None:
    Delivery.objects.filter(announcement=row.pk, number=row.fence).update(**outcome)
