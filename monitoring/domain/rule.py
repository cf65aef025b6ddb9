"""What a trigger asks of its windows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar

from core.errors import Invalid
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.selection import Selection
from monitoring.domain.verdict import Measure, Target

LONGEST_WINDOW = 3600
KEY_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,60}")
Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Rule:
    """When a window breaches and how many breaches fire. All times are seconds, multiples of ten.

    Args:
        threshold: percent for a ratio or a drop, milliseconds for a mean, else a count. A window breaches
            above it, never at it.
        window: the shortest window.
        max_window: how long a window waits for `min_samples`, and a ratio that is just above the threshold
            for more of them; at most one hour. A count never waits.
        min_samples: operations (ratio), timings (mean), or operations expected from the hour before (drop)
            below which a window says nothing. Counts ignore it.
        consecutive: how many breaches in a row fire.
    """

    measure: Measure
    threshold: float
    window: int
    max_window: int
    min_samples: int
    consecutive: int

    def __post_init__(self) -> None:
        """Raises Invalid, with the field, for a rule that could not be judged."""
        if not math.isfinite(self.threshold) or self.threshold < 0:
            raise Invalid(f"A threshold is a number from 0, not {self.threshold}.", field="threshold")
        for field in ("window", "max_window"):
            seconds = getattr(self, field)
            if not BUCKET_SECONDS <= seconds <= LONGEST_WINDOW or seconds % BUCKET_SECONDS:
                raise Invalid(f"Seconds from 10 to {LONGEST_WINDOW} in steps of ten, not {seconds}.", field=field)
        if self.max_window < self.window:
            raise Invalid(f"At least the window itself, {self.window} s.", field="max_window")
        if self.min_samples < 0:
            raise Invalid("0 or more.", field="min_samples")
        if self.consecutive < 1:
            raise Invalid("1 or more.", field="consecutive")


@dataclass(frozen=True, slots=True)
class Definition:
    """A trigger as it is written down: what it looks at, when it breaches, and what it rolls back.

    `flag_key` belongs to target `flag` alone; the denominator to the ratio alone.
    """

    name: str
    measure: Measure
    numerator: Selection
    denominator: Selection | None
    rule: Rule
    target: Target
    flag_key: str
    enabled: bool

    @classmethod
    def read(cls, key: str, values: Mapping[str, Any]) -> Definition:
        """From plain values; Invalid names the field that cannot be accepted."""
        unknown = set(values) - set(DEFINED)
        if unknown:
            raise Invalid(f"A trigger has no {min(unknown)!r}; it has {', '.join(DEFINED)}.", field=min(unknown))
        if not KEY_PATTERN.fullmatch(key):
            raise Invalid("A trigger's key has 1 to 60 letters, digits, underscores or hyphens.", field="key")
        measure = _word(Measure, values, "measure")
        target = _word(Target, values, "target")
        rule = Rule(
            measure=measure,
            threshold=_number(values, "threshold"),
            window=_whole(values, "window"),
            max_window=_whole(values, "max_window", default=values.get("window")),
            min_samples=_whole(values, "min_samples", default=0),
            consecutive=_whole(values, "consecutive", default=1),
        )
        return cls(
            name=_text(values, "name", longest=120) or key,
            measure=measure,
            numerator=_selection(values, "numerator"),
            denominator=_selection(values, "denominator") if _has_denominator(values, measure) else None,
            rule=rule,
            target=target,
            flag_key=_flag_key(values, target),
            enabled=_switch(values, "enabled"),
        )

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values: what a row and an event keep."""
        below = self.denominator
        return {
            "name": self.name,
            "measure": self.measure.value,
            "numerator": self.numerator.as_dict(),
            "denominator": below.as_dict() if below else {},
            **{field.name: getattr(self.rule, field.name) for field in fields(Rule) if field.name != "measure"},
            "target": self.target.value,
            "flag_key": self.flag_key,
            "enabled": self.enabled,
        }


DEFINED = (
    "name",
    "measure",
    "numerator",
    "denominator",
    "threshold",
    "window",
    "max_window",
    "min_samples",
    "consecutive",
    "target",
    "flag_key",
    "enabled",
)


def _word(words: type[Word], values: Mapping[str, Any], field: str) -> Word:
    try:
        return words(values.get(field, ""))
    except ValueError:
        raise Invalid(f"One of {', '.join(words)}, not {values.get(field)!r}.", field=field) from None


def _number(values: Mapping[str, Any], field: str) -> float:
    value = values.get(field)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(f"A number, not {value!r}.", field=field)
    return float(value)


def _whole(values: Mapping[str, Any], field: str, *, default: Any = None) -> int:
    value = values.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Invalid(f"A whole number, not {value!r}.", field=field)
    return value


def _text(values: Mapping[str, Any], field: str, *, longest: int) -> str:
    value = values.get(field, "")
    if not isinstance(value, str) or len(value) > longest:
        raise Invalid(f"A text of at most {longest} characters.", field=field)
    return value.strip()


def _switch(values: Mapping[str, Any], field: str) -> bool:
    value = values.get(field, True)
    if not isinstance(value, bool):
        raise Invalid(f"true or false, not {value!r}.", field=field)
    return value


def _selection(values: Mapping[str, Any], field: str) -> Selection:
    stored = values.get(field)
    if not isinstance(stored, Mapping):
        raise Invalid('A selection is {"metric": name, "labels": {…}}.', field=field)
    try:
        return Selection.read(stored)
    except Invalid as error:
        raise Invalid(str(error), field=field) from None


def _has_denominator(values: Mapping[str, Any], measure: Measure) -> bool:
    given = bool(values.get("denominator"))
    if given != (measure is Measure.RATIO):
        need = "needs" if measure is Measure.RATIO else "has no"
        raise Invalid(f"A {measure.value} {need} denominator.", field="denominator")
    return given


def _flag_key(values: Mapping[str, Any], target: Target) -> str:
    flag_key = _text(values, "flag_key", longest=100)
    if bool(flag_key) != (target is Target.FLAG):
        words = "names the flag it rolls back" if target is Target.FLAG else "names no flag: it finds it by itself"
        raise Invalid(f"A trigger with target {target.value} {words}.", field="flag_key")
    return flag_key
