"""What a trigger asks of its windows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.errors import Invalid
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.verdict import Measure

LONGEST_WINDOW = 3600


@dataclass(frozen=True, slots=True)
class Rule:
    """When a window breaches and how many breaches fire. All times are seconds, multiples of ten.

    Args:
        threshold: percent for a ratio or a drop, milliseconds for a mean, else a count. A window breaches
            above it, never at it.
        window: the shortest window.
        max_window: how long a window of a ratio or a mean waits for `min_samples`; at most one hour.
        min_samples: operations (ratio), timings (mean), or operations expected from the hour before (drop)
            below which a window says nothing. Counts ignore it.
        consecutive: how many breaches in a row fire.
    """

    measure: Measure
    threshold: float
    window: int
    max_window: int
    min_samples: int
    consecutive: int

    def __post_init__(self) -> None:
        """Raises Invalid, with the field, for a rule that could not be judged."""
        if not math.isfinite(self.threshold) or self.threshold < 0:
            raise Invalid(f"A threshold is a number from 0, not {self.threshold}.", field="threshold")
        for field in ("window", "max_window"):
            seconds = getattr(self, field)
            if not BUCKET_SECONDS <= seconds <= LONGEST_WINDOW or seconds % BUCKET_SECONDS:
                raise Invalid(f"Seconds from 10 to {LONGEST_WINDOW} in steps of ten, not {seconds}.", field=field)
        if self.max_window < self.window:
            raise Invalid(f"At least the window itself, {self.window} s.", field="max_window")
        if self.min_samples < 0:
            raise Invalid("0 or more.", field="min_samples")
        if self.consecutive < 1:
            raise Invalid("1 or more.", field="consecutive")
