"""On which day each token was last used. The doors note it in memory; the observer's thread tells the database."""

from __future__ import annotations

from datetime import date

from django.db.models import Q

from flags.models import ApiToken

_seen: set[str] = set()  # digests, since the last telling
_told: dict[str, date] = {}


def note(digest: str) -> None:
    """The live token with this digest was used. Costs the caller no more than an entry in a set."""
    _seen.add(digest)


def tell(*, today: date) -> int:
    """Write down the tokens that were used and are not written down for today; how many rows changed.

    What the database does not take is told next time.
    """
    fresh = [digest for digest in _seen.copy() if _told.get(digest) != today]
    changed = 0
    if fresh:
        older = Q(used_on=None) | Q(used_on__lt=today)
        changed = ApiToken.objects.filter(older, digest__in=fresh).update(used_on=today)
    _told.update(dict.fromkeys(fresh, today))
    _seen.difference_update(fresh)
    return changed
