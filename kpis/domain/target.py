"""What a KPI should be: the words of the strategy (`<1%`, `>10 TPS`, `100%`, `Weekly`), read once."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from core.errors import Invalid

WRITTEN = re.compile(r"(?P<sign>[<>]?)\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>\D.*)?")
A_WEEK = "a week"
CADENCES = {"weekly": 1.0, "daily": 7.0, "monthly": 12 / 52}  # at least so many a week
FINE = 9  # decimals that are compared: what is left of them is the arithmetic's, not the service's


class Better(StrEnum):
    """Which way is good."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Target:
    """`text` as the strategy writes it. `strict`: the number itself does not reach it (`<1%`: 1 % is missed)."""

    text: str
    number: float
    unit: str
    better: Better
    strict: bool

    @classmethod
    def read(cls, text: str, *, unit: str, better: Better) -> Target:
        """Read what the strategy says. A bare number is reached by the number itself.

        Args:
            text: `<500ms`, `>4.5/5`, `100%`, `99.9`, or Daily, Weekly, Monthly (at least so often).
            unit: of the KPI; the text may repeat it, and may not contradict it.

        Raises Invalid (field `target`) for anything else, and for a sign that contradicts `better`.
        """
        cadence = CADENCES.get(text.strip().lower())
        if cadence is not None:
            return cls._cadence(text, cadence, unit, better)
        found = WRITTEN.fullmatch(text.strip())
        if found is None:
            raise Invalid(f"{text!r} is no target. Write it like <1%, >10 TPS, 100% or Weekly.", field="target")
        said, sign = (found["unit"] or "").strip(), found["sign"]
        if said and said != unit:
            raise Invalid(f"The target is in {said}, and the unit is {unit or 'none'}.", field="target")
        if sign and sign != ("<" if better is Better.LOWER else ">"):
            raise Invalid(f"{text} contradicts that {better} is better.", field="target")
        return cls(text, float(found["number"]), unit, better, strict=bool(sign))

    @classmethod
    def _cadence(cls, text: str, number: float, unit: str, better: Better) -> Target:
        if unit != A_WEEK or better is not Better.HIGHER:
            raise Invalid(
                f"{text} is for a KPI whose unit is {A_WEEK!r} and of which higher is better.", field="target"
            )
        return cls(text, number, unit, better, strict=False)

    @property
    def shown(self) -> str:
        """The text, with its unit where the strategy leaves it out."""
        bare = self.text.strip().replace(".", "").isdecimal()
        return f"{self.text} {self.unit}".strip() if bare else self.text

    def met(self, value: float) -> bool:
        """Whether a finite value reaches the target."""
        gap = self.beyond(value)
        return gap > 0 or (gap == 0 and not self.strict)

    def beyond(self, value: float) -> float:
        """How far the value is on the good side; negative: on the bad one. In the target's unit."""
        if not math.isfinite(value):
            raise ValueError("only a finite value is compared")
        gap = round(value - self.number, FINE)
        return gap if self.better is Better.HIGHER else -gap
