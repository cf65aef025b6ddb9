"""A step of a ramp as the playbook writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from rollouts.domain.states import MonitoringLevel

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
