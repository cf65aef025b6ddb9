"""A batch of reported metrics: checked whole, then added up per series and ten seconds.

Plain checks and no model objects: a batch has up to 5,000 samples, and each costs a few microseconds here.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from core.errors import Invalid
from monitoring.domain.metrics import BUCKET_SECONDS, MetricKind
from monitoring.domain.sketch import LogSketch

MOST_SAMPLES = 5_000
MOST_LABELS = 8
MOST_SERIES = 2_000  # of one environment
LONGEST_VALUE = 100
LONGEST_ID = 100
FUTURE = 60  # seconds: clocks differ a little
PAST = 3600
GREATEST = 1e12  # 31 years in ms: beyond it is a mistake, and sums of it would lose what is small
MOST_IN_ONE = 1_000_000

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:]{0,99}")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,49}")
_BODY = frozenset({"id", "metrics"})
_KINDS = frozenset(MetricKind)
RESERVED = "source"
_SAMPLE = frozenset({"name", "kind", "value", "count", "labels", "at"})


class SeriesKey(NamedTuple):
    """What makes a series: its name and its labels, sorted."""

    name: str
    labels: tuple[tuple[str, str], ...]


@lru_cache(maxsize=4 * MOST_SERIES)
def digest(key: SeriesKey) -> str:
    """SHA-256 of name and labels: the same for every order of the labels."""
    return hashlib.sha256(json.dumps(key, separators=(",", ":")).encode()).hexdigest()


@dataclass(slots=True)
class Slot:
    """What one batch adds to ten seconds of one series. `sketch` is of timings alone."""

    n: int = 0
    sum: float = 0.0
    min: float = math.inf
    max: float = -math.inf
    last: float = 0.0
    sketch: LogSketch | None = None

    def add(self, n: int, value: float) -> None:
        """`n` samples that add up to `value`; of several in one, only the average can be the least or greatest."""
        each = value / n
        self.n += n
        self.sum += value
        self.min = min(self.min, each)
        self.max = max(self.max, each)
        self.last = each

    def time(self, n: int, value: float) -> None:
        """`n` timings that take `value` milliseconds together."""
        self.add(n, value)
        if self.sketch is None:
            self.sketch = LogSketch()
        self.sketch.add(value / n, n)

    def spread(self, total: float, counts: Mapping[float, int]) -> None:
        """Timings of which only is known how many lie around each value, and what they add up to."""
        n = sum(counts.values())
        self.n += n
        self.sum += total
        self.min = min(self.min, *counts)
        self.max = max(self.max, *counts)
        self.last = total / n
        if self.sketch is None:
            self.sketch = LogSketch()
        for value, count in counts.items():
            self.sketch.add(value, count)


@dataclass(slots=True)
class Batch:
    """A batch that was accepted. `first` is where each series occurs first, to name it when it is refused later."""

    id: str
    samples: int
    kinds: dict[SeriesKey, MetricKind] = field(default_factory=dict)
    first: dict[SeriesKey, int] = field(default_factory=dict)
    slots: dict[tuple[SeriesKey, int], Slot] = field(default_factory=dict)


def read_batch(body: object, *, now: float) -> Batch:
    """Check everything and add it up. Invalid names the first field that cannot be accepted: `metrics.3.value`."""
    if not isinstance(body, Mapping):
        raise Invalid('A batch is {"id": text, "metrics": [samples]}.', field="body")
    _known(body, _BODY, "")
    metrics = body.get("metrics")
    if not isinstance(metrics, list) or not 1 <= len(metrics) <= MOST_SAMPLES:
        got = f", not {len(metrics):,}" if isinstance(metrics, list) else ""
        raise Invalid(f"A list of 1 to {MOST_SAMPLES:,} samples{got}.", field="metrics")
    batch = Batch(_batch_id(body.get("id")), len(metrics))
    kinds: dict[str, MetricKind] = {}
    for index, sample in enumerate(metrics):
        where = f"metrics.{index}"
        key, kind = _series(sample, where)
        if kinds.setdefault(key.name, kind) is not kind:
            raise Invalid(f"{key.name} is a {kinds[key.name]} above.", field=f"{where}.kind")
        if key not in batch.kinds:
            batch.kinds[key], batch.first[key] = kind, index
        start = _second(sample.get("at"), now, where) // BUCKET_SECONDS * BUCKET_SECONDS
        n, value = _amount(sample, kind, where)
        slot = batch.slots.setdefault((key, start), Slot())
        (slot.time if kind is MetricKind.TIMING else slot.add)(n, value)
    return batch


def _known(given: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    if given.keys() - known:
        odd = min(str(name) for name in given.keys() - known)
        raise Invalid(f"Not a field; there is {', '.join(sorted(known))}.", field=f"{where}{odd[:60]}")


def _batch_id(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_ID or not value.isprintable():
        raise Invalid(f"A text of 1 to {LONGEST_ID} characters, or leave it out.", field="id")
    return value


def _series(sample: object, where: str) -> tuple[SeriesKey, MetricKind]:
    if not isinstance(sample, dict):
        raise Invalid('A sample is {"name": …, "kind": …, "value": …}.', field=where)
    _known(sample, _SAMPLE, f"{where}.")
    name, kind = sample.get("name"), sample.get("kind")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        words = "1 to 100 letters, digits, underscores, dots or colons; not a digit first."
        raise Invalid(words, field=f"{where}.name")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise Invalid(f"counter, timing or gauge, not {kind!r:.60}.", field=f"{where}.kind")
    return SeriesKey(name, _labels(sample.get("labels"), where)), MetricKind(kind)


def _labels(labels: object, where: str) -> tuple[tuple[str, str], ...]:
    if labels is None:
        return ()
    if not isinstance(labels, dict):
        raise Invalid("Labels are an object of texts.", field=f"{where}.labels")
    if len(labels) > MOST_LABELS:
        raise Invalid(f"At most {MOST_LABELS} labels, not {len(labels)}.", field=f"{where}.labels")
    for name, value in labels.items():
        if not _LABEL.fullmatch(name):
            words = "A label's name has 1 to 50 letters, digits or underscores; not a digit first."
            raise Invalid(words, field=f"{where}.labels.{name[:60]}")
        if not isinstance(value, str) or len(value) > LONGEST_VALUE or not value.isprintable():
            words = f"A text of at most {LONGEST_VALUE} printable characters."
            raise Invalid(words, field=f"{where}.labels.{name}")
    return tuple(sorted(labels.items())) if RESERVED not in labels else renamed(labels)


def renamed(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The labels, sorted, with the sender's `source` as `exported_source`: as a label, `source` is ours."""
    return tuple(sorted((f"exported_{name}" if name == RESERVED else name, value) for name, value in labels.items()))


