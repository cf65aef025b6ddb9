"""The three levels of an incident: their limits, and what is measured against them (seed: Emergency Response Plan).

A range "from 1 to 3" begins with its lower end, "above 5" without it: a rate of exactly 1 % is level 1, of exactly 3 %
level 2, and of exactly 5 % still level 2; a response of exactly 3 s is level 1, and of exactly 5 s too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from core.errors import Invalid
from core.texts import check_text, need_text, read_field
from incidents.domain.states import Does, Level

LONGEST = 24 * 60  # minutes until an escalation
MOST_ACTIONS = 20
MEASURES = {  # field: (its name, unit)
    "error_rate": ("Error rate", " %"),
    "response_time": ("Response time", " ms"),
    "complaints": ("Users who complain", ""),
}
TITLES = {"error_rate": "High error rate", "response_time": "Slow responses", "complaints": "Users complain"}
SILENT, CORRUPT = "The system does not answer", "Data is wrong"


@dataclass(frozen=True, slots=True)
class Limit:
    """Where a level begins: from a value on, or only above it."""

    value: float
    inclusive: bool

    @classmethod
    def read(cls, stored: Mapping[str, Any], field: str) -> Limit:
        """From `{"from": 1}` or `{"above": 5}`; Invalid for anything else."""
        named = next(iter(stored), "") if isinstance(stored, Mapping) and len(stored) == 1 else ""
        value = stored.get(named) if named in ("from", "above") else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            raise Invalid("A limit is {from: number} or {above: number}, not below 0.", field=field)
        return cls(float(value), named == "from")

    def as_dict(self) -> dict[str, float]:
        return {"from" if self.inclusive else "above": self.value}

    def reached(self, value: float) -> bool:
        return value >= self.value if self.inclusive else value > self.value

    def __str__(self) -> str:
        return f"{'from' if self.inclusive else 'above'} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Todo:
    """One action of a level's list. `does` says which part of the product does it; None: people, by hand."""

    action: str
    does: Does | None = None

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Todo:
        text = need_text(stored.get("action", ""), "An action is a text.", field="actions", longest=200)
        does = stored.get("does") or None
        if does is not None and does not in list(Does):
            raise Invalid(f"An action does one of {', '.join(Does)}, not {does!r}.", field="actions")
        return cls(text, Does(does) if does else None)

    def as_dict(self) -> dict[str, str]:
        return {"action": self.action, "does": self.does.value if self.does else ""}


@dataclass(frozen=True, slots=True)
class Policy:
    """What a level means.

    Args:
        triggers: when it is that level, in words for people.
        actions: what is done then, in this order.
        escalation_minutes: until it becomes the next level while nobody has acknowledged it; 0: people are called at
            once.
        chain: the key of the escalation chain that calls people; empty: none.
        error_rate: percent. response_time: ms. complaints: users within ten minutes. None: not of this level.
        unavailable, corruption: that the system does not answer, or that data is wrong, is this level.
    """

    level: Level
    name: str
    triggers: tuple[str, ...]
    actions: tuple[Todo, ...]
    escalation_minutes: int
    chain: str = ""
    error_rate: Limit | None = None
    response_time: Limit | None = None
    complaints: Limit | None = None
    unavailable: bool = False
    corruption: bool = False

    @classmethod
    def read(cls, level: Level, values: Mapping[str, Any]) -> Policy:
        """From plain values; Invalid names the field that cannot be accepted."""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise Invalid(f"A level has no {min(unknown)!r}.", field=min(unknown))
        minutes, actions = values.get("escalation_minutes", 0), values.get("actions", ())
        if isinstance(minutes, bool) or not isinstance(minutes, int) or not 0 <= minutes <= LONGEST:
            raise Invalid(f"Whole minutes, 0 to {LONGEST}.", field="escalation_minutes")
        if not 1 <= len(actions) <= MOST_ACTIONS:
            raise Invalid(f"A level has 1 to {MOST_ACTIONS} actions.", field="actions")
        limits = {name: Limit.read(values[name], name) for name in MEASURES if values.get(name) is not None}
        return cls(
            level=level,
            name=read_field(values, "name", 120) or f"Level {level.value}",
            triggers=tuple(check_text(each, field="triggers") for each in values.get("triggers", ())),
            actions=tuple(Todo.read(each) for each in actions),
            escalation_minutes=minutes,
            chain=str(values.get("chain", "")),
            error_rate=limits.get("error_rate"),
            response_time=limits.get("response_time"),
            complaints=limits.get("complaints"),
            unavailable=bool(values.get("unavailable", False)),
            corruption=bool(values.get("corruption", False)),
        )

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, without what it does not have: what a row and a playbook keep."""
        limits = {name: getattr(self, name) for name in MEASURES}
        return {
            "name": self.name,
            "triggers": list(self.triggers),
            "actions": [todo.as_dict() for todo in self.actions],
            "escalation_minutes": self.escalation_minutes,
            "chain": self.chain,
            **{name: limit.as_dict() for name, limit in limits.items() if limit is not None},
            **{name: True for name in ("unavailable", "corruption") if getattr(self, name)},
        }

    @property
    def escalates_after(self) -> timedelta:
        return timedelta(minutes=self.escalation_minutes)


Policies = Mapping[Level, Policy]


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known now; None: nobody knows. Nothing that is not known is an incident of its own.

    `error_rate` is in percent and `response_time` in ms, both what they surely are at least (`looks`); `complaints` are
    different users within ten minutes.
    """

    error_rate: float | None = None
    response_time: float | None = None
    complaints: int | None = None
    unavailable: bool | None = None
    corruption: bool = False


