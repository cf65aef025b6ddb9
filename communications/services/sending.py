"""Deliveries go out: claimed by a lease, sent outside any transaction, at least once.

A sender that dies between the send and the note of it leaves its lease behind: when that has run out,
another one sends again, with the same key. So a reader may see an alert twice, but never not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F

from communications import selectors
from communications.adapters.ports import Channel
from communications.domain.alerts import ChannelName
from communications.domain.delivery import LEASE, MAX_TRIES, Failure, next_try
from communications.models import Delivery
from core import events
from core.actors import Actor
from core.errors import Conflict, NotFound

log = logging.getLogger(__name__)
PER_RUN = 5


def send_due(
    channels: Mapping[ChannelName, Channel], *, clock: Callable[[], datetime], jitter: Callable[[], float]
) -> int:
    """Send what is due, up to 5 by each channel; how many were sent.

    A channel that fails is left alone until the next run, and one that another sender is using is passed by:
    so one run waits for at most one time-out of each channel, and a dead one keeps no worker busy.

    Args:
        clock: asked before and after each send, since a send takes time.
        jitter: 0 to 1, see `next_try`.
    """
    _give_up(channels, now=clock())
    sent = 0
    for name, channel in channels.items():
        for _ in range(PER_RUN):
            if not _send_one(name, channel, clock=clock, jitter=jitter):
                break
            sent += 1
    return sent


@transaction.atomic
def retry(delivery_id: int, *, actor: Actor, reason: str, now: datetime) -> Delivery:
    """Put a delivery that was given up back into the queue, with all its tries. Conflict for any other."""
    delivery = Delivery.objects.select_for_update().filter(pk=delivery_id).first()
    if delivery is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    if delivery.failed_at is None:
        raise Conflict(f"Delivery {delivery_id} {'was sent' if delivery.sent_at else 'is still being tried'}.")
    before = {"failed_at": delivery.failed_at.isoformat(), "error": delivery.error, "tries": delivery.tries}
    delivery.failed_at = delivery.claimed_until = None
    delivery.tries, delivery.next_try_at = 0, now
    delivery.save(update_fields=["failed_at", "claimed_until", "tries", "next_try_at"])
    events.record(
        "delivery.retried",
        subject=f"delivery:{delivery_id}",
        actor=actor,
        now=now,
        environment_id=delivery.alert.environment_id,
        reason=reason,
        before=before,
        data={"alert": delivery.alert_id, "channel": delivery.channel},
    )
    return delivery


def _send_one(
    name: ChannelName, channel: Channel, *, clock: Callable[[], datetime], jitter: Callable[[], float]
) -> bool:
    """Claim, send, note. False when there was nothing to send, or it failed."""
    delivery = _claim(name, now=clock())
    if delivery is None:
        return False
    failure = channel.send(selectors.message(delivery.alert))
    if failure is None:
        _note(delivery, sent_at=clock(), error="")
        return True
    log.warning("alert %s by %s, try %s: %s", delivery.alert_id, name, delivery.tries, failure.error)
    _note_failure(delivery, failure, now=clock(), jitter=jitter())
    return False


def _claim(name: ChannelName, *, now: datetime) -> Delivery | None:
    """Take the next due delivery for the time of the lease, or None. A conditional UPDATE: of two, one gets it."""
    if selectors.in_flight(name, now=now).exists():
        return None
    found = selectors.due(name, now=now).filter(tries__lt=MAX_TRIES).values_list("pk", "fence").first()
    if found is None:
        return None
    pk, fence = found
    mine = selectors.due(name, now=now).filter(pk=pk, fence=fence).order_by()
    if mine.update(claimed_until=now + LEASE, fence=F("fence") + 1, tries=F("tries") + 1) != 1:
        return None
    return Delivery.objects.select_related("alert__event", "alert__environment").get(pk=pk)


def _note_failure(delivery: Delivery, failure: Failure, *, now: datetime, jitter: float) -> None:
    again = next_try(delivery.tries, failure, now=now, jitter=jitter)
    if again is None:
        _note(delivery, failed_at=now, error=failure.error)
    else:
        _note(delivery, next_try_at=again, error=failure.error)


def _note(delivery: Delivery, **outcome: object) -> None:
    """Write the outcome, unless the lease ran out and somebody else has the delivery: then it is theirs to tell."""
    mine = Delivery.objects.filter(pk=delivery.pk, fence=delivery.fence, sent_at__isnull=True)
    if mine.update(claimed_until=None, **outcome) != 1:
        log.warning("delivery %s: the lease ran out while it was being sent", delivery.pk)


def _give_up(channels: Mapping[ChannelName, Channel], *, now: datetime) -> None:
    """Close what can never be sent: the sender died in the last try, or the channel is not configured any more."""
    for name in ChannelName:
        due = selectors.due(name, now=now).order_by()
        due.filter(tries__gte=MAX_TRIES).update(failed_at=now, error="The sender died during the last try.")
        if name not in channels:
            due.update(failed_at=now, error=f"{name.value} is not configured any more.")
