"""A recurrence in plain words: what a person chooses, the rule it makes, and the rule read back."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from core.recurrence import DAYS

LAST_WORKING_DAY = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"
WEEKDAYS = dict(zip(DAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True))
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


class Repeat(StrEnum):
    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTH_DAYS = "month_days"
    LAST_WORKING_DAY = "last_working_day"
    YEARLY = "yearly"
    RULE = "rule"


LABELS = {
    Repeat.ONCE: "Once",
    Repeat.DAILY: "Every day",
    Repeat.WEEKLY: "Every week, on chosen days",
    Repeat.MONTH_DAYS: "Every month, on days by number",
    Repeat.LAST_WORKING_DAY: "Every month, on its last working day",
    Repeat.YEARLY: "Every year, on the day of the start",
    Repeat.RULE: "By a rule of RFC 5545",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose. `days` are MO to SU, `month_days` 1 to 31 or -1 for the last; `until` is the last day."""

    repeat: Repeat
    days: Sequence[str] = ()
    month_days: str = ""
    rule: str = ""
    until: date | None = None


def compose(choice: Choice, start: datetime) -> str:
    """The rule. A week without days means the start's day, a month without days the start's number."""
    days = ",".join(day for day in DAYS if day in choice.days) or DAYS[start.weekday()]
    numbers = "".join(choice.month_days.split()) or str(start.day)
    rule = {
        Repeat.ONCE: "",
        Repeat.DAILY: "FREQ=DAILY",
        Repeat.WEEKLY: f"FREQ=WEEKLY;BYDAY={days}",
        Repeat.MONTH_DAYS: f"FREQ=MONTHLY;BYMONTHDAY={numbers}",
        Repeat.LAST_WORKING_DAY: LAST_WORKING_DAY,
        Repeat.YEARLY: f"FREQ=YEARLY;BYMONTH={start.month};BYMONTHDAY={start.day}",
        Repeat.RULE: choice.rule,
    }[choice.repeat]
    limited = choice.until is not None and choice.repeat not in (Repeat.ONCE, Repeat.RULE)
    return f"{rule};UNTIL={choice.until:%Y%m%d}" if limited else rule


def chosen(rule: str, start: datetime) -> Choice:
    """What a person would have chosen to get this rule."""
    if not rule:
        return Choice(Repeat.ONCE)
    plain, until = _without_until(rule)
    for repeat in (Repeat.DAILY, Repeat.LAST_WORKING_DAY, Repeat.YEARLY):
        if plain == compose(Choice(repeat), start):
            return Choice(repeat, until=until)
    if found := re.fullmatch(r"FREQ=WEEKLY(?:;BYDAY=([A-Z,]+))?", plain):
        return Choice(Repeat.WEEKLY, days=(found[1] or DAYS[start.weekday()]).split(","), until=until)
    if found := re.fullmatch(r"FREQ=MONTHLY;BYMONTHDAY=([-\d,]+)", plain):
        return Choice(Repeat.MONTH_DAYS, month_days=found[1], until=until)
    return Choice(Repeat.RULE, rule=rule)


def words(rule: str, start: datetime) -> str:
    """The recurrence in a few words: `every Monday and Friday until 2025-12-31`; a rare rule as it is."""
    choice = chosen(rule, start)
    said = {
        Repeat.ONCE: f"once, on {start:%Y-%m-%d}",
        Repeat.DAILY: "every day",
        Repeat.WEEKLY: f"every {joined([WEEKDAYS[day] for day in choice.days])}",
        Repeat.MONTH_DAYS: f"every month on {joined(_ordinals(choice.month_days))}",
        Repeat.LAST_WORKING_DAY: "on the last working day (Monday to Friday) of every month",
        Repeat.YEARLY: f"every year on {start.day} {MONTHS[start.month - 1]}",
        Repeat.RULE: rule,
    }[choice.repeat]
    return f"{said} until {choice.until}" if choice.until else said


def _without_until(rule: str) -> tuple[str, date | None]:
    plain, _, until = rule.partition(";UNTIL=")
    return (plain, date.fromisoformat(until)) if re.fullmatch(r"\d{8}", until) else (rule, None)


def _ordinals(numbers: str) -> list[str]:
    return [_ordinal(int(number)) for number in numbers.split(",") if number]


def _ordinal(number: int) -> str:
    if number == -1:
        return "the last day"
    if number < 0:
        return f"the {_ordinal(-number).removeprefix('the ')} last day"
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"the {number}{ending}"


def joined(names: Collection[str]) -> str:
    *first, last = names or [""]
    return f"{', '.join(first)} and {last}" if first else last
