"""Imported calendars: fetched by the clock. The last good copy counts until the next good one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from core import events, people
from core.actors import CLOCK
from core.errors import DomainError, Invalid
from oncall.adapters.ports import FeedFailed, Fetch, Read
from oncall.domain import feed
from oncall.models import Feed

EVERY = timedelta(minutes=15)
AGAIN = timedelta(minutes=5)  # after a failure
LEASE = timedelta(minutes=4)  # longer than a fetch and two readings may take
EMPTIED = "It names nobody any more. If that is meant, give the schedule another address or a layer."


def refresh(feed_id: int, *, fetch: Fetch, read: Read, now: datetime) -> bool:
    """Fetch one calendar if it is due and nobody else does; whether it was fetched.

    A failure leaves the copy as it is, and is told by one event until the calendar comes again. The horizon of the
    copy moves on also then. A calendar in which nobody is on call any more, when somebody still is by the copy, is
    such a failure: it was emptied by mistake far more often than on purpose.
    """
    if not Feed.objects.filter(pk=feed_id, next_at__lte=now).update(next_at=now + LEASE):
        return False
    url, before, zone = Feed.objects.values_list("url", "text", "schedule__zone").get(pk=feed_id)
    text, error = bytes(before), ""
    known = people.known_as()

    def said(by: bytes) -> feed.Copy:
        return read(by, zone=ZoneInfo(zone), known=known, now=now)

    try:
        text = fetch(url)
        copy: feed.Copy | None = said(text)
        if copy and not copy.shifts and before and said(bytes(before)).shifts:
            raise FeedFailed(EMPTIED)
    except DomainError as failure:
        text, error = bytes(before), str(failure)[:300]
        copy = _again(said, text)
    _keep(feed_id, url, text, copy, error=error, now=now)
    return not error


def _again(said: Callable[[bytes], feed.Copy], text: bytes) -> feed.Copy | None:
    """The last good copy as it reads now; None: as it was read then."""
    try:
        return said(text) if text else feed.Copy((), ())
    except DomainError:
        return None


def refresh_soon(key: str, *, now: datetime) -> None:
    """Let the next round of the clock fetch the calendar of a schedule. Invalid when it has none."""
    if not Feed.objects.filter(schedule__key=key).update(next_at=now):
        raise Invalid("This schedule imports no calendar.")


@transaction.atomic
def _keep(feed_id: int, url: str, text: bytes, copy: feed.Copy | None, *, error: str, now: datetime) -> None:
    row = Feed.objects.select_for_update(of=("self",)).select_related("schedule").filter(pk=feed_id, url=url).first()
    if row is None:  # another address by now
        return
    failed_before = bool(row.error)
    row.text, row.error = text, error
    if copy is not None:
        row.shifts, row.unknown = feed.told(copy.shifts), list(copy.unknown)
    row.next_at = now + (AGAIN if error else EVERY)
    row.copied_at = row.copied_at if error else now
    row.save()
    if bool(error) == failed_before:
        return
    events.record(
        "schedule.feed_failed" if error else "schedule.feed_recovered",
        subject=f"schedule:{row.schedule.key}",
        actor=CLOCK,
        now=now,
        reason=error or "The calendar can be read again.",
        data={"name": row.schedule.name, "copied_at": row.copied_at.isoformat() if row.copied_at else ""},
    )


def is_stale(row: Feed, *, now: datetime) -> bool:
    """The copy is old, or there is none."""
    return row.copied_at is None or now - row.copied_at > feed.STALE
