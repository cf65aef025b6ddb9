"""An escalation chain: who is told in which order, and how long we wait for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.errors import Invalid
from core.repeating import joined
from core.texts import check_text, need_text
from oncall.domain.layer import NAME

LEVELS = range(1, 4)
MOST_STEPS = 30
MOST_REPEATS = 10
LONGEST_WAIT = 24 * 60  # minutes
_KEYS = ("name", "description", "steps")


class Target(StrEnum):
    """What a step notifies: named people, whoever is on call, everybody with a role, or an audience of the plan."""

    PEOPLE = "people"
    SCHEDULE = "schedule"
    ROLE = "role"
    AUDIENCE = "audience"


@dataclass(frozen=True, slots=True)
class Notify:
    """`names` are user names for PEOPLE, and one key for the others. Taken at `from_level` and above."""

    target: Target
    names: tuple[str, ...]
    from_level: int = 1

    def __str__(self) -> str:
        named = joined(list(self.names))
        return {
            Target.PEOPLE: f"Notify {named}",
            Target.SCHEDULE: f"Notify whoever is on call in {named}",
            Target.ROLE: f"Notify everybody with the role {named}",
            Target.AUDIENCE: f"Notify the audience {named}",
        }[self.target]


@dataclass(frozen=True, slots=True)
class Wait:
    minutes: int
    from_level: int = 1

    def __str__(self) -> str:
        unit = "minute" if self.minutes == 1 else "minutes"
        return f"Wait {self.minutes} {unit} for an acknowledgement"


@dataclass(frozen=True, slots=True)
class Repeat:
    """Begin again, this many times at most. Always the last step."""

    times: int
    from_level: int = 1

    def __str__(self) -> str:
        return f"Begin again, {'once' if self.times == 1 else f'{self.times} times'} at most"


Step = Notify | Wait | Repeat


def sentence(step: Step) -> str:
    """The step in words, with its condition."""
    condition = f" (from level {step.from_level})" if step.from_level > LEVELS.start else ""
    return f"{step}{condition}."


def read(values: Mapping[str, Any]) -> dict[str, Any]:
    """Check what a person or a file says of a chain; its values as they are kept. Invalid has a field."""
    unknown = sorted(set(values) - set(_KEYS))
    if unknown:
        raise Invalid(f"{unknown[0]!r} is not known here: a chain has {', '.join(_KEYS)}.", field=unknown[0])
    given = values.get("name") or ""
    name = need_text(given, "Give the chain a name, for example Major issues.", field="name", longest=120)
    description = check_text(values.get("description") or "", field="description", longest=500)
    return {"name": name, "description": description, "steps": [told(each) for each in read_steps(values.get("steps"))]}


def read_steps(values: Any) -> tuple[Step, ...]:
    """The steps as values, checked also as a whole. Invalid has a field such as `steps.2`."""
    if not isinstance(values, list | tuple) or not 1 <= len(values) <= MOST_STEPS:
        raise Invalid(f"A chain has 1 to {MOST_STEPS} steps.", field="steps")
    found = tuple(_step(each, f"steps.{number}") for number, each in enumerate(values))
    if not any(isinstance(step, Notify) and step.from_level == LEVELS.start for step in found):
        raise Invalid("At level 1 this chain would notify nobody: one step must notify at every level.", field="steps")
    for number, step in enumerate(found):
        if isinstance(step, Repeat):
            _check_repeat(found, number)
    return found


def stored(values: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The steps of values that `told` made."""
    return tuple(_step(each, "steps") for each in values)


def told(step: Step) -> dict[str, Any]:
    """The step as a playbook writes it."""
    condition = {"fromLevel": step.from_level} if step.from_level > LEVELS.start else {}
    if isinstance(step, Wait):
        return {"wait": step.minutes, **condition}
    if isinstance(step, Repeat):
        return {"repeat": step.times, **condition}
    names: Any = list(step.names) if step.target is Target.PEOPLE else step.names[0]
    return {"notify": {step.target.value: names}, **condition}


def schedules(steps: Sequence[Step]) -> set[str]:
    """The schedules that the steps ask."""
    return {
        name for step in steps if isinstance(step, Notify) and step.target is Target.SCHEDULE for name in step.names
    }


def _step(values: Any, field: str) -> Step:
    known = {"notify", "wait", "repeat"}
    kinds = known & set(values) if isinstance(values, Mapping) else set()
    if len(kinds) != 1 or set(values) - kinds - {"fromLevel"}:
        raise Invalid("A step is one of notify, wait and repeat, and may have fromLevel.", field=field)
    level = values.get("fromLevel", LEVELS.start)
    if isinstance(level, bool) or level not in LEVELS:
        raise Invalid(f"fromLevel is 1, 2 or 3, not {level!r}.", field=field)
    kind = kinds.pop()
    if kind == "notify":
        return _notify(values["notify"], level, field)
    if kind == "wait":
        return Wait(_whole(values["wait"], LONGEST_WAIT, "A wait takes", "minutes", field), level)
    return Repeat(_whole(values["repeat"], MOST_REPEATS, "A chain begins again", "times", field), level)


def _notify(value: Any, level: int, field: str) -> Notify:
    if not isinstance(value, Mapping) or len(value) != 1 or next(iter(value)) not in list(Target):
        raise Invalid(f"notify names one of {', '.join(Target)}, for example {{schedule: first-line}}.", field=field)
    kind, named = next(iter(value.items()))
    names = tuple(named) if isinstance(named, list | tuple) else (named,)
    if not names or not all(isinstance(name, str) and NAME.fullmatch(name) for name in names):
        raise Invalid(f"Name whom the step notifies: {named!r} cannot be read.", field=field)
    if len(names) > 1 and kind != Target.PEOPLE:
        raise Invalid(f"A step notifies one {kind}: make a step for each.", field=field)
    return Notify(Target(kind), names, level)


def _whole(value: Any, most: int, what: str, unit: str, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise Invalid(f"{what} 1 to {most} {unit}, not {value!r}.", field=field)
    return value


def _check_repeat(steps: Sequence[Step], number: int) -> None:
    if number != len(steps) - 1:
        raise Invalid(
            "Only the last step can begin again: nothing after it would ever be done.", field=f"steps.{number}"
        )
    if not any(isinstance(step, Wait) and step.from_level == LEVELS.start for step in steps):
        raise Invalid(
            "A chain that begins again needs a wait at every level, or it would tell everything at once.",
            field=f"steps.{number}",
        )
