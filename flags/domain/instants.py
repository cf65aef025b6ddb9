"""Times in contexts and rules: one narrow form of ISO 8601, so that every client reads the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_FORM = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2})(:[0-9]{2})?(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EXAMPLE = "2026-03-01T09:00:00+01:00"
MAX_LENGTH = 40  # characters; the form has no longer ones


def seconds(text: str) -> float | None:
    """Seconds since 1970 in UTC; what lies below a millisecond is cut off, as JavaScript does. None: it is no time.

    It needs a day, a `T`, hours and minutes, and `Z` or an offset; seconds and up to nine decimals may follow the
    minutes. A day that does not exist is no time.
    """
    return _seconds(text) if len(text) <= MAX_LENGTH else None


@lru_cache(4096)
def _seconds(text: str) -> float | None:
    found = _FORM.fullmatch(text)
    if found is None or (found[3] and not found[2]):
        return None
    try:
        whole = datetime.fromisoformat(found[1] + (found[2] or ":00") + found[4])
    except ValueError:
        return None
    since = whole - _EPOCH
    milliseconds = (since.days * 86_400 + since.seconds) * 1000 + int(f"{found[3] or ''}000"[:3])
    return milliseconds / 1000
