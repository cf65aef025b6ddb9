"""Which stretch of time a chart shows, and in which steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.utils import timezone

from core.errors import Invalid

STEPS = (10, 60, 300, 1_800, 3_600, 21_600)
POINTS, MOST_POINTS = 400, 1_000  # as many as are chosen by themselves, and as many as may be asked for
SHORTEST = 60


@dataclass(frozen=True, slots=True)
class Span:
    """`renew` is how often it is read again, 0: not at all. All in seconds.

    It ends now, or has begun at unix second `begin`. `note` says where the steps are not those that were asked for.
    """

    key: str
    label: str
    seconds: int
    step: int
    renew: int
    begin: int | None = None
    note: str = ""

    def bounds(self, now: datetime) -> tuple[int, int]:
        """Unix seconds of whole steps; the last one, end excluded, may be under way."""
        until = int(now.timestamp()) if self.begin is None else self.begin + self.seconds - 1
        end = (until // self.step + 1) * self.step
        return (end - self.seconds if self.begin is None else self.begin // self.step * self.step), end

    @property
    def address(self) -> str:
        """The part of a page's address that shows the same again."""
        if self.begin is None:
            return f"range={self.key}"
        return urlencode({"from": self.begin, "to": self.begin + self.seconds})


SPANS = (
    Span("15m", "15 min", 900, 10, 5),
    Span("1h", "1 h", 3_600, 10, 5),
    Span("6h", "6 h", 21_600, 60, 10),
    Span("24h", "24 h", 86_400, 300, 30),
    Span("7d", "7 days", 604_800, 1_800, 60),
)
DEFAULT = SPANS[1]


def chosen(key: str | None) -> Span:
    """The span with this key; one hour when there is none."""
    return next((span for span in SPANS if span.key == key), DEFAULT)


def asked(given: Mapping[str, str], *, now: datetime, kept: timedelta) -> Span:
    """What an address asks for: `range`, or `from` and `to`, and `step`.

    Args:
        given: `from` and `to` are unix seconds, or local times such as 2026-03-09T09:00; `step` is seconds.
        kept: how far back anything is kept.

    Raises Invalid for times that cannot be shown, with the field.
    """
    span = _between(given, now, kept) if given.get("from") or given.get("to") else chosen(given.get("range"))
    text = given.get("step", "")
    if not text:
        return span
    if text not in map(str, STEPS):
        raise Invalid(f"The resolution is one of {', '.join(map(str, STEPS))} seconds.", field="step")
    step = next(one for one in STEPS if one >= int(text) and (span.seconds / one <= MOST_POINTS or one == STEPS[-1]))
    note = "" if step == int(text) else f"In steps of {text} s these would be more than {MOST_POINTS:,} points."
    return replace(span, step=step, note=note)


def around(span: Span, *, now: datetime) -> list[tuple[str, str, str]]:
    """Where to go from here: a word, an icon, and the part of the address. Never beyond now."""
    start, end = span.bounds(now)
    length, last = span.seconds, int(now.timestamp())
    middle = (start + end) // 2

    def at(center: int, seconds: int) -> str:
        begin = min(center - seconds // 2, last - seconds)
        return urlencode({"from": begin, "to": begin + seconds})

    found = [("Earlier", "chevron_left", at(middle - length // 2, length))]
    if span.begin is not None:
        found.append(("Later", "chevron_right", at(middle + length // 2, length)))
    if length // 2 >= SHORTEST:
        found.append(("Zoom in", "zoom_in", at(middle, length // 2)))
    found.append(("Zoom out", "zoom_out", at(middle, length * 2)))
    if span.begin is not None:
        found.append(("Back to now", "update", f"range={DEFAULT.key}"))
    return found


def _between(given: Mapping[str, str], now: datetime, kept: timedelta) -> Span:
    begin, end = _moment(given, "from"), min(_moment(given, "to"), int(now.timestamp()))
    oldest = int((now - kept).timestamp())
    if begin < oldest:
        raise Invalid(f"Nothing is kept from before {_words(oldest)}.", field="from")
    if end - begin < SHORTEST:
        raise Invalid("The end is at least a minute after the beginning, and both are in the past.", field="to")
    seconds = end - begin
    step = next((one for one in STEPS if seconds / one <= POINTS), STEPS[-1])
    return Span("", f"{_words(begin)} to {_words(end)}", seconds, step, 0, begin)


def _moment(given: Mapping[str, str], field: str) -> int:
    text = given.get(field, "").strip()
    if text.isdecimal() and len(text) <= 11:
        return int(text)
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"A time such as 2026-03-09T09:00, not {text[:30]!r}.", field=field) from None
    return int((local if local.tzinfo else local.replace(tzinfo=timezone.get_current_timezone())).timestamp())


def _words(at: int) -> str:
    return f"{datetime.fromtimestamp(at, timezone.get_current_timezone()):%-d %b %Y %H:%M}"
