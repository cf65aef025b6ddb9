"""False alarms and delays of the triggers, simulated: `python -m benchmarks.detectors [--days N] [PART ...]`.

Poisson arrivals, judged every ten seconds as the guard does. The detectors are vectorised twins of
`monitoring.domain`, one column for each simulated day; `tests/monitoring/test_detectors.py` holds them to be equal to
it. A delay ends when the flag is off: the judged time, three seconds of grace, and the guard's own ten-second phase.
Without arguments 100 days for each figure (half a minute); the tables in docs/triggers.md are made with 1,000.
"""

from __future__ import annotations

import argparse
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import numpy as np

from benchmarks.table import show
from monitoring.domain.measures.canary import FROM_START, LIFE, TIMES
from monitoring.domain.measures.ratio import ALPHA, sure
from monitoring.domain.measures.rule import Rule
from monitoring.domain.verdict import Measure
from monitoring.domain.windows import GRACE

TICK = 10
DAY = 86_400 // TICK
WARM = 60  # ticks without a fault before one begins
SLOW = 60_000  # ms of an answer that times out
FAST = 300
Array = Any

# As the playbook has them; tests/monitoring/test_detectors.py compares.
ERROR_RATE = Rule(Measure.RATIO, 5.0, 10, 300, 100, 3, alpha=0.05)
RESPONSE_TIME = Rule(Measure.MEAN, 5000, 10, 300, 100, 3, percentile=95)
DROP = Rule(Measure.DROP, 50, 20, 300, 40, 2)
CRITICAL = Rule(Measure.COUNT, 10, 300, 300, 0, 1)
CANARY = Rule(Measure.CANARY, 0, 10, 10, 100, 1, alpha=0.02, factor=1.0)


class Detector(Protocol):
    """Judges one more tick of every column; which of them fire. What fired begins anew."""

    def step(self, *counts: Array) -> Array: ...


class Tumbling(ABC):
    """Windows one after the other that grow until they are decided, for each column by itself."""

    def __init__(self, rule: Rule, columns: int) -> None:
        self.rule = rule
        self.a, self.b = np.zeros(columns), np.zeros(columns)
        self.ticks, self.row = np.zeros(columns, int), np.zeros(columns, int)

    @abstractmethod
    def verdict(self) -> tuple[Array, Array]:
        """Which columns breach and which pass, if their windows ended now."""

    def step(self, *counts: Array) -> Array:
        """`a` counts operations, `b` what is bad or slow."""
        self.a += counts[0]
        self.b += counts[1]
        self.ticks += 1
        long_enough = self.ticks * TICK >= self.rule.window
        breach, passes = (each & long_enough for each in self.verdict())
        self.row = np.where(passes, 0, self.row + breach)
        fires = breach & (self.row >= self.rule.consecutive)
        self.row[fires] = 0
        done = breach | passes | (self.ticks * TICK >= self.rule.max_window)
        for each in (self.a, self.b, self.ticks):
            each[done] = 0
        return fires


class Ratio(Tumbling):
    """`measures.ratio`."""

    def verdict(self) -> tuple[Array, Array]:
        enough = self.a >= max(1, self.rule.min_samples)
        operations, share = np.maximum(self.a, 1), self.rule.threshold / 100
        value = 100 * self.b / operations
        z = sure(self.rule.alpha or ALPHA)
        limit = self.rule.threshold + 100 * z * np.sqrt(share * (1 - share) / operations)
        last = self.ticks * TICK >= self.rule.max_window
        above = value > self.rule.threshold
        return enough & above & ((value > limit) | last), enough & ~above


class Mean(Tumbling):
    """`measures.mean` with a percentile, of answers that take either 300 ms or a minute."""

    def verdict(self) -> tuple[Array, Array]:
        n = np.maximum(self.a, 1)
        enough = self.a >= max(1, self.rule.min_samples)
        slow = np.floor(self.rule.percentile / 100 * (n - 1)) >= n - self.b
        above = ((n - self.b) * FAST + self.b * SLOW) / n > self.rule.threshold
        return enough & above & slow, enough & ~(above & slow)


