"""What buckets of ten seconds say for sure: three looks in a row, each of enough samples.

Looks of ten, thirty and a hundred seconds are tried, so that a large fault is known after half a minute and a small one
after five. What counts is the least that all three looks of one length say, of the length that says most. A rate is
taken at the lower end of what it may be (Wilson's interval, 99 % for each look), so that a service at exactly one
percent is not at level 1 by chance: docs/incidents.md has the figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from core.intervals import wilson

BUCKET = 10  # seconds
LENGTHS = (10, 30, 100)
IN_A_ROW = 3
REACH = IN_A_ROW * LENGTHS[-1]  # seconds that are looked back
MIN_SAMPLES = 100  # of each look, as of the guard
SURE = NormalDist().inv_cdf(0.99)  # of each look, that the share is not below
SILENT_TRIES = 3  # tries of the last minute that must all have failed
TRIED = 60  # seconds

Sums = Mapping[int, tuple[float, float]]  # by start of the bucket: how many, and what they add up to


@dataclass(frozen=True, slots=True)
class Seen:
    """`value` is what was measured over all three looks, `at_least` what it surely is; `samples` of `seconds`."""

    value: float
    at_least: float
    samples: int
    seconds: int

    def as_dict(self) -> dict[str, Any]:
        told = {"value": round(self.value, 3), "at_least": round(self.at_least, 3)}
        return {**told, "samples": self.samples, "seconds": self.seconds}


def rate(operations: Sums, errors: Sums, *, until: int) -> Seen | None:
    """Percent of the operations (sum of each bucket) that failed; None without three looks of enough of them."""
    found = []
    for length in LENGTHS:
        looks = [
            (total(operations, *span), min(total(errors, *span), total(operations, *span)))
            for span in spans(length, until)
        ]
        if all(n >= MIN_SAMPLES for n, _ in looks):
            n, bad = sum(n for n, _ in looks), sum(bad for _, bad in looks)
            least = min(100 * wilson(bad, n, sure=SURE).low for n, bad in looks)
            found.append(Seen(100 * bad / n, least, int(n), IN_A_ROW * length))
    return max(found, key=lambda seen: seen.at_least, default=None)


def timing(timings: Sums, *, until: int) -> Seen | None:
    """The mean in ms; None without three looks of enough timings."""
    found = []
    for length in LENGTHS:
        looks = [(count(timings, *span), total(timings, *span)) for span in spans(length, until)]
        if all(n >= MIN_SAMPLES for n, _ in looks):
            n, whole = sum(n for n, _ in looks), sum(whole for _, whole in looks)
            least = min(whole / n for n, whole in looks)
            found.append(Seen(whole / n, least, int(n), IN_A_ROW * length))
    return max(found, key=lambda seen: seen.at_least, default=None)


def silent(tries: Sums, *, until: int) -> bool | None:
    """Whether every try of the last minute failed (a try that worked adds 1); None: too few to say."""
    span = until - TRIED, until
    if count(tries, *span) < SILENT_TRIES:
        return None
    return total(tries, *span) == 0


def spans(length: int, until: int) -> Iterator[tuple[int, int]]:
    """Three spans of this length, one after the other, the last of them ending at `until`."""
    for number in range(IN_A_ROW):
        yield until - (number + 1) * length, until - number * length


def count(line: Sums, start: int, end: int) -> float:
    return sum(line[at][0] for at in range(start, end, BUCKET) if at in line)


def total(line: Sums, start: int, end: int) -> float:
    return sum(line[at][1] for at in range(start, end, BUCKET) if at in line)
