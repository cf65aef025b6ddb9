"""Put ten-second buckets together into steps of five minutes and an hour, which are kept longer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max, Min

from monitoring.domain.batch import PAST
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.sketch import LogSketch
from monitoring.models import Bucket, Rollup, Sketch

SPANS = (300, 3600)
GRACE = 60  # seconds: a step is made this long after its end, and once more when nothing may come late any more
AT_ONCE = 6 * 3600  # seconds of buckets in one transaction, after a pause

_MAKE = """
    INSERT INTO monitoring_rollup (series_id, span, start, n, "sum", "min", "max", "last")
    SELECT series_id, %(span)s, slot, SUM(n), SUM("sum"), MIN("min"), MAX("max"),
        MAX(CASE WHEN rank = 1 THEN "last" END)
    FROM (
        SELECT series_id, n, "sum", "min", "max", "last", start - start %% %(span)s AS slot,
            ROW_NUMBER() OVER (PARTITION BY series_id, start - start %% %(span)s ORDER BY start DESC) AS rank
        FROM monitoring_bucket WHERE start >= %(first)s AND start < %(last)s
    ) AS steps
    GROUP BY series_id, slot
    ON CONFLICT (series_id, span, start) DO UPDATE SET
        n = excluded.n, "sum" = excluded."sum", "min" = excluded."min", "max" = excluded."max", "last" = excluded."last"
"""


def roll_up(*, now: datetime) -> int:
    """Make all steps that are complete and were not made, and those that can get nothing late any more; how many spans
    of time were looked at.

    Making a step again gives the same step, so a worker that was killed, or a second one, does no harm.
    """
    done = 0
    for span in SPANS:
        until = int(now.timestamp() - GRACE) // span * span
        final = int(now.timestamp() - PAST - GRACE) // span * span
        for first, last in [*_missing(span, until), (final - span, final)]:
            _make(span, first, last)
            done += 1
    return done


def _missing(span: int, until: int) -> Iterator[tuple[int, int]]:
    """From the last step that was made (again, it may have been the last one before a pause) to the last complete."""
    made = Rollup.objects.filter(span=span).aggregate(last=Max("start"))["last"]
    first = made if made is not None else Bucket.objects.aggregate(first=Min("start"))["first"]
    if first is None:
        return
    first = first // span * span
    while first < until:
        last = min(until, first + AT_ONCE)
        yield first, last
        first = last


@transaction.atomic
def _make(span: int, first: int, last: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_MAKE, {"span": span, "first": first, "last": last})
    merged: dict[tuple[int, int], LogSketch] = {}
    finer = Sketch.objects.filter(span=BUCKET_SECONDS, start__gte=first, start__lt=last)
    for series_id, start, cells in finer.values_list("series_id", "start", "cells").iterator():
        step = merged.setdefault((series_id, start // span * span), LogSketch())
        step.merge(LogSketch.from_bytes(bytes(cells)))
    Sketch.objects.bulk_create(
        (
            Sketch(series_id=series_id, span=span, start=start, writer=0, cells=sketch.to_bytes())
            for (series_id, start), sketch in sorted(merged.items(), key=lambda one: one[0])
        ),
        batch_size=500,
        update_conflicts=True,
        unique_fields=["series", "span", "start", "writer"],
        update_fields=["cells"],
    )