def level_of(measured: Measured, policies: Policies) -> tuple[Level | None, str]:
    """The highest level that any of it reaches, and why in a sentence; None and empty: it reaches none."""
    for level in sorted(policies, reverse=True):
        why = reasons(measured, policies[level])
        if why:
            return level, f"{'; '.join(why)}."
    return None, ""


def reasons(measured: Measured, policy: Policy) -> list[str]:
    """Everything that reaches this level, in words."""
    found = []
    for field, value, limit in _reached(measured, policy):
        name, unit = MEASURES[field]
        begins = "begins at" if limit.inclusive else "begins above"
        found.append(f"{name} {value:,.4g}{unit}: level {policy.level.value} {begins} {limit.value:,g}{unit}")
    return [*found, *_states(measured, policy)]


def title_of(measured: Measured, policy: Policy) -> str:
    """What an incident of this level is called, by the first thing that reaches it."""
    reached = [TITLES[field] for field, _, _ in _reached(measured, policy)]
    return next(iter([*_states(measured, policy), *reached]), policy.name)


def _reached(measured: Measured, policy: Policy) -> Iterator[tuple[str, float, Limit]]:
    """The measures that reach the level, with their value and limit."""
    for field in MEASURES:
        value, limit = getattr(measured, field), getattr(policy, field)
        if value is not None and limit is not None and limit.reached(value):
            yield field, value, limit


def _states(measured: Measured, policy: Policy) -> list[str]:
    """What is so or not, without a number."""
    found = [SILENT] if measured.unavailable and policy.unavailable else []
    return [*found, CORRUPT] if measured.corruption and policy.corruption else found


def actions(*given: str | tuple[str, Does]) -> list[dict[str, str]]:
    """An action list as values: each a text, or a text and what does it."""
    told = [(each, None) if isinstance(each, str) else each for each in given]
    return [Todo(text, does).as_dict() for text, does in told]


SEED: Mapping[Level, Mapping[str, Any]] = {  # the seed's emergencyResponsePlan, word for word
    Level.MINOR: {
        "name": "Minor Issues",
        "triggers": ["Error rate 1-3%", "Response time 3-5s"],
        "actions": actions(
            ("Increase monitoring frequency", Does.WATCH_CLOSELY),
            ("Alert development team", Does.TELL_DEVELOPERS),
            ("Prepare rollback plan", Does.PREPARE_ROLLBACK),
        ),
        "escalation_minutes": 30,
        "chain": "",
        "error_rate": {"from": 1.0},
        "response_time": {"from": 3000.0},
    },
    Level.MAJOR: {
        "name": "Major Issues",
        "triggers": ["Error rate 3-5%", "Response time >5s", "User complaints"],
        "actions": actions(
            ("Disable problematic features", Does.DISABLE_FEATURES),
            "Scale infrastructure",
            ("Notify stakeholders", Does.TELL_STAKEHOLDERS),
            ("Prepare immediate rollback", Does.PREPARE_ROLLBACK),
        ),
        "escalation_minutes": 15,
        "chain": "",
        "error_rate": {"from": 3.0},
        "response_time": {"above": 5000.0},
        "complaints": {"above": 5.0},  # the seed's userComplaintThreshold
    },
    Level.CRITICAL: {
        "name": "Critical Issues",
        "triggers": ["Error rate >5%", "System unavailable", "Data corruption"],
        "actions": actions(
            ("Execute immediate rollback", Does.ROLL_BACK),
            ("Activate incident response team", Does.ACTIVATE_TEAM),
            ("Communicate with users", Does.TELL_USERS),
            "Investigate root cause",
        ),
        "escalation_minutes": 0,
        "chain": "",
        "error_rate": {"above": 5.0},
        "unavailable": True,
        "corruption": True,
    },
}


def policies(stored: Mapping[int, Mapping[str, Any]]) -> Policies:
    """The levels as they are kept, by number; the seed's where nothing is kept."""
    return {level: Policy.read(level, stored.get(level.value, SEED[level])) for level in Level}


def names(levels: Sequence[Policy]) -> list[str]:
    return [f"{policy.level.value}: {policy.name}" for policy in levels]
