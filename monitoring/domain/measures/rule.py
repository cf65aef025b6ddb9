"""What a trigger asks of its windows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.errors import Invalid
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.verdict import Measure

LONGEST_WINDOW = 3600
LONGEST_COOLDOWN = 7 * 86_400
CANARY_ALPHA = 0.01
TESTED = (Measure.RATIO, Measure.RISE, Measure.CANARY)  # those that know chance


@dataclass(frozen=True, slots=True)
class Rule:
    """When a window breaches and how many breaches fire. All times are seconds, multiples of ten.

    Args:
        threshold: percent for a ratio, drop or rise, milliseconds for a mean, percent of failed tries for a start,
            else a count. A window breaches above it, never at it. For a canary without a denominator, the milliseconds
            above which a timing is a bad one; for one with a denominator it means nothing.
        window: the shortest window.
        max_window: how long a window waits for `min_samples`, and a ratio or rise that is just above the threshold
            for more of them; at most one hour. Counts and canaries never wait.
        min_samples: operations (ratio), timings (mean), either (rise, there on both sides), operations expected (drop),
            of those with the flag on (canary), or tries (start) below which a window says nothing. Counts ignore it.
        consecutive: how many breaches in a row fire.
        percentile: 50 to 99, of a mean: it must be above the threshold too, where it is known. 0: the mean alone.
        clear_threshold: once it breached, a window passes again only at this or below. None: at the threshold.
        cooldown: so long after it was re-armed, it judges and does not fire; up to seven days.
        alpha: how often chance alone may do it: per window of a ratio (0.05 when left out) or rise (0.01), or in one
            life, a week at most, of a canary (0.01).
        factor: of a canary, how many times the control's rate are still fine; 1 to 100.
        observe: it judges and tells, and neither latches nor acts.
        shares: of a rise, whether it is one of a ratio (it has a denominator) and not of a mean.
    """

    measure: Measure
    threshold: float
    window: int
    max_window: int
    min_samples: int
    consecutive: int
    percentile: int = 0
    clear_threshold: float | None = None
    cooldown: int = 0
    alpha: float | None = None
    factor: float | None = None
    observe: bool = False
    shares: bool = False

    @property
    def limit(self) -> float:
        """What the value of a window is compared with: the threshold, or how strong a canary's evidence must be."""
        return 1 / (self.alpha or CANARY_ALPHA) if self.measure is Measure.CANARY else self.threshold

    def __post_init__(self) -> None:
        """Raises Invalid, with the field, for a rule that could not be judged."""
        if not math.isfinite(self.threshold) or self.threshold < 0:
            raise Invalid(f"A threshold is a number from 0, not {self.threshold}.", field="threshold")
        self._check_windows()
        if self.min_samples < 0:
            raise Invalid("0 or more.", field="min_samples")
        if self.consecutive < 1:
            raise Invalid("1 or more.", field="consecutive")
        if not 0 <= self.cooldown <= LONGEST_COOLDOWN:
            raise Invalid(f"Seconds from 0 to {LONGEST_COOLDOWN}, not {self.cooldown}.", field="cooldown")
        self._check_percentile()
        self._check_clear()
        self._check_chance()

    def _check_windows(self) -> None:
        for field in ("window", "max_window"):
            seconds = getattr(self, field)
            if not BUCKET_SECONDS <= seconds <= LONGEST_WINDOW or seconds % BUCKET_SECONDS:
                raise Invalid(f"Seconds from 10 to {LONGEST_WINDOW} in steps of ten, not {seconds}.", field=field)
        if self.max_window < self.window:
            raise Invalid(f"At least the window itself, {self.window} s.", field="max_window")

    def _check_percentile(self) -> None:
        if not self.percentile:
            return
        if self.measure is not Measure.MEAN:
            raise Invalid(f"A {self.measure.value} has no percentile; a mean has.", field="percentile")
        if not 50 <= self.percentile <= 99:
            raise Invalid(f"50 to 99, or 0 for none, not {self.percentile}.", field="percentile")

    def _check_clear(self) -> None:
        clear = self.clear_threshold
        if clear is None:
            return
        if self.measure is Measure.CANARY:
            raise Invalid("A canary has none: its evidence begins anew when the flag changes.", field="clear_threshold")
        if not math.isfinite(clear) or not 0 <= clear <= self.threshold:
            raise Invalid(f"From 0 to the threshold, {self.threshold:g}, not {clear}.", field="clear_threshold")

    def _check_chance(self) -> None:
        if self.alpha is not None:
            if self.measure not in TESTED:
                raise Invalid(f"A {self.measure.value} knows no chance: leave alpha out.", field="alpha")
            if not 0 < self.alpha <= 0.5:
                raise Invalid(f"Above 0, to 0.5, not {self.alpha}.", field="alpha")
        if self.factor is not None:
            if self.measure is not Measure.CANARY:
                raise Invalid(f"A {self.measure.value} has no control: leave factor out.", field="factor")
            if not 1 <= self.factor <= 100:
                raise Invalid(f"1 to 100, not {self.factor}.", field="factor")
