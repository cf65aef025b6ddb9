"""Why a change needs no approval of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.asking import Need


@dataclass(frozen=True, slots=True)
class Permit:
    """The change is part of something that was approved: `by` is `request` or `ramp`, `number` which one.

    Only services make one. `needs` collects the rules that the change fell under, so that whoever applies a
    request sees whether it has the approvals that the rules ask for now. A `rehearsal` is rolled back afterwards, so
    no freeze forbids it.
    """

    by: str
    number: int
    needs: list[Need] = field(default_factory=list)
    rehearsal: bool = False

    @property
    def mark(self) -> dict[str, Any]:
        """What the events of the change say of it. `approved` is what a later raise is counted from."""
        return {self.by: self.number, "approved": True}

    def take(self, needs: Sequence[Need]) -> None:
        self.needs.extend(needs)
