"""How far a step reaches: how many of the npubs that were seen lately get the feature by it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

DAYS = 7


@dataclass(frozen=True, slots=True)
class Radius:
    """Of `counted` npubs, `joining` get the feature by a step and `leaving` lose it; `having` have it now.

    `seen` are those that were asked about in the last seven days, as far as they are kept. The newest `kept` are; of
    those the newest 10,000 are counted. `ruled`: the flag has rules, and of these npubs nothing but the npub is known.
    """

    counted: int
    seen: int
    kept: int
    having: int = 0
    joining: int = 0
    leaving: int = 0
    ruled: bool = False

    @property
    def then(self) -> int:
        """How many have the feature after the step."""
        return self.having + self.joining - self.leaving

    @property
    def sentence(self) -> str:
        """What a person reads before the step is taken."""
        if not self.counted:
            return self._nobody
        lose = f" and {self.leaving:,} lose{'s' if self.leaving == 1 else ''} it" if self.leaving else ""
        joins = f"{self.joining:,} join{'s' if self.joining == 1 else ''}" if self.joining else "none joins"
        have = "has" if self.having == 1 else "have"
        told = [f"Of {self._whom}, {joins}{lose}: {self.having:,} {have} it now, {self.then:,} then."]
        if self.seen >= self.kept:
            told.append(f"There may have been more: only the newest {self.kept:,} are kept.")
        if self.ruled:
            told.append("Rules that ask for more than the npub hold for none of them here.")
        return " ".join(told)

    def as_dict(self) -> dict[str, Any]:
        """The figures for a machine, with the sentence."""
        return {**asdict(self), "days": DAYS, "then": self.then, "sentence": self.sentence}

    @property
    def _whom(self) -> str:
        if self.counted < self.seen:
            return f"the {self.counted:,} npubs seen last ({self.seen:,} in the last {DAYS} days)"
        return f"{self.counted:,} npub{'s' if self.counted > 1 else ''} seen in the last {DAYS} days"

    @property
    def _nobody(self) -> str:
        if not self.kept:
            return "Who joins cannot be told: SEEN_UNITS is 0, so no npub is remembered here."
        return f"Nobody was seen here in the last {DAYS} days, so who joins cannot be told."
