"""A run as a list of steps, settled by the migration and the request alone: so a resume finds the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from migrations_app.domain.migration import Migration, PhaseName
from migrations_app.domain.operations import Operation, UpdateEach


class Kind(StrEnum):
    """`check` validates the canary, `hold` waits for a person."""

    BEFORE = "before"
    BEGIN = "begin"
    OPERATION = "operation"
    CHECK = "check"
    HOLD = "hold"
    END = "end"
    AFTER = "after"


class Point(StrEnum):
    """Where a worker may die, in the order in which it comes by. Tests kill it at each of them."""

    LOCKED = "locked"
    OPENED = "opened"
    VALIDATED_BEFORE = "validated before"
    PHASE_BEGUN = "phase begun"
    INDEX_PLANNED = "index planned"
    INDEX_MADE = "index made"
    READ = "read"
    JOURNALED = "journaled"
    WRITTEN = "written"
    CHECKPOINTED = "checkpointed"
    PASS_ENDED = "pass ended"
    PHASE_ENDED = "phase ended"
    VALIDATED_AFTER = "validated after"
    COMPLETED = "completed"
    UNDO_BEGUN = "undo begun"
    UNDO_READ = "undo read"
    UNDO_WRITTEN = "undo written"
    UNDO_CHECKPOINTED = "undo checkpointed"
    INDEX_UNDONE = "index undone"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Step:
    """`share`: the part of the documents that is done, 1.0 for all."""

    kind: Kind
    phase: PhaseName | None = None
    position: int = 0
    share: float = 1.0

    @property
    def key(self) -> str:
        """Which operation of the migration it is about, for the journal."""
        return f"{self.phase}.{self.position}"


def steps_of(migration: Migration, phases: Sequence[str], *, canary: int = 0) -> list[Step]:
    """The steps of a run of these phases.

    Args:
        canary: percent of the documents that are changed before the run waits for a person; 0: it does not wait.
    """
    found = [Step(Kind.BEFORE)]
    for name in PhaseName:
        if name.value in phases:
            found += _of_phase(name, migration.phase(name).operations, canary)
    return [*found, Step(Kind.AFTER)]


def _of_phase(name: PhaseName, operations: Sequence[Operation], canary: int) -> Iterator[Step]:
    yield Step(Kind.BEGIN, name)
    if canary and any(isinstance(each, UpdateEach) for each in operations):
        for position, each in enumerate(operations):
            if isinstance(each, UpdateEach):
                yield Step(Kind.OPERATION, name, position, canary / 100)
        yield Step(Kind.CHECK, name)
        yield Step(Kind.HOLD, name)
    for position, _ in enumerate(operations):
        yield Step(Kind.OPERATION, name, position)
    yield Step(Kind.END, name)
