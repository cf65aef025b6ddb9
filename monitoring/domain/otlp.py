"""OpenTelemetry's metrics (OTLP 1) as measurements.

Sums that only grow are counters, other sums and gauges are gauges, histograms are timings. Cumulative points are
running totals, delta points are increments. The attributes `service.name` and `service.instance.id` of the resource
become the labels `job` and `instance`, as Prometheus does it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1 import metrics_pb2

from monitoring.domain.batch import FUTURE, GREATEST, LONGEST_VALUE, MOST_LABELS, PAST, SeriesKey, Slot, renamed
from monitoring.domain.metrics import BUCKET_SECONDS, MetricKind

MOST_POINTS = 50_000
MOST_BOUNDS = 500
RESOURCE = {"service.name": "job", "service.instance.id": "instance"}
MILLISECONDS = {"s": 1_000.0, "ms": 1.0, "us": 0.001, "µs": 0.001, "ns": 0.000001}
NO_VALUE = metrics_pb2.DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
DELTA = metrics_pb2.AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
_ODD = re.compile(r"[^A-Za-z0-9_]")
_NANO = 1e-9


class RunningTotal(NamedTuple):
    """What a counter had counted at unix second `at`, since `origin`."""

    key: SeriesKey
    at: float
    value: float
    origin: float | None


class RunningSpread(NamedTuple):
    """How many timings a histogram had seen: their sum in ms, and how many around each value."""

    key: SeriesKey
    at: float
    total: float
    spread: Mapping[float, int]
    origin: float | None


@dataclass(slots=True)
class Points:
    """What a request holds. `rejected` counts the points that were left out, by why."""

    taken: int = 0
    kinds: dict[SeriesKey, MetricKind] = field(default_factory=dict)
    slots: dict[tuple[SeriesKey, int], Slot] = field(default_factory=dict)
    totals: list[RunningTotal] = field(default_factory=list)
    spreads: list[RunningSpread] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)

    @property
    def complaint(self) -> str:
        """In a sentence, what was left out and why; empty when nothing was."""
        return " ".join(f"{count} points: {why}" for why, count in self.rejected.most_common(5))


class _Rejected(Exception):
    """A point that cannot be taken."""


def read(request: ExportMetricsServiceRequest, *, now: float) -> Points:
    """Every usable point. `now` is unix seconds: points of more than an hour ago, or from the future, are left out."""
    found = Points()
    for resource in request.resource_metrics:
        own = _attributes(resource.resource.attributes, RESOURCE)
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                _metric(found, metric, own, now)
    return found


def _metric(found: Points, metric: metrics_pb2.Metric, own: Mapping[str, str], now: float) -> None:
    name = _ODD.sub("_", metric.name)[:100]
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind) if kind else None
    points = data.data_points if data is not None else ()
    if found.taken + len(points) > MOST_POINTS:
        found.rejected[f"a request has at most {MOST_POINTS:,}."] += len(points)
        return
    if not points:
        return
    if not name or name[0].isdecimal() or kind == "summary":
        found.rejected["summaries cannot be added up: send a histogram." if name else "a metric without a name."] += (
            len(points)
        )
        return
    keys: dict[tuple[tuple[str, Any], ...], SeriesKey] = {}
    for point in points:
        try:
            at = _time(point, now)
            key = _key(keys, name, point.attributes, own)
            _TAKE[kind or ""](found, key, at, point, metric)
            found.taken += 1
        except _Rejected as error:
            found.rejected[str(error)] += 1


def _sum(found: Points, key: SeriesKey, at: float, point: Any, metric: Any) -> None:
    if not metric.sum.is_monotonic:
        _gauge(found, key, at, point, metric)
        return
    value = _value(point, least=0)
    found.kinds[key] = MetricKind.COUNTER
    if metric.sum.aggregation_temporality == DELTA:
        _slot(found, key, at).add(1, value)
    else:
        found.totals.append(RunningTotal(key, at, value, _origin(point)))


def _gauge(found: Points, key: SeriesKey, at: float, point: Any, metric: Any) -> None:
    value = _value(point, least=-GREATEST)
    found.kinds[key] = MetricKind.GAUGE
    _slot(found, key, at).add(1, value)


def _histogram(found: Points, key: SeriesKey, at: float, point: Any, metric: Any) -> None:
    if len(point.explicit_bounds) > MOST_BOUNDS or len(point.bucket_counts) not in (0, len(point.explicit_bounds) + 1):
        raise _Rejected(f"a histogram has at most {MOST_BOUNDS} bounds, and a count more than it has bounds.")
    scale = MILLISECONDS.get(metric.unit, 1.0)
    _spread(found, key, at, point, metric.histogram, scale, _explicit(point, scale))


def _exponential(found: Points, key: SeriesKey, at: float, point: Any, metric: Any) -> None:
    scale = MILLISECONDS.get(metric.unit, 1.0)
    if not -10 <= point.scale <= 20 or len(point.positive.bucket_counts) > MOST_BOUNDS:
        raise _Rejected("an exponential histogram has a scale from -10 to 20, and at most 500 buckets.")
    if any(point.negative.bucket_counts):
        raise _Rejected("timings are not negative.")
    base = 2.0 ** (2.0**-point.scale)
    spread = {0.0: point.zero_count} if point.zero_count else {}
    for index, count in enumerate(point.positive.bucket_counts):
        if count:
            exponent = (point.positive.offset + index + 0.5) * math.log(base)
            spread[scale * math.exp(max(-60.0, min(60.0, exponent)))] = count
    _spread(found, key, at, point, metric.exponential_histogram, scale, spread)


def _spread(
    found: Points, key: SeriesKey, at: float, point: Any, data: Any, scale: float, spread: Mapping[float, int]
) -> None:
    total = point.sum * scale
    if not 0 <= total <= GREATEST or not math.isfinite(total):
        raise _Rejected("the sum of timings is a number from 0.")
    found.kinds[key] = MetricKind.TIMING
    if data.aggregation_temporality != DELTA:
        found.spreads.append(RunningSpread(key, at, total, spread, _origin(point)))
    elif point.count:
        _slot(found, key, at).spread(total, spread)


def _explicit(point: Any, scale: float) -> dict[float, int]:
    """Each bucket's count at the middle of it; of the last, open one at its lower bound."""
    bounds: Sequence[float] = point.explicit_bounds
    spread: dict[float, int] = {}
    for index, count in enumerate(point.bucket_counts):
        if count:
            middle = scale * max(0.0, _middle(bounds, index))
            spread[middle] = spread.get(middle, 0) + count
    return spread


