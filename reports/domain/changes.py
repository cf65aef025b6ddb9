"""When a figure changed for good within the time: Pettitt's test (Applied Statistics 28, 1979), again on both sides.

The test looks at ranks, so one wild quarter of a day makes no change. What is tested is the difference to the same
quarter of the week before where there is one: nights and weekends then are no news. Quarters of a day, not hours: what
follows within the hour is not independent, and the test takes it to be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SURE = 0.01  # the chance of a change that is none, in one look
SHORTEST = 5  # quarters on each side of a change
MOST = 3  # changes of one figure: more is a figure that is never still


@dataclass(frozen=True, slots=True)
class Change:
    """The figure is another one from place `at` on, with this chance of seeing so much where nothing changed."""

    at: int
    chance: float


def changes(values: Sequence[float]) -> list[Change]:
    """Where the values changed for good, in their order: at most three places."""
    found: list[Change] = []
    _split(values, 0, found)
    strongest = sorted(found, key=lambda change: (change.chance, change.at))[:MOST]
    return sorted(strongest, key=lambda change: change.at)


def _split(values: Sequence[float], first: int, found: list[Change]) -> None:
    change = pettitt(values)
    if change is None or change.chance > SURE:
        return
    found.append(Change(first + change.at, change.chance))
    _split(values[: change.at], first, found)
    _split(values[change.at :], first + change.at, found)


def pettitt(values: Sequence[float]) -> Change | None:
    """The likeliest place, and the chance of it; None where there are too few values."""
    n = len(values)
    if n < 2 * SHORTEST:
        return None
    ranks, total, best, place = _ranks(values), 0.0, -1.0, 0
    for at in range(1, n):
        total += ranks[at - 1]
        if SHORTEST <= at <= n - SHORTEST:
            found = abs(2 * total - at * (n + 1))
            if found > best:
                best, place = found, at
    return Change(place, min(1.0, 2 * math.exp(-6 * best**2 / (n**3 + n**2))))


def _ranks(values: Sequence[float]) -> list[float]:
    """From 1; what is equal shares the middle rank."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for place in order[start:end]:
            ranks[place] = (start + 1 + end) / 2
        start = end
    return ranks
