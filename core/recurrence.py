"""The rule of a recurrence: the value of an RFC 5545 RRULE, with the limits a freeze needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING

from dateutil.rrule import rrulestr

from core.errors import Invalid

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

STEPS = {"DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1), "MONTHLY": None, "YEARLY": None}
CYCLE = timedelta(days=146_097)  # 400 years: then the calendar repeats, with the same days of the week
CYCLES_LEFT = 19  # of them from any year up to 2199 to dateutil's last one, 9999
_NUMBERS = {
    "INTERVAL": 366,
    "COUNT": 1000,
    "BYMONTH": 12,
    "BYMONTHDAY": 31,
    "BYYEARDAY": 366,
    "BYWEEKNO": 53,
    "BYSETPOS": 366,
}
_POSITIVE = ("INTERVAL", "COUNT", "BYMONTH")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"\d{8}(T\d{6}Z?)?")
_FINER = ("BYHOUR", "BYMINUTE", "BYSECOND")


def read_rule(text: str) -> str:
    """The rule in capitals, without the name RRULE. Invalid tells which part is wrong."""
    plain = "".join(text.split()).upper().removeprefix("RRULE:")
    parts: dict[str, str] = {}
    for part in plain.split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise _wrong(f"{part or text!r} is no part of a rule. Write it like FREQ=WEEKLY;BYDAY=FR.")
        if name in parts:
            raise _wrong(f"{name} stands in the rule twice.")
        parts[name] = value
    for name, value in parts.items():
        _check(name, value)
    _check_together(parts)
    return plain


def starts(rule: str, start: datetime, *, first: datetime, last: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Local starts up to `last`, in order, from some time before `first` on. `rule` comes from `read_rule`."""
    parts = _parts(rule)
    until = parts.pop("UNTIL", None)
    limit = last if until is None else min(last, _until(until, zone))
    if "COUNT" not in parts:
        start = _nearer(start, first, parts)
    return takewhile(lambda local: local <= limit, rrulestr(_text(parts), dtstart=start))


def comes(rule: str, start: datetime) -> bool:
    """Whether the days that the rule names exist: 30 February never comes.

    dateutil looks for such a day up to the year 9999, in up to 3 million steps. So it is asked in the last
    400 years before, in which every day comes that ever does.
    """
    parts = _parts(rule)
    parts.pop("UNTIL", None)
    return next(iter(rrulestr(_text(parts), dtstart=start + CYCLES_LEFT * CYCLE)), None) is not None


def _check(name: str, value: str) -> None:
    if name in _FINER:
        raise _wrong(f"{name} cannot be used: the time of day is that of the start.")
    check = _CHECKS.get(name)
    if check is None:
        raise _wrong(f"{name}={value} is not known. A rule has {', '.join(_CHECKS)}.")
    check(name, value)


def _check_frequency(name: str, value: str) -> None:
    if value not in STEPS:
        raise _wrong(f"FREQ={value} cannot be used: a freeze recurs DAILY, WEEKLY, MONTHLY or YEARLY.")


def _check_numbers(name: str, value: str) -> None:
    for number in value.split(","):
        _check_number(name, number, _NUMBERS[name], negative=name not in _POSITIVE)


def _check_days(name: str, value: str) -> None:
    for day in value.split(","):
        if not _DAY.fullmatch(day):
            raise _wrong(f"{name}={day} is no day: MO, TU, WE, TH, FR, SA, SU, or -1FR for the last Friday.")


def _check_first_day(name: str, value: str) -> None:
    if value not in DAYS:
        raise _wrong(f"{name}={value} is no day: {', '.join(DAYS)}.")


def _check_number(name: str, text: str, most: int, *, negative: bool) -> None:
    if not re.fullmatch(r"[+-]?\d{1,4}", text) or not 1 <= abs(int(text)) <= most or (int(text) < 0 and not negative):
        span = f"from 1 to {most}{f', or from -1 to -{most} counted from the end' if negative else ''}"
        raise _wrong(f"{name}={text}: it must be a whole number {span}.")


def _check_until(name: str, value: str) -> None:
    try:
        if not _UNTIL.fullmatch(value):
            raise ValueError
        datetime.fromisoformat(value)
    except ValueError:
        raise _wrong(f"UNTIL={value} is no date. Write it like UNTIL=20251231.") from None


def _check_together(parts: dict[str, str]) -> None:
    frequency = parts.get("FREQ")
    if frequency is None:
        raise _wrong("The rule does not say how often: it needs FREQ=DAILY, WEEKLY, MONTHLY or YEARLY.")
    if "COUNT" in parts and "UNTIL" in parts:
        raise _wrong("A rule has COUNT or UNTIL, not both.")
    if "BYSETPOS" in parts and not any(name.startswith("BY") and name != "BYSETPOS" for name in parts):
        raise _wrong("BYSETPOS chooses among other days: name them, for example with BYDAY.")
    if frequency in ("DAILY", "WEEKLY") and re.search(r"\d", parts.get("BYDAY", "")):
        raise _wrong(f"BYDAY={parts['BYDAY']}: a numbered day belongs to FREQ=MONTHLY or YEARLY.")
    most = 53 if frequency == "YEARLY" and "BYMONTH" not in parts else 5
    for number in re.findall(r"\d+", parts.get("BYDAY", "")):
        _check_number("BYDAY", number, most, negative=True)
    if "BYWEEKNO" in parts and frequency != "YEARLY":
        raise _wrong("BYWEEKNO belongs to FREQ=YEARLY.")


_CHECKS: dict[str, Callable[[str, str], None]] = {
    "FREQ": _check_frequency,
    **dict.fromkeys(_NUMBERS, _check_numbers),
    "BYDAY": _check_days,
    "UNTIL": _check_until,
    "WKST": _check_first_day,
}


def _nearer(start: datetime, first: datetime, parts: dict[str, str]) -> datetime:
    """A start as good as `start` for what comes from `first` on, so that an old rule is not counted from its birth."""
    step = STEPS[parts["FREQ"]]
    if step is None or first <= start:
        return start
    whole = step * int(parts.get("INTERVAL", 1))
    return start + max((first - start) // whole - 1, 0) * whole


def _until(value: str, zone: ZoneInfo) -> datetime:
    """The last local time at which an occurrence may start. A date alone includes its day."""
    if len(value) == len("20251231"):
        return datetime.combine(datetime.fromisoformat(value), time.max)
    if value.endswith("Z"):
        return datetime.fromisoformat(value).replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    return datetime.fromisoformat(value)


def _parts(rule: str) -> dict[str, str]:
    return dict(part.split("=") for part in rule.split(";"))


def _text(parts: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _wrong(message: str) -> Invalid:
    return Invalid(message, field="recurrence")
