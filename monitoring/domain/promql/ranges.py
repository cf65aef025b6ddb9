"""What the functions over a range make of the samples in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

Samples = Sequence[tuple[float, float]]  # time and value, at least one


def increase(samples: Samples, start: float, end: float) -> float | None:
    return extrapolated(samples, start, end, counter=True)


def rate(samples: Samples, start: float, end: float) -> float | None:
    found = extrapolated(samples, start, end, counter=True)
    return None if found is None else found / (end - start)


def delta(samples: Samples, start: float, end: float) -> float | None:
    return extrapolated(samples, start, end, counter=False)


def extrapolated(samples: Samples, start: float, end: float, *, counter: bool) -> float | None:
    """The difference between last and first, carried on to the ends of the range as Prometheus does it.

    It is carried on to an end that is near (within 1.1 of the usual distance of two samples), else by half of that
    distance; a counter never to before it would have been zero. None for fewer than two samples.
    """
    if len(samples) < 2:
        return None
    (first_at, first), (last_at, last) = samples[0], samples[-1]
    found = last - first
    if counter:
        found += sum(before for (_, before), (_, after) in pairwise(samples) if after < before)
    sampled = last_at - first_at
    usual = sampled / (len(samples) - 1)
    to_start, to_end = first_at - start, end - last_at
    if counter and found > 0 and first >= 0:
        to_start = min(to_start, sampled * (first / found))
    reach = sampled
    reach += to_start if to_start < usual * 1.1 else usual / 2
    reach += to_end if to_end < usual * 1.1 else usual / 2
    return found * (reach / sampled)


def irate(samples: Samples, start: float, end: float) -> float | None:
    if len(samples) < 2:
        return None
    (before_at, before), (at, value) = samples[-2:]
    return (value if value < before else value - before) / (at - before_at)


def idelta(samples: Samples, start: float, end: float) -> float | None:
    return samples[-1][1] - samples[-2][1] if len(samples) > 1 else None


def quantile(q: float, values: Sequence[float]) -> float:
    """By linear interpolation between the two nearest ranks; infinite for a share outside 0 to 1."""
    if math.isnan(q) or not values:
        return math.nan
    if not 0 <= q <= 1:
        return math.copysign(math.inf, q)
    ordered = sorted(values, key=lambda value: (not math.isnan(value), value))
    rank = q * (len(ordered) - 1)
    low = int(rank)
    high = min(low + 1, len(ordered) - 1)
    weight = rank - low
    return ordered[low] * (1 - weight) + ordered[high] * weight


def variance(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / len(values)


def least(values: Sequence[float]) -> float:
    """NaN only when there is nothing else."""
    return min((value for value in values if not math.isnan(value)), default=math.nan)


def greatest(values: Sequence[float]) -> float:
    return max((value for value in values if not math.isnan(value)), default=math.nan)


def mean(values: Sequence[float]) -> float:
    return total(values) / len(values)


def total(values: Sequence[float]) -> float:
    try:
        return math.fsum(values)
    except (ValueError, OverflowError):  # infinities of both signs
        return sum(values)


def _changes(values: Sequence[float]) -> float:
    pairs = pairwise(values)
    return float(sum(a != b and not (math.isnan(a) and math.isnan(b)) for a, b in pairs))


def _resets(values: Sequence[float]) -> float:
    return float(sum(after < before for before, after in pairwise(values)))


OF_SAMPLES: dict[str, Callable[[Samples, float, float], float | None]] = {
    "rate": rate,
    "increase": increase,
    "delta": delta,
    "irate": irate,
    "idelta": idelta,
}
OF_VALUES: dict[str, Callable[[Sequence[float]], float]] = {
    "avg_over_time": mean,
    "min_over_time": least,
    "max_over_time": greatest,
    "sum_over_time": total,
    "count_over_time": lambda values: float(len(values)),
    "last_over_time": lambda values: values[-1],
    "stddev_over_time": lambda values: math.sqrt(variance(values)),
    "stdvar_over_time": variance,
    "present_over_time": lambda values: 1.0,
    "changes": _changes,
    "resets": _resets,
}