def _middle(bounds: Sequence[float], index: int) -> float:
    if not bounds:
        return 0.0
    if index == 0:
        return bounds[0] / 2
    if index == len(bounds):
        return bounds[-1]
    low, high = bounds[index - 1], bounds[index]
    return math.sqrt(low * high) if low > 0 else (low + high) / 2


def _slot(found: Points, key: SeriesKey, at: float) -> Slot:
    return found.slots.setdefault((key, int(at // BUCKET_SECONDS) * BUCKET_SECONDS), Slot())


def _value(point: Any, *, least: float) -> float:
    value = float(point.as_double if point.WhichOneof("value") == "as_double" else point.as_int)
    if not least <= value <= GREATEST:
        raise _Rejected(f"a value is a number from {least:g} to {GREATEST:g}.")
    return value


def _time(point: Any, now: float) -> float:
    if point.flags & NO_VALUE:
        raise _Rejected("no recorded value.")
    at = float(point.time_unix_nano * _NANO)
    if at > now + FUTURE:
        raise _Rejected(f"more than {FUTURE} s in the future: set the sender's clock.")
    if at < now - PAST:
        raise _Rejected(f"more than {PAST // 60} minutes old, or without a time.")
    return at


def _origin(point: Any) -> float | None:
    return float(point.start_time_unix_nano * _NANO) if point.start_time_unix_nano else None


def _key(
    keys: dict[tuple[tuple[str, Any], ...], SeriesKey], name: str, attributes: Iterable[Any], own: Mapping[str, str]
) -> SeriesKey:
    """The series of a point; `keys` remembers those of the metric, because most points share theirs with others."""
    written = tuple((one.key, _text(one.value)) for one in attributes)
    if written not in keys:
        keys[written] = _checked(name, written, own)
    return keys[written]


def _checked(name: str, written: tuple[tuple[str, str], ...], own: Mapping[str, str]) -> SeriesKey:
    labels = {**own, **dict(_labels(written))}
    if len(labels) > MOST_LABELS + len(RESOURCE):
        raise _Rejected(f"at most {MOST_LABELS} attributes.")
    for value in labels.values():
        if len(value) > LONGEST_VALUE or not value.isprintable():
            raise _Rejected(f"an attribute is a text of at most {LONGEST_VALUE} printable characters.")
    return SeriesKey(name, renamed(labels))


def _labels(written: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    for key, value in written:
        label = _ODD.sub("_", key)[:50]
        if not label or label[0].isdecimal():
            raise _Rejected("an attribute's name begins with a letter.")
        yield label, value


def _attributes(given: Iterable[Any], known: Mapping[str, str]) -> dict[str, str]:
    return {known[one.key]: _text(one.value)[:LONGEST_VALUE] for one in given if one.key in known}


def _text(value: Any) -> str:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return str(value.string_value)
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind in ("int_value", "double_value"):
        return f"{getattr(value, kind):g}" if kind == "double_value" else str(value.int_value)
    raise _Rejected("an attribute is a text, a number, true or false.")


_TAKE = {
    "sum": _sum,
    "gauge": _gauge,
    "histogram": _histogram,
    "exponential_histogram": _exponential,
}
