"""What users complain about."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from core.errors import Invalid

WINDOW = timedelta(minutes=10)  # seed: userComplaintThreshold counts the users of ten minutes
LONGEST_NPUB = 200
LONGEST_TEXT = 5_000
LONGEST_KEY = 100
FUTURE = timedelta(seconds=60)  # clocks differ a little
PAST = timedelta(days=7)  # support writes down on Monday what came at the weekend


class Category(StrEnum):
    FAILED_PAYMENT = "failed_payment"
    WRONG_BALANCE = "wrong_balance"
    SLOW = "slow"
    UNAVAILABLE = "unavailable"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Said:
    """A complaint as it came in. `at` is when the user complained: a datetime with its zone, unix seconds, RFC 3339
    with an offset, or None for now. `flag` is the feature it is about, "" where nobody knows."""

    category: str
    npub: str
    text: str = ""
    flag: str = ""
    at: datetime | float | str | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    category: Category
    npub: str
    text: str
    at: datetime


def checked(said: Said, *, now: datetime) -> Checked:
    """The complaint as it is kept; Invalid names the first field that cannot be accepted."""
    if said.category not in list(Category):
        raise Invalid(f"One of {', '.join(Category)}, not {said.category!r:.60}.", field="category")
    npub, text = said.npub.strip(), said.text.strip()
    if not 1 <= len(npub) <= LONGEST_NPUB or not npub.isprintable() or " " in npub:
        raise Invalid(f"Who complains: 1 to {LONGEST_NPUB} printable characters without blanks.", field="npub")
    if len(text) > LONGEST_TEXT:
        raise Invalid(f"At most {LONGEST_TEXT:,} characters, not {len(text):,}.", field="text")
    if any(not letter.isprintable() and letter not in "\r\n\t" for letter in text):
        raise Invalid("It holds characters that cannot be shown: send plain text.", field="text")
    if len(said.key) > LONGEST_KEY or not said.key.isprintable():
        raise Invalid(f"At most {LONGEST_KEY} printable characters, or leave it out.", field="key")
    return Checked(Category(said.category), npub, text, _moment(said.at, now))


def shortened(npub: str) -> str:
    """Beginning and end of an npub: enough to compare, too little to find its owner."""
    return npub if len(npub) <= 12 else f"{npub[:8]}…{npub[-4:]}"


def _moment(at: datetime | float | str | None, now: datetime) -> datetime:
    """Nobody complains later than it is heard of: a sender's clock that runs ahead a little is set back."""
    found = now if at is None else _read(at)
    if found is None:
        raise Invalid("Unix seconds, or RFC 3339 with an offset: 2026-03-09T09:00:00Z.", field="at")
    if found > now + FUTURE:
        raise Invalid(f"More than {FUTURE.seconds} s in the future: set the sender's clock.", field="at")
    if found < now - PAST:
        raise Invalid(f"More than {PAST.days} days ago: too late to be counted.", field="at")
    return min(found, now)


def _read(at: datetime | float | str) -> datetime | None:
    try:
        if isinstance(at, str):
            at = datetime.fromisoformat(at)
        elif not isinstance(at, datetime):
            return datetime.fromtimestamp(at, UTC) if math.isfinite(at) else None
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo else None
