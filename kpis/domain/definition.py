"""What a KPI is: how it is computed, from what, over which time, what it should be, and whose it is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from core.errors import Invalid
from core.texts import read_field
from kpis.domain.target import Better, Target
from monitoring.domain.selection import Selection

T = TypeVar("T", bound=StrEnum)
KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,59}")
LONGEST_WINDOW = 92  # days: a quarter
TEXTS = {"name": 120, "group": 60, "target": 40, "unit": 20, "owner": 120, "meaning": 2_000, "counted": 60}
NEEDED = frozenset(TEXTS) - {"unit"}


class Measure(StrEnum):
    """How it is computed. Every one is `factor · part / of`, so that days add up to any longer time."""

    SHARE = "share"  # of counters: percent
    MEAN = "mean"  # of a timing or a gauge: what was reported, by how often
    RATE = "rate"  # of a counter: a second
    VALIDATION = "validation"  # of the validations that looked: percent
    DEPLOYMENTS = "deployments"  # a week
    FAILURES = "failures"  # of the deployments: percent
    RESTORE = "restore"  # of incidents: minutes
    SURVEY = "survey"  # of what users answered: 1 to 5
    REDUCTION = "reduction"  # reported from outside: percent less than the baseline
    VALUE = "value"  # reported from outside, as it is

    @property
    def from_outside(self) -> bool:
        return self in (Measure.REDUCTION, Measure.VALUE)

    @property
    def is_share(self) -> bool:
        """Whether it counts cases that are independent of each other: then it has an interval."""
        return self in (Measure.SHARE, Measure.VALIDATION, Measure.FAILURES)


FACTORS = {
    Measure.SHARE: 100.0,
    Measure.VALIDATION: 100.0,
    Measure.FAILURES: 100.0,
    Measure.REDUCTION: 100.0,
    Measure.DEPLOYMENTS: 7.0,
}


@dataclass(frozen=True, slots=True)
class Definition:
    """`read` makes one of plain values, as the playbook writes them and the table keeps them.

    Args:
        part, of: what is counted, and of what (share); `of` alone of a mean or a rate.
        complement: what is counted is what is bad, and the KPI is what is left.
        scale: what a mean is multiplied with: 0.001 makes seconds of milliseconds, 100 percent of 0 and 1.
        check, evidence: of a validation: the check, and which of its evidence; empty: the check as a whole.
        counted: what its samples are, in the plural: melts, incidents.
        window: days that a figure covers. min_samples: fewer are not judged.
    """

    key: str
    name: str
    group: str
    target: Target
    owner: str
    meaning: str
    counted: str
    measure: Measure
    window: int
    min_samples: int
    part: Selection | None = None
    of: Selection | None = None
    complement: bool = False
    scale: float = 1.0
    check: str = ""
    evidence: str = ""

    @classmethod
    def read(cls, key: str, values: Mapping[str, Any]) -> Definition:
        """Raises Invalid; the field is the one that is wrong."""
        if not KEY.fullmatch(key):
            raise Invalid("A KPI's key has letters, digits and dashes, at most 60.", field="key")
        unknown = set(values) - set(DEFINED)
        if unknown:
            raise Invalid(f"A KPI has no {min(unknown)!r}; it has {', '.join(DEFINED)}.", field=min(unknown))
        texts = {field: read_field(values, field, longest, needed=field in NEEDED) for field, longest in TEXTS.items()}
        better, measure = _one_of(Better, values, "better"), _one_of(Measure, values, "measure")
        target = Target.read(texts.pop("target"), unit=texts.pop("unit"), better=better)
        found = cls(
            key=key,
            **texts,
            target=target,
            measure=measure,
            window=_number(values, "window", 28, 1, LONGEST_WINDOW),
            min_samples=_number(values, "min_samples", 1, 1, 1_000_000_000),
            part=_selection(values, "part"),
            of=_selection(values, "of"),
            complement=bool(values.get("complement", False)),
            scale=_scale(values),
            check=values.get("check") or "",
            evidence=values.get("evidence") or "",
        )
        found._check_parts()
        return found

    @property
    def factor(self) -> float:
        return self.scale if self.measure is Measure.MEAN else FACTORS.get(self.measure, 1.0)

    def _check_parts(self) -> None:
        """Raise Invalid for a part that the measure needs and lacks, or has and does not use."""
        needs = {
            Measure.SHARE: {"part", "of"},
            Measure.MEAN: {"of"},
            Measure.RATE: {"of"},
            Measure.VALIDATION: {"check"},
        }.get(self.measure, set())
        for field in ("part", "of", "check"):
            if bool(getattr(self, field)) != (field in needs):
                verb = "needs" if field in needs else "has no"
                raise Invalid(f"A {self.measure} {verb} {field!r}.", field=field)
        if self.complement and self.measure is not Measure.SHARE:
            raise Invalid("Only a share has a complement.", field="complement")
        if self.evidence and self.measure is not Measure.VALIDATION:
            raise Invalid("Only a validation has evidence.", field="evidence")
        if self.scale != 1.0 and self.measure is not Measure.MEAN:
            raise Invalid("Only a mean has a scale.", field="scale")


DEFINED = (
    *TEXTS,
    "better",
    "measure",
    "window",
    "min_samples",
    "part",
    "of",
    "complement",
    "scale",
    "check",
    "evidence",
)


def _one_of(kind: type[T], values: Mapping[str, Any], field: str) -> T:
    try:
        return kind(values.get(field, ""))
    except ValueError:
        raise Invalid(f"One of {', '.join(kind)}.", field=field) from None


def _number(values: Mapping[str, Any], field: str, usual: int, least: int, most: int) -> int:
    value = values.get(field, usual)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Invalid(f"A whole number from {least:,} to {most:,}.", field=field)
    return value


def _scale(values: Mapping[str, Any]) -> float:
    value = values.get("scale", 1.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise Invalid("A number above 0.", field="scale")
    return float(value)


def _selection(values: Mapping[str, Any], field: str) -> Selection | None:
    stored = values.get(field)
    if not stored:
        return None
    try:
        return Selection.read(stored)
    except Invalid as error:
        raise Invalid(str(error), field=field) from None
