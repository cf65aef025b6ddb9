"""Store what an OpenTelemetry sender reports."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from core import environments
from monitoring.domain import otlp, totals
from monitoring.domain.batch import SeriesKey, Slot
from monitoring.domain.metrics import MetricKind
from monitoring.domain.otlp import Points, RunningSpread
from monitoring.models import Receipt, Total
from monitoring.services import ingest
from monitoring.services.ingest import Cumulative, bucket


def store(environment: str, source: str, request: ExportMetricsServiceRequest, *, body: bytes, now: datetime) -> Points:
    """Store every usable point in one transaction; what was read, with what was left out.

    The same body twice (a sender whose answer was lost) is counted once. Raises Invalid when a metric has another kind
    already, or when there is no room for its series, and NotFound for an unknown environment.
    """
    where = environments.get(environment)
    found = otlp.read(request, now=now.timestamp())
    mark = f"{source}:{hashlib.sha256(body).hexdigest()}"
    with transaction.atomic():
        _, fresh = Receipt.objects.get_or_create(environment=where, batch=mark, defaults={"at": now})
        if not fresh:
            return found
        counted = [
            Cumulative(one.key.name, dict(one.key.labels), one.at, one.value, one.origin) for one in found.totals
        ]
        ingest.store_totals(where.pk, source, counted, now=now)
        timed = _spreads(where.pk, source, found.spreads, now=now)
        slots = {**found.slots}
        for place, slot in timed.items():
            slots[place] = slot
        kinds = {key: found.kinds[key] for key, _ in slots}
        if slots:
            ingest.add(where.pk, source, kinds, slots, lambda key: key.name, now=now)
    return found


def _spreads(
    environment_id: int, source: str, given: Sequence[RunningSpread], *, now: datetime
) -> dict[tuple[SeriesKey, int], Slot]:
    """What was added to each running histogram since its last report, by ten seconds."""
    if not given:
        return {}
    ordered = sorted(given, key=lambda one: one.at)
    kinds = {one.key: MetricKind.TIMING for one in ordered}
    ids = ingest.series_ids(environment_id, source, kinds, lambda key: key.name, now=now)
    rows = _hold(ids, ordered)
    slots: dict[tuple[SeriesKey, int], Slot] = {}
    for one in ordered:
        row = rows[ids[one.key]]
        more = totals.spread_increment(
            totals.Spread(row.value, _numbers(row.state), row.at, row.origin),
            totals.Spread(one.total, one.spread, one.at, one.origin),
        )
        if more is None:
            continue
        row.value, row.at, row.origin = one.total, one.at, one.origin
        row.state = {repr(value): count for value, count in one.spread.items()}
        slot = slots.setdefault((one.key, bucket(one.at)), Slot())
        if more.count:
            slot.spread(more.total, more.counts)
    Total.objects.bulk_update(rows.values(), ["value", "state", "at", "origin"])
    return {place: slot for place, slot in slots.items() if slot.n}


def _hold(ids: Mapping[SeriesKey, int], given: Sequence[RunningSpread]) -> dict[int, Total]:
    """The locked totals; a histogram that was never reported begins with its first report."""
    first: dict[int, Total] = {}
    for one in given:
        standing = totals.start(totals.Standing(one.total, one.at, one.origin))
        begun = standing.at != one.at
        state = {} if begun else {repr(value): count for value, count in one.spread.items()}
        row = Total(series_id=ids[one.key], value=standing.value, state=state, at=standing.at, origin=standing.origin)
        first.setdefault(ids[one.key], row)
    Total.objects.bulk_create([first[key] for key in sorted(first)], ignore_conflicts=True)
    locked = Total.objects.select_for_update().filter(series_id__in=first).order_by("series_id")
    return {row.series_id: row for row in locked}


def _numbers(state: Mapping[str, int]) -> dict[float, int]:
    return {float(value): count for value, count in state.items()}