def _amount(sample: Mapping[str, Any], kind: MetricKind, where: str) -> tuple[int, float]:
    """How many samples, and what they add up to."""
    value, count = sample.get("value"), sample.get("count", 1)
    if type(value) is not int and type(value) is not float:
        raise Invalid(f"A number, not {value!r:.60}.", field=f"{where}.value")
    least = -GREATEST if kind is MetricKind.GAUGE else 0
    if not least <= value <= GREATEST:
        raise Invalid(f"A number from {least:g} to {GREATEST:g}, not {value!r:.60}.", field=f"{where}.value")
    if type(count) is not int or not 1 <= count <= MOST_IN_ONE:
        raise Invalid(f"A whole number from 1 to {MOST_IN_ONE:,}.", field=f"{where}.count")
    if kind is not MetricKind.TIMING and "count" in sample:
        raise Invalid(f"A {kind} has no count: only timings have.", field=f"{where}.count")
    return count, float(value)


def _second(at: object, now: float, where: str) -> int:
    """Unix seconds of `at`, which may also be RFC 3339 with an offset; now when there is none."""
    if at is None:
        return int(now)
    seconds = at if type(at) is int or type(at) is float else _parsed(at)
    if seconds is None or not math.isfinite(seconds):
        words = "Unix seconds, or RFC 3339 with an offset: 2026-03-09T09:00:00Z."
        raise Invalid(words, field=f"{where}.at")
    if seconds > now + FUTURE:
        hint = " Seconds, not milliseconds." if seconds > 1e11 else " Set the sender's clock."
        raise Invalid(f"More than {FUTURE} s in the future.{hint}", field=f"{where}.at")
    if seconds < now - PAST:
        raise Invalid(f"More than {PAST // 60} minutes in the past: too late to be counted.", field=f"{where}.at")
    return int(seconds)


def _parsed(at: object) -> float | None:
    if not isinstance(at, str) or len(at) > 40:
        return None
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else None
