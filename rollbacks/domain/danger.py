"""How risky a rollback itself is (the seed's plan says LOW; ours is computed, with its reasons)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from risk.domain.levels import Level
from rollbacks.domain.states import StepKind

MANY = 10_000  # documents: above it a database rollback is long enough for others to write meanwhile


@dataclass(frozen=True, slots=True)
class Danger:
    level: Level
    reasons: Sequence[str]


def judge(steps: Sequence[Mapping[str, Any]], *, protected: bool) -> Danger:
    """The level, by the points that each reason is worth: up to 1 LOW, 2 MEDIUM, up to 4 HIGH, above CRITICAL.

    Switching flags off is what flags are for, so alone it is LOW also in a protected environment.
    """
    found = list(_reasons(steps, protected=protected))
    points = sum(worth for worth, _ in found)
    level = Level.LOW if points < 2 else Level.MEDIUM if points < 3 else Level.HIGH if points < 5 else Level.CRITICAL
    return Danger(level, [why for _, why in found] or ["It switches flags off and changes nothing else."])


def _reasons(steps: Sequence[Mapping[str, Any]], *, protected: bool) -> Iterator[tuple[int, str]]:
    by_kind = {step["kind"]: step["what"] for step in steps}
    application = by_kind.get(StepKind.APPLICATION)
    documents = sum(step["what"]["documents"] for step in steps if step["kind"] == StepKind.DATABASE)
    if protected:
        yield 1, "It reaches real users."
    if application is not None:
        yield 1, "It replaces every pod of the application."
        if application["by_hand"]:
            yield 1, "The application is reverted by hand."
    if StepKind.DATABASE in by_kind:
        yield 2, "It changes documents of nctool's database."
    if documents > MANY:
        yield 1, f"It changes {documents:,} documents."
