"""A ramp as the playbook writes it, and what is wrong with one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

from core.errors import Invalid
from core.texts import is_storable
from flags.domain.bucketing import Bucketing
from flags.domain.change import check_parameters, read_percentage
from rollouts.domain.schedule import LONGEST
from rollouts.domain.states import MonitoringLevel

KEY_HELP = "The key of a ramp has 1 to 60 letters, digits, underscores or hyphens."
MAX_NAME = 120
MAX_LABEL = 40
MAX_STEPS = 50
_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class RampStepSpec:
    """One step of a ramp template (seed: Phases 4 and 5, `rolloutSchedule`).

    Args:
        label: the seed's name of the step, for example `5.2` or `week1`.
        week, day: both from 1; when it is due, counted from the start of the playbook's week 1.
        percentage: 0 to 100.
        allow_list_only: nobody but the allow-list has the feature; the percentage is 0.
        parameters: a patch of the flag's parameters.
        soak_seconds: how long all triggers must have passed before the step is taken.
    """

    label: str
    week: int
    day: int
    percentage: Decimal
    allow_list_only: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    monitoring: MonitoringLevel = MonitoringLevel.STANDARD
    soak_seconds: int = 3600

    @property
    def offset_seconds(self) -> int:
        """Seconds from the start of week 1."""
        return ((self.week - 1) * 7 + self.day - 1) * _DAY

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> RampStepSpec:
        """The step from what `to_dict` made of it."""
        return cls(
            **{
                **stored,
                "percentage": Decimal(str(stored["percentage"])),
                "monitoring": MonitoringLevel(stored["monitoring"]),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """The step as JSON values."""
        whole = self.percentage == self.percentage.to_integral_value()
        return {
            "label": self.label,
            "week": self.week,
            "day": self.day,
            "percentage": int(self.percentage) if whole else float(self.percentage),
            "allow_list_only": self.allow_list_only,
            "parameters": dict(self.parameters),
            "monitoring": self.monitoring.value,
            "soak_seconds": self.soak_seconds,
        }


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with one step. `index` counts from 0; None is the list itself."""

    index: int | None
    field: str
    message: str

    @property
    def path(self) -> str:
        """Where it is: `steps.2.percentage`."""
        return "steps" if self.index is None else f"steps.{self.index}.{self.field}"


def is_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None


def flaws(steps: Sequence[RampStepSpec], bucketing: Bucketing) -> list[Flaw]:
    """Everything that is wrong with the steps of a ramp for a flag of this bucketing, in their order."""
    if not 1 <= len(steps) <= MAX_STEPS:
        return [Flaw(None, "steps", f"A ramp has 1 to {MAX_STEPS} steps, not {len(steps)}.")]
    found = [flaw for index, step in enumerate(steps) for flaw in _own(index, step, bucketing)]
    found += [flaw for index, pair in enumerate(pairwise(steps), start=1) for flaw in _order(index, *pair)]
    labels: dict[str, int] = {}
    for index, step in enumerate(steps):
        if step.label in labels:
            message = f"Two steps are called {step.label!r}; the other is number {labels[step.label] + 1}."
            found.append(Flaw(index, "label", message))
        labels.setdefault(step.label, index)
    return sorted(found, key=lambda flaw: flaw.index or 0)


def _own(index: int, step: RampStepSpec, bucketing: Bucketing) -> Iterator[Flaw]:
    """What is wrong with a step by itself."""
    if not 1 <= len(step.label.strip()) <= MAX_LABEL or not is_storable(step.label):
        yield Flaw(index, "label", f"A step has a label of 1 to {MAX_LABEL} characters.")
    if not 1 <= step.week <= LONGEST // (7 * _DAY):
        yield Flaw(index, "week", f"A week from 1 to {LONGEST // (7 * _DAY)}, not {step.week}.")
    if not 1 <= step.day <= 7:
        yield Flaw(index, "day", f"A day of the week from 1 to 7, not {step.day}.")
    if not 0 <= step.soak_seconds <= LONGEST:
        yield Flaw(index, "soak_seconds", f"0 to {LONGEST:,} seconds, not {step.soak_seconds:,}.")
    if step.allow_list_only and step.percentage != 0:
        yield Flaw(index, "percentage", "A step for the allow-list only has 0 percent.")
    for name, check in (
        ("percentage", lambda: read_percentage(step.percentage, bucketing)),
        ("parameters", lambda: check_parameters(step.parameters)),
    ):
        try:
            check()
        except Invalid as error:
            yield Flaw(index, name, str(error))


def _order(index: int, before: RampStepSpec, step: RampStepSpec) -> Iterator[Flaw]:
    """What is wrong with a step after another one."""
    if step.percentage < before.percentage:
        yield Flaw(
            index,
            "percentage",
            f"Goes back from {before.percentage.normalize():f} to {step.percentage.normalize():f} percent: "
            "a ramp never takes a feature away.",
        )
    if step.offset_seconds <= before.offset_seconds:
        yield Flaw(
            index,
            "day",
            f"Week {step.week}, day {step.day} is not after week {before.week}, day {before.day} of the step before.",
        )
