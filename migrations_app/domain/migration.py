"""A migration of nctool's database as a module declares it (docs/writing-migrations.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from core.errors import Invalid
from migrations_app.domain.operations import DropIndex, EnsureIndex, Operation, UpdateEach
from migrations_app.domain.validations import Validation

NUMBER = re.compile(r"[0-9]{3}")
MANY = ("$where", "$text", "$near", "$nearSphere")  # filters that no scan in the order of _id can answer


class PhaseName(StrEnum):
    """In the order in which they are run (seed: Migration Phases)."""

    SCHEMA = "schema"
    DATA = "data"
    CLEANUP = "cleanup"


@dataclass(frozen=True, slots=True)
class Phase:
    """
    Args:
        title: in the seed's words.
        estimate: how long it may take; the log of the server has to reach back three times as far.
        downtime: whether nctool has to stand still.
    """

    name: PhaseName
    title: str
    estimate: timedelta
    operations: tuple[Operation, ...]
    downtime: bool = False


@dataclass(frozen=True, slots=True)
class Migration:
    """
    Args:
        number: three digits; migrations are applied in their order.
        needed_by: keys of flags that may not be raised before this is applied, nor be on while it is taken back.
        cleanup_after: how long `data` must have been applied before `cleanup` may run.
    """

    number: str
    name: str
    description: str
    phases: tuple[Phase, ...]
    validations: tuple[Validation, ...]
    needed_by: tuple[str, ...] = ()
    cleanup_after: timedelta = timedelta(days=7)

    @property
    def title(self) -> str:
        return f"{self.number} {self.name.replace('_', ' ')}"

    def phase(self, name: PhaseName | str) -> Phase:
        """Raises Invalid for a phase that it does not have."""
        found = next((phase for phase in self.phases if phase.name == name), None)
        if found is None:
            there = ", ".join(phase.name for phase in self.phases)
            raise Invalid(f"Migration {self.number} has no phase {name!r}; it has {there}.", field="phases")
        return found

    def updates(self) -> Iterator[UpdateEach]:
        for phase in self.phases:
            yield from (each for each in phase.operations if isinstance(each, UpdateEach))


def problems(migration: Migration) -> list[str]:
    """What is wrong with a migration as it is written, in sentences; nothing, when it may be run."""
    found = []
    if not NUMBER.fullmatch(migration.number):
        found.append(f"number is three digits, not {migration.number!r}")
    names = [phase.name for phase in migration.phases]
    if not names or names != sorted(set(names), key=list(PhaseName).index):
        found.append("phases are schema, data and cleanup, in this order, each at most once")
    for phase in migration.phases:
        for position, operation in enumerate(phase.operations, start=1):
            at = f"{phase.name}, operation {position}"
            found += [f"{at}: {what}" for what in _of_operation(phase.name, operation)]
    return found


def _of_operation(phase: PhaseName, operation: Operation) -> Iterator[str]:
    if isinstance(operation, EnsureIndex | DropIndex):
        if phase is PhaseName.DATA:
            yield "an index is made or dropped in schema or cleanup, not among the changes of documents"
        if not operation.keys or any(direction not in (1, -1) for _, direction in operation.keys):
            yield "keys are pairs of a field and 1 or -1"
        return
    if phase is PhaseName.SCHEMA:
        yield "documents are changed in data or cleanup"
    yield from _of_change(operation)


def _of_change(operation: UpdateEach) -> Iterator[str]:
    if not operation.guard:
        yield "without a guard a repeat would change documents again: name what is true before the change and not after"
    if (operation.change is not None) == bool(operation.set or operation.unset):
        yield "either set and unset, or change: one of the two"
    if any(name in operation.where for name in MANY):
        yield f"where cannot be one of {', '.join(MANY)}"
    yield from _of_paths(operation)
    if operation.change is None:
        yield from _of_guard(operation)


def _of_paths(operation: UpdateEach) -> Iterator[str]:
    for path in (*operation.set, *operation.unset, *operation.guard):
        if not path or path.startswith(("$", "_id")) or ".." in path or path.endswith(".") or _numbered(path):
            yield f"{path!r} is no path of a field that can be changed"
    paths = sorted((*operation.set, *operation.unset))
    for shorter, longer in pairwise(paths):
        if longer == shorter or longer.startswith(f"{shorter}."):
            yield f"{shorter} and {longer} are changed at once"


def _of_guard(operation: UpdateEach) -> Iterator[str]:
    """A guard that the change does not make false would let it be done again for ever."""
    for path, condition in operation.guard.items():
        if not _is_guard(condition):
            yield f"the guard of {path} is {{'$ne': value}}, {{'$exists': True or False}} or None"
    if operation.guard and not any(_settled(path, condition, operation) for path, condition in operation.guard.items()):
        yield "no field of the guard is changed so that it does not hold any more"


def _is_guard(condition: Any) -> bool:
    if condition is None:
        return True
    return isinstance(condition, Mapping) and set(condition) in ({"$ne"}, {"$exists"})


def _settled(path: str, condition: Any, operation: UpdateEach) -> bool:
    """The change makes this part of the guard false."""
    if isinstance(condition, Mapping) and "$ne" in condition:
        return path in operation.set and operation.set[path] == condition["$ne"]
    if isinstance(condition, Mapping) and condition.get("$exists"):
        return path in operation.unset
    return any(each == path or each.startswith(f"{path}.") for each in operation.set)


def _numbered(path: str) -> bool:
    return any(part.isdecimal() for part in path.split("."))
