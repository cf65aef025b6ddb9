"""When a delivery is tried again, and when it is given up."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_TRIES = 12
FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(minutes=15)
LONGEST_RETRY_AFTER = timedelta(hours=1)
LONGEST_REST = timedelta(seconds=30)
LEASE = timedelta(seconds=60)  # longer than the slowest send, after which the worker is stopped
SKEW = timedelta(seconds=60)  # by which clocks of several machines may differ; more is a clock that was set back


@dataclass(frozen=True, slots=True)
class Failure:
    """A send that did not succeed. Permanent: trying again cannot help. `retry_after`: the receiver's wish."""

    error: str
    permanent: bool = False
    retry_after: timedelta | None = None


def next_try(tries: int, failure: Failure, *, now: datetime, jitter: float) -> datetime | None:
    """When to try again after `tries` tries, or None when it is given up.

    Doubles from 5 s to 15 min, of which `jitter` (0 to 1) leaves between the half and the whole, so that
    many deliveries do not come back together. Never earlier than the receiver asked for (at most an hour).
    After 12 tries, an hour or so when nobody asked for more, it is given up.
    """
    if failure.permanent or tries >= MAX_TRIES:
        return None
    delay = min(LONGEST_DELAY, FIRST_DELAY * (1 << (tries - 1))) * (0.5 + jitter / 2)
    wish = min(failure.retry_after or timedelta(0), LONGEST_RETRY_AFTER)
    return now + max(delay, wish)


def rest(failures: int, failure: Failure) -> timedelta:
    """How long a channel is left alone after so many failures in a row: nobody knocks four times a second at a door
    that is shut. None after the first; then 1 s, doubled up to 30 s; never less than the receiver asked for.
    """
    pause = timedelta(0) if failures < 2 else min(timedelta(seconds=1) * (1 << min(failures - 2, 5)), LONGEST_REST)
    return max(pause, min(failure.retry_after or timedelta(0), LONGEST_RETRY_AFTER))


def without_secrets(text: str, secrets: Collection[str], *, limit: int = 300) -> str:
    """An error that may be stored and shown: no secret in it, one line, at most `limit` characters.

    Receivers answer what they like: what nobody can see is left out, and a database takes neither NUL nor half of a
    pair of surrogates.
    """
    for secret in sorted((secret for secret in secrets if secret), key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:limit]
