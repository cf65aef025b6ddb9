"""How bad a risk of the register is: how likely it is and how much it would hurt, taken together."""

from __future__ import annotations

from risk.domain.levels import Level

LIKELY = (Level.LOW, Level.MEDIUM, Level.HIGH)
HURTS = tuple(Level)


def exposure(probability: str, impact: str) -> Level:
    """The level of a cell of the matrix: the steps up of both together; 1 is LOW, 2 MEDIUM, 3 HIGH, 4 CRITICAL."""
    steps = LIKELY.index(Level(probability)) + HURTS.index(Level(impact))
    return HURTS[min(max(steps - 1, 0), len(HURTS) - 1)]
