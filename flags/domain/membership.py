"""Who of the known npubs gets a feature by a change and who loses it, and whether the hash treats them evenly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import exp, lgamma, log

from flags.domain.rebucketing import Draw

SAMPLE = 5
BY_CHANCE = 0.01  # a share that chance alone gives less often than this is told
LEAST = 30  # of fewer npubs no share says anything


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change does to the npubs that have been asked about. `joins` and `leaves` are the first few of them.

    Of `known` npubs, `having` have the feature before it. `warning` is a sentence, empty when the hash spreads the
    known npubs as it should.
    """

    known: int
    having: int
    joining: int
    leaving: int
    joins: tuple[str, ...]
    leaves: tuple[str, ...]
    warning: str = ""

    @property
    def then(self) -> int:
        """How many have the feature after it."""
        return self.having + self.joining - self.leaving


def compare(
    units: Sequence[str], before: Callable[[str], bool], after: Callable[[str], bool], *, warning: str = ""
) -> Preview:
    """Ask both for every known npub: `before` and `after` say whether it has the feature."""
    joins: list[str] = []
    leaves: list[str] = []
    having = 0
    for unit in units:
        had, has = before(unit), after(unit)
        having += had
        if had != has:
            (joins if has else leaves).append(unit)
    return Preview(len(units), having, len(joins), len(leaves), tuple(joins[:SAMPLE]), tuple(leaves[:SAMPLE]), warning)


def clustering(units: Iterable[str], draw: Draw, percentage: Decimal) -> str:
    """A sentence when more or fewer known npubs stand within the first `percentage` than chance explains.

    It is told when a fair hash gives a share that far off in less than one case of a hundred (both tails of the
    binomial distribution), so one change in a hundred is warned of for nothing.
    """
    inside = [draw.reaches(unit, percentage) for unit in units]
    known, hits = len(inside), sum(inside)
    if known < LEAST or not 0 < percentage < 100 or tail(known, hits, float(percentage) / 100) >= BY_CHANCE / 2:
        return ""
    side = "more" if hits > known * percentage / 100 else "fewer"
    return (
        f"The hash clusters the known npubs: {100 * hits / known:.1f} % of them stand within the first "
        f"{float(percentage):g} %, {side} than chance explains. Expect another share of your users "
        "than the number says."
    )


def tail(trials: int, hits: int, chance: float) -> float:
    """How likely it is to be at least as far from the mean as `hits`, on the same side of it (binomial)."""
    step = 1 if hits >= trials * chance else -1
    total, at = 0.0, hits
    while 0 <= at <= trials:
        term = exp(
            lgamma(trials + 1)
            - lgamma(at + 1)
            - lgamma(trials - at + 1)
            + at * log(chance)
            + (trials - at) * log(1 - chance)
        )
        total += term
        if term < total * 1e-9:  # the terms fall ever faster
            break
        at += step
    return min(1.0, total)
