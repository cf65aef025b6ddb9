"""Which parts the system has, what each does for the operator, and when it is silent for too long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Condition(StrEnum):
    OK = "ok"
    STALE = "stale"
    DOWN = "down"
    NEVER = "never"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the system now. `detail` says what does not work while it is not ok."""

    name: str
    condition: Condition
    detail: str
    seen_at: datetime | None = None

    @property
    def loud(self) -> bool:
        """It worked once, or should always answer, and does not now."""
        return self.condition in (Condition.STALE, Condition.DOWN)


@dataclass(frozen=True, slots=True)
class Duty:
    """A part that works by the clock: its heartbeat's name, and after how long its silence is loud."""

    beat: str
    name: str
    patience: timedelta
    without: str


DUTIES = (
    Duty("guard", "Guard", timedelta(seconds=60), "Nothing rolls back by itself, and no ramp goes on."),
    Duty("ramps", "Ramp clock", timedelta(seconds=120), "Due steps are not taken."),
    Duty("follow", "Ramp follower", timedelta(seconds=60), "Ramps do not notice what is done to their flags."),
    Duty("requests", "Request clock", timedelta(seconds=60), "Approved changes are not applied at their time."),
    Duty("plans", "Plan clock", timedelta(seconds=90), "Measured items of checklists do not tick themselves."),
    Duty("rollbacks", "Rollback worker", timedelta(seconds=60), "Confirmed rollbacks stop after their flags are off."),
    Duty("incidents", "Incident clock", timedelta(seconds=60), "No incident opens or escalates by itself."),
    Duty("escalate", "Escalation clock", timedelta(seconds=30), "Nobody else is called when nobody answers."),
    Duty("announce", "Alert sender", timedelta(seconds=60), "Alerts are recorded but not sent."),
)


RUNNER = Duty("runner", "Runner", timedelta(seconds=60), "Commands of checklists are not run; they wait.")
OUTSIDE = Duty(
    "outside", "Dead-man's switch", timedelta(seconds=150), "The service outside hears nothing, and raises the alarm."
)


def duties(beats: Mapping[str, datetime], *, now: datetime, runner: bool, outside: bool = False) -> list[Part]:
    """How each part that works by the clock is doing, by its last heartbeat.

    `runner` and `outside` tell that there should be a runner of commands, and a switch elsewhere that hears of us.
    """
    asked = (*DUTIES, *([RUNNER] if runner else []), *([OUTSIDE] if outside else []))
    return [_duty(duty, beats.get(duty.beat), now=now) for duty in asked]


def _duty(duty: Duty, seen_at: datetime | None, *, now: datetime) -> Part:
    if seen_at is None:
        return Part(duty.name, Condition.NEVER, duty.without)
    if now - seen_at > duty.patience:
        return Part(duty.name, Condition.STALE, duty.without, seen_at)
    return Part(duty.name, Condition.OK, "", seen_at)
