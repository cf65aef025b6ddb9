"""Sealing: every event gets its place in its chain, by a worker and in order. No writer of an event waits for it.

A quick look takes what has come since the last one, by number. On PostgreSQL a lower number can be committed later
than a higher one, so a thorough look, once a minute, takes what came late: above `settled`, where it still can.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from audit.adapters import keys
from audit.domain import chain, form
from audit.domain.chain import Link
from audit.domain.heads import Head, sign
from audit.domain.walk import GRACE
from audit.models import Chain, Seal, Sealer
from core import environments, events, stored
from core.errors import Conflict
from core.stored import utc

if TYPE_CHECKING:
    from core.stored import StoredEvent

BATCH = 500  # events of one transaction: on SQLite writers wait for it, about 20 ms
THOROUGH_EVERY = timedelta(minutes=1)


def seal(*, now: datetime, most: int = BATCH) -> int:
    """Seal the next events; how many. 0: there are none, or another sealer is at it.

    Args:
        now: the time that the seals carry.
        most: events at once, 1 or more.
    """
    sealer, _ = Sealer.objects.get_or_create(pk=1)
    found = stored.after(sealer.cursor, most=most)
    due = sealer.looked_at is None or now - sealer.looked_at >= THOROUGH_EVERY
    thorough = due and len(found) < most
    if thorough:
        found = [*_late(sealer, most), *found]
    return _write(found, fence=sealer.fence, complete=thorough and len(found) < most, now=now)


@transaction.atomic
def _write(found: Sequence[StoredEvent], *, fence: int, complete: bool, now: datetime) -> int:
    """All seals of one look and the heads, or none. Does nothing when somebody sealed since `found` was read."""
    lock = Sealer.objects.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
    sealer = lock.filter(pk=1, fence=fence).first()
    if sealer is None:
        return 0
    for environment_id, some in groupby(sorted(found, key=_place), key=lambda event: event.environment_id):
        _extend(_chain(environment_id), some, looked_at=sealer.looked_at, now=now)
    sealer.cursor = max([sealer.cursor, *(event.id for event in found)])
    sealer.ran_at = now
    sealer.fence += 1
    if complete:
        _settle(sealer, now)
        _sign_all()
    sealer.save()
    return len(found)


def _settle(sealer: Sealer, now: datetime) -> None:
    """Everything is sealed now. What was there a while ago is settled: no transaction is open any more that old."""
    sealer.looked_at = now
    if sealer.pending_at is None or now - sealer.pending_at >= GRACE:
        sealer.settled, sealer.pending, sealer.pending_at = sealer.pending, sealer.cursor, now


def _late(sealer: Sealer, most: int) -> list[StoredEvent]:
    """Events below the cursor that have no seal: they were committed after others with a higher number."""
    sealed = Seal.objects.filter(event_id=OuterRef("pk"))
    late = events.numbered(sealer.settled, sealer.cursor).exclude(Exists(sealed))
    found = stored.by_id(list(late.values_list("pk", flat=True)[:most]))
    return [found[each] for each in sorted(found)]


def _place(event: StoredEvent) -> tuple[int, int]:
    return event.environment_id or 0, event.id


def _chain(environment_id: int | None) -> Chain:
    name = environments.key_of(environment_id) if environment_id else chain.NOWHERE
    found = Chain.objects.select_for_update().filter(name=name).first()
    if found:
        return found
    return Chain.objects.create(name=name, environment_id=environment_id, digest=chain.start(name))


def _extend(row: Chain, some: Iterable[StoredEvent], *, looked_at: datetime | None, now: datetime) -> None:
    """Put these events behind the head. The head moves only from where it was read: two sealers make one chain."""
    number, previous, links = row.number, bytes(row.digest), []
    told, looked = utc(now), utc(looked_at) if looked_at else ""
    for event in some:
        number += 1
        said = (number, event.id, form.VERSION, form.content(event), told, looked, previous)
        previous = chain.digest(*said)
        links.append(Link(*said, previous))
    Seal.objects.append(row, links, sealed_at=now, looked_at=looked_at)
    head = _signed(Head(row.name, number, previous.hex(), told))
    moved = {"number": number, "digest": previous, "sealed_at": now, "signature": head.signature, "key": head.key}
    if Chain.objects.filter(pk=row.pk, number=row.number).update(**moved) != 1:
        raise Conflict(f"Another sealer moved the head of {row}. Nothing was sealed here; the next look goes on.")


def _sign_all() -> None:
    """Sign the heads that the key of today has not signed: there was none yet, or another one."""
    public = keys.public()
    for row in Chain.objects.exclude(key=public).filter(number__gt=0) if public else ():
        head = _signed(Head(row.name, row.number, bytes(row.digest).hex(), utc(row.sealed_at)))  # type: ignore[arg-type]
        Chain.objects.filter(pk=row.pk, number=row.number).update(signature=head.signature, key=head.key)


def _signed(head: Head) -> Head:
    key = keys.signing()
    return sign(head, key) if key else head
