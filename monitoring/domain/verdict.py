"""The words of the guard."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What a window says. Only PASS lets a ramp go on; only BREACH rolls back. No data is never a pass."""

    PASS = "PASS"
    BREACH = "BREACH"
    INSUFFICIENT = "INSUFFICIENT"
    NO_DATA = "NO_DATA"


class Measure(StrEnum):
    """How a window becomes a number.

    ratio: numerator / denominator in percent; mean: of a timing, in ms; count: how many in the window;
    distinct: how many different users complained in the window; drop: how many percent below the throughput that
    past weeks, or the last healthy hour, lead to expect; rise: how many percent above the baseline from before the
    change; canary: those with the flag on against those with it off, at the same time; start: the application
    does not come up.
    """

    RATIO = "ratio"
    MEAN = "mean"
    COUNT = "count"
    DISTINCT = "distinct"
    DROP = "drop"
    RISE = "rise"
    CANARY = "canary"
    START = "start"


SLIDING = (Measure.COUNT, Measure.DISTINCT, Measure.START)  # judged every ten seconds over the last `window` seconds


class Action(StrEnum):
    """What a trigger does once it fires, besides being told."""

    NOTIFY = "notify"
    PAUSE = "pause"
    ROLLBACK = "rollback"
    FREEZE = "freeze"


class Target(StrEnum):
    """What a trigger rolls back: its flag, or the flag that was raised last in the environment."""

    FLAG = "flag"
    LAST_RAISED = "last_raised"


class TriggerState(StrEnum):
    ARMED = "armed"
    LATCHED = "latched"
