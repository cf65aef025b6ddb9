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
    drop: how many percent below the throughput of the hour before.
    """

    RATIO = "ratio"
    MEAN = "mean"
    COUNT = "count"
    DROP = "drop"


class Target(StrEnum):
    """What a trigger rolls back: its flag, or the flag that was raised last in the environment."""

    FLAG = "flag"
    LAST_RAISED = "last_raised"


class TriggerState(StrEnum):
    ARMED = "armed"
    LATCHED = "latched"
