"""Store what is reported, pulled or computed here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import randbits
from typing import NamedTuple

from django.db import transaction

from core import environments
from core.errors import Invalid
from monitoring.domain import totals
from monitoring.domain.batch import MOST_SERIES, Batch, SeriesKey, Slot, digest, read_batch
from monitoring.domain.metrics import BUCKET_SECONDS, MetricKind, Push
from monitoring.domain.sketch import LogSketch
from monitoring.models import Addition, Bucket, Receipt, Series, Sketch, Total

Slots = Mapping[tuple[SeriesKey, int], Slot]
Where = Callable[[SeriesKey], str]  # where in what was sent a series stands, for an error


@dataclass(frozen=True, slots=True)
class Stored:
    """How many samples were stored: none of a duplicate."""

    stored: int
    duplicate: bool


class Gauge(NamedTuple):
    """What something stood at, at unix second `at`."""

    name: str
    labels: Mapping[str, str]
    at: float
    value: float


class Cumulative(NamedTuple):
    """What a counter had counted up to unix second `at`, since `origin` where that is known."""

    name: str
    labels: Mapping[str, str]
    at: float
    value: float
    origin: float | None = None


def store(environment: str, body: object, *, now: datetime) -> Stored:
    """Check the batch, then add it to its buckets in one transaction: all of it or nothing.

    A batch whose id was stored before is a duplicate and changes nothing, so a sender may repeat one whose
    answer it lost. Raises Invalid with the field, and NotFound for an unknown environment.
    """
    batch = read_batch(body, now=now.timestamp())
    where = environments.get(environment)
    with transaction.atomic():
        if batch.id:
            _, fresh = Receipt.objects.get_or_create(environment=where, batch=batch.id, defaults={"at": now})
            if not fresh:
                return Stored(0, duplicate=True)
        add(where.pk, Push.JSON, batch.kinds, batch.slots, _places(batch), now=now)
    return Stored(batch.samples, duplicate=False)


def store_gauges(environment_id: int, source: str, gauges: Sequence[Gauge], *, now: datetime) -> int:
    """Store what things stood at; how many. One transaction. Raises Invalid when there is no room for the series."""
    kinds: dict[SeriesKey, MetricKind] = {}
    slots: dict[tuple[SeriesKey, int], Slot] = {}
    for gauge in sorted(gauges, key=lambda one: one.at):
        key = series_key(gauge.name, gauge.labels)
        kinds[key] = MetricKind.GAUGE
        slots.setdefault((key, bucket(gauge.at)), Slot()).add(1, gauge.value)
    with transaction.atomic():
        add(environment_id, source, kinds, slots, _names, now=now)
    return len(gauges)


def store_totals(environment_id: int, source: str, given: Sequence[Cumulative], *, now: datetime) -> int:
    """Store what was added to each running total since its last report; how many told something new.

    One transaction, the totals locked in the order of their series: of two callers with the same report one counts.
    """
    if not given:
        return 0
    ordered = sorted(given, key=lambda one: one.at)
    kinds = {series_key(one.name, one.labels): MetricKind.COUNTER for one in ordered}
    with transaction.atomic():
        ids = series_ids(environment_id, source, kinds, _names, now=now)
        rows = _hold(ids, ordered)
        slots: dict[tuple[SeriesKey, int], Slot] = {}
        told = 0
        for one in ordered:
            key = series_key(one.name, one.labels)
            row = rows[ids[key]]
            standing = totals.Standing(one.value, one.at, one.origin)
            more = totals.increment(totals.Standing(row.value, row.at, row.origin), standing)
            if more is not None:
                row.value, row.at, row.origin = one.value, one.at, one.origin
                slots.setdefault((key, bucket(one.at)), Slot()).add(1, more)
                told += 1
        Total.objects.bulk_update(rows.values(), ["value", "at", "origin"])
        _add(ids, slots)
    return told


def add(
    environment_id: int,
    source: str,
    kinds: Mapping[SeriesKey, MetricKind],
    slots: Slots,
    where: Where,
    *,
    now: datetime,
) -> None:
    """Add to the buckets of these series; new series are made. Call it inside a transaction."""
    _add(series_ids(environment_id, source, kinds, where, now=now), slots)


def series_key(name: str, labels: Mapping[str, str]) -> SeriesKey:
    return SeriesKey(name, tuple(sorted(labels.items())))


def bucket(at: float) -> int:
    """The start of the ten seconds in which a moment lies."""
    return int(at // BUCKET_SECONDS) * BUCKET_SECONDS


def series_ids(
    environment_id: int, source: str, kinds: Mapping[SeriesKey, MetricKind], where: Where, *, now: datetime
) -> dict[SeriesKey, int]:
    """The id of every series; new ones are made. Invalid for one of another kind, or without room."""
    by_digest = {digest(key): key for key in kinds}
    found = _find(environment_id, source, by_digest, kinds, where)
    missing = {name: key for name, key in by_digest.items() if key not in found}
    if missing:
        _check_new(environment_id, source, missing.values(), kinds, where)
        Series.objects.bulk_create(
            (
                Series(
                    environment_id=environment_id,
                    source=source,
                    name=key.name,
                    kind=kinds[key].value,
                    labels=dict(key.labels),
                    digest=name,
                    created_at=now,
                )
                for name, key in sorted(missing.items())
            ),
            ignore_conflicts=True,
        )
        found |= _find(environment_id, source, missing, kinds, where)
    return found


def _add(ids: Mapping[SeriesKey, int], slots: Slots) -> None:
    additions = [
        Addition(ids[key], start, slot.n, slot.sum, slot.min, slot.max, slot.last)
        for (key, start), slot in slots.items()
    ]
    Bucket.objects.add(additions)
    _add_sketches({(ids[key], start): slot.sketch for (key, start), slot in slots.items() if slot.sketch is not None})


_mine = threading.local()


def _writer() -> int:
    """The number of this thread: it alone changes the sketches of its number, so it may read, merge and write."""
    number: int | None = getattr(_mine, "writer", None)
    if number is None:
        number = _mine.writer = randbits(62) + 1  # 0 is the roll-ups'
    return number


def _add_sketches(fresh: Mapping[tuple[int, int], LogSketch]) -> None:
    if not fresh:
        return
    writer, starts = _writer(), {start for _, start in fresh}
    rows = Sketch.objects.filter(
        series_id__in={series_id for series_id, _ in fresh}, span=BUCKET_SECONDS, start__in=starts, writer=writer
    )
    for row in rows:
        if (row.series_id, row.start) in fresh:
            fresh[row.series_id, row.start].merge(LogSketch.from_bytes(bytes(row.cells)))
    Sketch.objects.bulk_create(
        (
            Sketch(series_id=series_id, span=BUCKET_SECONDS, start=start, writer=writer, cells=sketch.to_bytes())
            for (series_id, start), sketch in sorted(fresh.items(), key=lambda item: item[0])
        ),
        update_conflicts=True,
        unique_fields=["series", "span", "start", "writer"],
        update_fields=["cells"],
    )


def _hold(ids: Mapping[SeriesKey, int], given: Sequence[Cumulative]) -> dict[int, Total]:
    """The locked totals of these series; those that were never reported begin with their first report."""
    first: dict[int, totals.Standing] = {}
    for one in given:
        standing = totals.start(totals.Standing(one.value, one.at, one.origin))
        first.setdefault(ids[series_key(one.name, one.labels)], standing)
    Total.objects.bulk_create(
        (
            Total(series_id=series_id, value=standing.value, at=standing.at, origin=standing.origin)
            for series_id, standing in sorted(first.items())
        ),
        ignore_conflicts=True,
    )
    locked = Total.objects.select_for_update().filter(series_id__in=first).order_by("series_id")
    return {row.series_id: row for row in locked}


def _find(
    environment_id: int,
    source: str,
    by_digest: Mapping[str, SeriesKey],
    kinds: Mapping[SeriesKey, MetricKind],
    where: Where,
) -> dict[SeriesKey, int]:
    """The series there are already; Invalid when one is of another kind."""
    here = Series.objects.filter(environment_id=environment_id, source=source, digest__in=list(by_digest)).order_by()
    found = {}
    for series_id, name, kind in here.values_list("pk", "digest", "kind"):
        key = by_digest[name]
        _same_kind(key, kind, kinds, where)
        found[key] = series_id
    return found


def _check_new(
    environment_id: int,
    source: str,
    keys: Collection[SeriesKey],
    kinds: Mapping[SeriesKey, MetricKind],
    where: Where,
) -> None:
    """A metric of a source has one kind in an environment, and an environment has at most 2,000 series."""
    here = Series.objects.filter(environment_id=environment_id).order_by()
    named = here.filter(source=source, name__in={key.name for key in keys})
    known = dict(named.values_list("name", "kind").distinct())
    for key in keys:
        _same_kind(key, known.get(key.name), kinds, where)
    room = MOST_SERIES - here.count()
    if len(keys) > room:
        beyond = list(keys)[max(room, 0)]
        raise Invalid(
            f"An environment has at most {MOST_SERIES:,} series, and these labels would make one more. "
            "Leave out a label that has many values, such as a user.",
            field=f"{where(beyond)}.labels",
        )


def _same_kind(key: SeriesKey, kind: str | None, kinds: Mapping[SeriesKey, MetricKind], where: Where) -> None:
    if kind is not None and kind != kinds[key]:
        raise Invalid(f"{key.name} is a {kind} already.", field=f"{where(key)}.kind")


def _places(batch: Batch) -> Where:
    return lambda key: f"metrics.{batch.first[key]}"


def _names(key: SeriesKey) -> str:
    return key.name
