"""State machines as one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from core.errors import IllegalMove

State = TypeVar("State", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Machine(Generic[State]):
    """Which state may follow which. Every state has a row, also a final one."""

    noun: str
    moves: Mapping[State, frozenset[State]]

    def move(self, current: State, target: State) -> State:
        """Return `target`, or raise IllegalMove when the table has no such move."""
        if target not in self.moves[current]:
            article = "An" if self.noun[0] in "aeiou" else "A"
            raise IllegalMove(f"{article} {self.noun} that is {current} cannot become {target}.")
        return target
