"""A trigger as it is written down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar

from core.errors import Invalid
from core.texts import read_field
from monitoring.domain.measures.rule import LONGEST_WINDOW, Rule
from monitoring.domain.selection import Selection
from monitoring.domain.verdict import Action, Measure, Target

__all__ = ["DEFINED", "LONGEST_WINDOW", "Definition", "Rule"]

COMPLAINTS = "user_complaints"  # what a distinct counts
KEY_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,60}")
Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Definition:
    """A trigger as it is written down: what it looks at, when it breaches, and what it does then.

    `flag_key` belongs to target `flag` alone; a ratio has a denominator, a rise or a canary may have one. `actions` are
    done in their order; `phase` names the part of the strategy it belongs to.
    """

    name: str
    measure: Measure
    numerator: Selection
    denominator: Selection | None
    rule: Rule
    target: Target
    flag_key: str
    enabled: bool
    actions: tuple[Action, ...] = (Action.ROLLBACK,)
    phase: str = ""

    @property
    def selections(self) -> list[Selection]:
        """What it looks at: the numerator, then the denominator if there is one."""
        return [self.numerator, *([self.denominator] if self.denominator else [])]

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
        numerator, denominator = _selections(values, measure)
        rule = Rule(
            measure=measure,
            threshold=_number(values, "threshold"),
            window=_whole(values, "window"),
            max_window=_whole(values, "max_window", default=values.get("window")),
            min_samples=_whole(values, "min_samples", default=0),
            consecutive=_whole(values, "consecutive", default=1),
            percentile=_whole(values, "percentile", default=0),
            clear_threshold=_optional(values, "clear_threshold"),
            cooldown=_whole(values, "cooldown", default=0),
            alpha=_optional(values, "alpha"),
            factor=_optional(values, "factor"),
            observe=_switch(values, "observe", default=False),
            shares=measure is Measure.RISE and denominator is not None,
        )
        _check_canary(measure, rule, target, numerator, denominator)
        return cls(
            name=read_field(values, "name", 120) or key,
            measure=measure,
            numerator=numerator,
            denominator=denominator,
            rule=rule,
            target=target,
            flag_key=_flag_key(values, target),
            enabled=_switch(values, "enabled", default=True),
            actions=_actions(values),
            phase=read_field(values, "phase", 60),
        )

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values: what a row and an event keep."""
        below = self.denominator
        return {
            "name": self.name,
            "measure": self.measure.value,
            "numerator": self.numerator.as_dict(),
            "denominator": below.as_dict() if below else {},
            **{field.name: getattr(self.rule, field.name) for field in fields(Rule) if field.name in DEFINED},
            "target": self.target.value,
            "flag_key": self.flag_key,
            "enabled": self.enabled,
            "actions": [action.value for action in self.actions],
            "phase": self.phase,
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
    "actions",
    "observe",
    "percentile",
    "clear_threshold",
    "cooldown",
    "alpha",
    "factor",
    "phase",
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


def _optional(values: Mapping[str, Any], field: str) -> float | None:
    return None if values.get(field) is None else _number(values, field)


def _switch(values: Mapping[str, Any], field: str, *, default: bool) -> bool:
    value = values.get(field, default)
    if not isinstance(value, bool):
        raise Invalid(f"true or false, not {value!r}.", field=field)
    return value


def _selection(values: Mapping[str, Any], field: str) -> Selection:
    stored = values.get(field)
    if not isinstance(stored, Mapping):
        raise Invalid('A selection is {"metric": name, "labels": {…}, "source": key}.', field=field)
    try:
        return Selection.read(stored)
    except Invalid as error:
        raise Invalid(str(error), field=field) from None


def _selections(values: Mapping[str, Any], measure: Measure) -> tuple[Selection, Selection | None]:
    """Numerator and denominator, as far as the measure has them; of one source when both name one."""
    numerator, given = _selection(values, "numerator"), bool(values.get("denominator"))
    if given and measure not in (Measure.RATIO, Measure.RISE, Measure.CANARY):
        raise Invalid(f"A {measure.value} has no denominator.", field="denominator")
    if measure is Measure.RATIO and not given:
        raise Invalid("A ratio needs a denominator.", field="denominator")
    if measure is Measure.DISTINCT and (numerator.metric != COMPLAINTS or set(numerator.labels) - {"flag"}):
        words = f"A distinct counts users who complain: its metric is {COMPLAINTS}, with at most the label flag."
        raise Invalid(words, field="numerator")
    denominator = _selection(values, "denominator") if given else None
    if denominator and numerator.source != denominator.source:
        raise Invalid("Both selections are read from one source: name the same, or none.", field="denominator")
    return numerator, denominator


def _check_canary(
    measure: Measure, rule: Rule, target: Target, numerator: Selection, denominator: Selection | None
) -> None:
    if measure is not Measure.CANARY:
        return
    if target is not Target.FLAG:
        raise Invalid("A canary compares those with its flag on and off: its target is flag.", field="target")
    for field, selection in (("numerator", numerator), ("denominator", denominator)):
        if selection and "variant" in selection.labels:
            raise Invalid("A canary reads both variants by itself: leave the label variant out.", field=field)
    if denominator is None and rule.threshold <= 0:
        raise Invalid("From how many ms on a timing is a bad one; above 0.", field="threshold")


def _actions(values: Mapping[str, Any]) -> tuple[Action, ...]:
    given = values.get("actions", [Action.ROLLBACK.value])
    words = f"A list of one or more of {', '.join(Action)}, each once."
    if not isinstance(given, list | tuple) or not given or len(set(map(str, given))) != len(given):
        raise Invalid(words, field="actions")
    try:
        actions = tuple(Action(action) for action in given)
    except ValueError:
        raise Invalid(words, field="actions") from None
    if Action.FREEZE in actions and Action.ROLLBACK in actions:
        raise Invalid(
            "freeze is for what must not be switched off by itself, rollback switches it off: choose one.",
            field="actions",
        )
    return actions


def _flag_key(values: Mapping[str, Any], target: Target) -> str:
    flag_key = read_field(values, "flag_key", 100)
    if bool(flag_key) != (target is Target.FLAG):
        words = "names the flag it rolls back" if target is Target.FLAG else "names no flag: it finds it by itself"
        raise Invalid(f"A trigger with target {target.value} {words}.", field="flag_key")
    return flag_key
