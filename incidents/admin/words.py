"""How incidents read: states, levels and limits."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString

from core.templatetags.screen import badge, number
from incidents.domain.levels import MEASURES, Measured, Policies, level_of
from incidents.domain.states import IncidentState, Level, Role
from incidents.services.measuring import Looked

LOOK = {  # state: (words, tone, icon)
    IncidentState.INVESTIGATING: ("investigating", "bad", "search"),
    IncidentState.IDENTIFIED: ("identified", "warn", "target"),
    IncidentState.MONITORING: ("monitoring", "info", "monitor_heart"),
    IncidentState.RESOLVED: ("resolved", "ok", "task_alt"),
    IncidentState.POST_MORTEM: ("post-mortem", "info", "menu_book"),
    IncidentState.CLOSED: ("closed", "mute", "inventory_2"),
    IncidentState.MERGED: ("merged", "mute", "merge"),
}
LEVEL_LOOK = {  # level: (words, tone, icon)
    Level.MINOR: ("Level 1 minor", "warn", "counter_1"),
    Level.MAJOR: ("Level 2 major", "bad", "counter_2"),
    Level.CRITICAL: ("Level 3 critical", "bad", "counter_3"),
}
ROLES = {
    Role.COMMANDER: ("Commander", "leads, and decides"),
    Role.COMMUNICATIONS: ("Communications", "tells the others"),
    Role.SCRIBE: ("Scribe", "writes down what happens"),
}


def state_badge(state: str) -> SafeString:
    return badge(*LOOK[IncidentState(state)])


def level_badge(level: int) -> SafeString:
    return badge(*LEVEL_LOOK[Level(level)])


@dataclass(frozen=True, slots=True)
class Gauge:
    """One measure as it is now, beside what each level says of it."""

    name: str
    value: str
    note: str
    limits: list[str]
    level: Level | None

    @property
    def look(self) -> tuple[str, str, str]:
        if self.value == "no data":
            return "unknown", "warn", "signal_disconnected"
        return LEVEL_LOOK[self.level] if self.level else ("below level 1", "ok", "check_circle")


def gauges(looked: Looked, policies: Policies) -> list[Gauge]:
    """Everything that is measured, against the limits of all levels."""
    rate, time = looked.rate, looked.time
    told = {
        "error_rate": (
            f"{number(rate.value)} %",
            f"of {rate.samples:,} melts in {rate.seconds} s, surely at least {rate.at_least:.1f} %",
        )
        if rate
        else None,
        "response_time": (f"{number(time.value)} ms", f"mean of {time.samples:,} in {time.seconds} s")
        if time
        else None,
        "complaints": (str(looked.complaints), "within ten minutes") if looked.complaints is not None else None,
    }
    found = [_gauge(field, told[field], looked, policies) for field in MEASURES]
    answers = {True: "does not answer", False: "answers", None: "no data"}[looked.unavailable]
    level, _ = level_of(Measured(unavailable=looked.unavailable), policies)
    where = [f"level {each.value}" for each in Level if policies[each].unavailable]
    return [*found, Gauge("The system", answers, "by its health address", where, level)]


def _gauge(field: str, told: tuple[str, str] | None, looked: Looked, policies: Policies) -> Gauge:
    name, unit = MEASURES[field]
    limits = [
        f"level {level.value} {limit}{unit}"
        for level in Level
        if (limit := getattr(policies[level], field)) is not None
    ]
    if told is None:
        return Gauge(name, "no data", "too few melts in the last five minutes", limits, None)
    level, _ = level_of(Measured(**{field: getattr(looked.measured, field)}), policies)
    return Gauge(name, *told, limits, level)
