"""Who moves when a flag draws its buckets anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from core.errors import Invalid
from flags.domain.bucketing import JS31_BUCKETS, MURMUR3_BUCKETS, Bucketing, js31_bucket, murmur3_bucket

SAMPLE = 10_000  # made-up units, where too few are known


@dataclass(frozen=True, slots=True)
class Draw:
    """How a flag finds the bucket of a unit. `salt` is what is hashed with it; only murmur3 does so."""

    bucketing: Bucketing
    salt: str

    @classmethod
    def of(cls, bucketing: Bucketing, *, key: str, salt: str, group: str) -> Draw:
        """A group stands in for the salt, so that its flags share their buckets. Raises Invalid for a js31 group."""
        if bucketing is Bucketing.JS31 and group:
            raise Invalid(
                "js31 flags share their buckets already: take murmur3 for a group, or leave it empty.", field="group"
            )
        return cls(bucketing, "" if bucketing is Bucketing.JS31 else group or salt or key)

    def reaches(self, unit: str, percentage: Decimal) -> bool:
        """Whether the unit is within the first `percentage` (0 to 100)."""
        if self.bucketing is Bucketing.JS31:
            return js31_bucket(unit) < ceil(percentage * JS31_BUCKETS / 100)
        return murmur3_bucket(unit, self.salt) < ceil(percentage * MURMUR3_BUCKETS / 100)


@dataclass(frozen=True, slots=True)
class Moved:
    """Of `units`, how many would get the feature and how many would lose it."""

    units: int
    gain: int
    lose: int

    @property
    def share(self) -> float:
        """Percent of the units that move either way."""
        return 100 * (self.gain + self.lose) / self.units if self.units else 0.0


def moved(units: Iterable[str], percentage: Decimal, before: Draw, after: Draw) -> Moved:
    """Count who moves at this percentage."""
    pairs = [(before.reaches(unit, percentage), after.reaches(unit, percentage)) for unit in units]
    return Moved(len(pairs), sum(not old and new for old, new in pairs), sum(old and not new for old, new in pairs))


def sample() -> list[str]:
    """Units that look like npubs and are the same each time."""
    return [f"npub1{murmur3_bucket(str(number), 'a'):04d}{number:054d}" for number in range(SAMPLE)]