class Drop:
    """`measures.drop` against the last healthy hour, of a traffic that was steady before."""

    def __init__(self, rule: Rule, columns: int, *, rate: float) -> None:
        self.rule, self.expected = rule, rate * TICK
        self.done, self.ticks, self.row = np.zeros(columns), np.zeros(columns, int), np.zeros(columns, int)

    def step(self, *counts: Array) -> Array:
        self.done += counts[0]
        self.ticks += 1
        expected = self.expected * self.ticks
        ready = (self.ticks * TICK >= self.rule.window) & (expected >= self.rule.min_samples)
        breach = ready & (100 - 100 * self.done / expected > self.rule.threshold)
        self.row = np.where(ready & ~breach, 0, self.row + breach)
        fires = breach & (self.row >= self.rule.consecutive)
        self.row[fires] = 0
        self.done[ready], self.ticks[ready] = 0, 0
        return fires


class Count:
    """`measures.count`: the last `window` seconds, every ten seconds."""

    def __init__(self, rule: Rule, columns: int) -> None:
        self.rule, self.kept = rule, np.zeros((rule.window // TICK, columns))
        self.at = 0

    def step(self, *counts: Array) -> Array:
        self.kept[self.at % len(self.kept)] = counts[0]
        self.at += 1
        fires = self.kept.sum(axis=0) > self.rule.threshold
        self.kept[:, fires] = 0
        return fires


class Canary:
    """`measures.canary`. Counts: operations with the flag on, bad ones of them, and the same with it off."""

    def __init__(self, rule: Rule, columns: int) -> None:
        self.rule, self.columns = rule, columns
        self.begin()

    def begin(self) -> None:
        self.logs, self.life = np.full((len(TIMES), self.columns), -np.inf), 0

    def step(self, *counts: Array) -> Array:
        on, bad_on, off, bad_off = counts
        if self.life * TICK >= LIFE:
            self.begin()
        later = np.log((1 - FROM_START) / (LIFE // TICK))
        factor, both = self.rule.factor or 1.0, (on > 0) & (off > 0)
        x, y = factor * np.maximum(on, 1), np.maximum(off, 1)
        new = np.isneginf(self.logs[0])
        for index, times in enumerate(TIMES):
            begun = np.where(new, np.log(FROM_START), np.logaddexp(self.logs[index], later))
            none, share = x / (x + y), times * x / (times * x + y)
            added = bad_on * np.log(share / none) + bad_off * np.log((1 - share) / (1 - none))
            self.logs[index] = np.where(both, begun + added, self.logs[index])
        self.life += 1
        top = np.where(np.isneginf(self.logs[0]), 0, self.logs.max(axis=0))
        fires = top + np.log(np.exp(self.logs - top).mean(axis=0) + 1e-300) > np.log(self.rule.limit)
        self.logs[:, fires] = -np.inf
        return fires


class Either:
    """Error rate or canary, whichever fires first: what guards a flag in the playbook."""

    def __init__(self, columns: int) -> None:
        self.ratio, self.canary = Ratio(ERROR_RATE, columns), Canary(CANARY, columns)

    def step(self, *counts: Array) -> Array:
        return self.ratio.step(*counts[:2]) | self.canary.step(*counts)


Traffic = Callable[..., tuple[Array, ...]]  # of so many columns, with the fault or without


def two_sides(rng: Array, rate: float, *, healthy: float, fault: float, control: float) -> Traffic:
    """A tenth of the traffic has the flag on: `rate` operations a second. The other figures are shares."""

    def traffic(columns: int, *, faulty: bool = False) -> tuple[Array, ...]:
        on, off = rng.poisson(rate * TICK, columns), rng.poisson(9 * rate * TICK, columns)
        return on, rng.binomial(on, fault if faulty else healthy), off, rng.binomial(off, control)

    return traffic


def one_count(rng: Array, rate: float, fault: float) -> Traffic:
    def traffic(columns: int, *, faulty: bool = False) -> tuple[Array, ...]:
        return (rng.poisson((fault if faulty else rate) * TICK, columns),)

    return traffic


def false_alarms(make: Callable[[int], Detector], traffic: Traffic, days: int) -> str:
    """How many in all these days, a week in each column."""
    weeks = max(1, round(days / 7))
    detector = make(weeks)
    fired = sum(int(detector.step(*traffic(weeks)).sum()) for _ in range(7 * DAY))
    return f"{fired} in {7 * weeks:,} days"


def delays(rng: Array, detector: Detector, traffic: Traffic, runs: int, *, warm: int = WARM, most: int = 240) -> str:
    """Median, 95 % and 99 % of the seconds from the fault to the flag being off, and how many are within 240 s."""
    found = np.full(runs, np.inf)
    for _ in range(warm):
        detector.step(*traffic(runs))
    for tick in range(most):
        fires = detector.step(*traffic(runs, faulty=True)) & np.isinf(found)
        found[fires] = (tick + 1) * TICK
    off = found - rng.uniform(0, TICK, runs) + GRACE + rng.uniform(0, TICK, runs)  # it begins anywhere in a bucket
    median, most_of, nearly = (_seconds(np.quantile(off, share, method="higher")) for share in (0.5, 0.95, 0.99))
    return f"{median} / {most_of} / {nearly} ({100 * float((off <= 240).mean()):.1f} %)"


def _seconds(value: float) -> str:
    return f"{value:.0f} s" if np.isfinite(value) else "later"


MAKERS: dict[str, Callable[[int], Detector]] = {
    "error rate (100 samples, 3 in a row)": lambda n: Ratio(ERROR_RATE, n),
    "canary against control": lambda n: Canary(CANARY, n),
    "either of them": Either,
}


def alarms(rng: Array, days: int) -> None:
    rows = []
    for name, make in MAKERS.items():
        for rate in (1, 10):
            healthy = [two_sides(rng, rate, healthy=share, fault=share, control=share) for share in (0.003, 0.01, 0.03)]
            rows.append([name, rate, *(false_alarms(make, each, days) for each in healthy)])
    head = ["detector", "canary requests/s", "0.3 %", "1 %", "3 %"]
    show("False alarms at a true error rate, flag on and off alike", head, rows)


def faults(rng: Array, runs: int) -> None:
    rows = []
    for name, make in MAKERS.items():
        for rate in (1, 10):
            late = [two_sides(rng, rate, healthy=0.003, fault=share, control=0.003) for share in (0.055, 0.10, 0.20)]
            start = delays(rng, make(runs), late[0], runs, warm=0)
            rows.append([name, rate, start, *(delays(rng, make(runs), each, runs) for each in late)])
    head = ["detector", "canary requests/s", "5.5 % from the start", "5.5 % late", "10 % late", "20 % late"]
    show(
        "Until the flag is off: median / 95 % / 99 % (within 240 s); before the fault 0.3 %, as the control", head, rows
    )


def others(rng: Array, days: int, runs: int) -> None:
    rows = []
    for rate in (1, 10):
        slow = two_sides(rng, rate, healthy=0.02, fault=0.2, control=0.0)
        rows.append(
            [
                f"response time, {rate}/s: 2 % then 20 % take a minute",
                false_alarms(partial(Mean, RESPONSE_TIME), slow, days),
                delays(rng, Mean(RESPONSE_TIME, runs), slow, runs),
            ]
        )
    for rate, left in ((2, 0.0), (10, 0.0), (10, 3.0)):
        fall = one_count(rng, rate, left)
        rows.append(
            [
                f"throughput, {rate}/s falls to {left:g}/s",
                false_alarms(partial(Drop, DROP, rate=rate), fall, days),
                delays(rng, Drop(DROP, runs, rate=rate), fall, runs),
            ]
        )
    for usual, fault in ((2, 0.2), (4, 0.4)):
        rise = one_count(rng, usual / 300, fault)
        rows.append(
            [
                f"critical errors, {usual} in 5 min then {fault:g}/s",
                false_alarms(partial(Count, CRITICAL), rise, days),
                delays(rng, Count(CRITICAL, runs), rise, runs),
            ]
        )
    show("The other triggers", ["trigger", "false alarms", "median / 95 % / 99 % (within 240 s)"], rows)


def main(days: int, parts: list[str]) -> None:
    rng = np.random.default_rng(1)
    runs = max(2_000, days * 5)
    work = {
        "alarms": lambda: alarms(rng, days),
        "faults": lambda: faults(rng, runs),
        "others": lambda: others(rng, days, runs),
    }
    for part in parts or work:
        work[part]()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=100, help="simulated for each figure")
    parser.add_argument("parts", nargs="*", metavar="alarms|faults|others", help="all when none is named")
    given = parser.parse_args()
    main(given.days, given.parts)
