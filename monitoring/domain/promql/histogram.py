"""`histogram_quantile` over a classic histogram: cumulative buckets with the label `le`."""

from __future__ import annotations

import math

from monitoring.domain.promql.values import Labels, Vector, besides


def histogram_quantile(q: float, given: Vector) -> Vector:
    """The value below which the share `q` lies, by linear interpolation inside its bucket."""
    histograms: dict[Labels, dict[float, float]] = {}
    for labels, count in given.items():
        bound = _number(dict(labels).get("le", ""))
        if bound is not None:
            buckets = histograms.setdefault(besides(labels, ["le"]), {})
            buckets[bound] = buckets.get(bound, 0.0) + count
    return {labels: _quantile(q, sorted(buckets.items())) for labels, buckets in histograms.items()}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _quantile(q: float, buckets: list[tuple[float, float]]) -> float:
    if math.isnan(q) or len(buckets) < 2 or buckets[-1][0] != math.inf:
        return math.nan if 0 <= q <= 1 or math.isnan(q) else math.copysign(math.inf, q)
    if not 0 <= q <= 1:
        return math.copysign(math.inf, q)
    counts, most = [], 0.0
    for _, count in buckets:
        most = max(most, count)  # rounding may leave a bucket a little below the one before
        counts.append(most)
    observations = counts[-1]
    if not observations or math.isnan(observations):
        return math.nan
    rank = q * observations
    at = next(index for index, count in enumerate(counts) if count >= rank or index == len(counts) - 1)
    if at == len(buckets) - 1:
        return buckets[-2][0]
    end, count = buckets[at][0], counts[at]
    if at == 0:
        return end if end <= 0 else end * (rank / count)
    start, before = buckets[at - 1][0], counts[at - 1]
    return start + (end - start) * ((rank - before) / (count - before))
