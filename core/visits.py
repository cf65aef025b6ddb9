"""How often a network comes to a public door: a page on which anyone may leave something without an account."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F

from core.errors import TooMany
from core.models import Visit

MOST = 10  # visits of one network at one door in an hour
MOST_OF_ALL = 2_000  # of everybody together, so that a flood from many networks ends somewhere
KEPT = timedelta(hours=2)


def count(door: str, network: str, *, why: str, now: datetime) -> None:
    """Count one visit of this hour.

    Args:
        door: a word for the page, such as `survey`; each is counted for itself.
        network: who comes, as an address or a prefix; kept as a keyed digest for two hours.
        why: what whoever comes too often is told.

    Raises TooMany.
    """
    _count(door, network, MOST, why, now)
    _count(door, "everybody", MOST_OF_ALL, why, now)  # last: what one network is refused is not counted for everybody


def forget(*, now: datetime) -> int:
    """Delete the counts of old hours; how many."""
    return Visit.objects.filter(hour__lt=now - KEPT).delete()[0]


def _count(door: str, who: str, most: int, why: str, now: datetime) -> None:
    hour = now.replace(minute=0, second=0, microsecond=0)
    digest = hashlib.blake2b(who.encode(), key=settings.SECRET_KEY.encode()[:64], digest_size=32).hexdigest()
    row, _ = Visit.objects.get_or_create(door=door, who=digest, hour=hour)
    if not Visit.objects.filter(pk=row.pk, count__lt=most).update(count=F("count") + 1):
        raise TooMany(why)
