"""What a monitoring level (intensive, standard, reduced) asks for while a flag stands at one of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import Invalid
from rollouts.domain.states import MonitoringLevel
from rollouts.domain.template import RampStepSpec

OFTEN, SELDOM = 10, 30  # seconds: measurements are kept by ten; a verdict must come well within move.VERDICT_MARGIN
FACTORS = (0.1, 10.0)


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a playbook.

    Args:
        every: seconds, 10 to 30, from one look at the flag to the next. 10: the sources of its metrics are pulled so
            often, too, whatever they say. More: its own triggers are judged so seldom. None: as usual.
        soak: what the soak before the next step is multiplied by, 0.1 to 10.
        calm: the next step also waits while an alert about the flag fires.
        tell: the channels that hear of a step to this level.
    """

    every: int | None = None
    soak: float = 1.0
    calm: bool = False
    tell: tuple[str, ...] = ()

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Level:
        """From plain values. Raises Invalid with the field `every` or `soak`."""
        level = cls(**{**values, "tell": tuple(values.get("tell", ()))})
        if level.every is not None and not OFTEN <= level.every <= SELDOM:
            raise Invalid(f"A flag is looked at every {OFTEN} to {SELDOM} seconds, not {level.every}.", field="every")
        if not FACTORS[0] <= level.soak <= FACTORS[1]:
            raise Invalid(f"A soak is multiplied by {FACTORS[0]} to {FACTORS[1]}, not {level.soak}.", field="soak")
        return level

    def to_dict(self) -> dict[str, Any]:
        return {"every": self.every, "soak": self.soak, "calm": self.calm, "tell": list(self.tell)}

    def __str__(self) -> str:
        """`looked at every 10 s, soak × 1.5, waits while an alert about the flag fires, steps are told by slack`."""
        told = [
            f"looked at every {self.every} s" if self.every else "",
            f"soak × {self.soak:g}" if self.soak != 1 else "",
            "waits while an alert about the flag fires" if self.calm else "",
            f"steps are told by {' and '.join(self.tell)}" if self.tell else "",
        ]
        return ", ".join(text for text in told if text)


Levels = Mapping[str, Mapping[str, Any]]


def level_of(levels: Levels, monitoring: str) -> Level:
    """What a level asks for, by the levels that a ramp keeps; one that is not defined asks for nothing."""
    return Level.read(levels.get(monitoring, {}))


def soaks(specs: Sequence[RampStepSpec], levels: Levels, soak: int | None) -> list[int]:
    """The seconds of PASS before each step: the playbook's, by the level of the step at which the flag stands then.

    `soak` in place of all of them is meant as it is.
    """
    if soak is not None:
        return [soak] * len(specs)
    before = [MonitoringLevel.STANDARD, *(spec.monitoring for spec in specs)]
    return [
        round(spec.soak_seconds * (level_of(levels, level.value).soak if number else 1))
        for number, (spec, level) in enumerate(zip(specs, before, strict=False))
    ]
