"""Store what nctool reports."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core import environments
from core.errors import Invalid
from monitoring.domain.batch import MOST_SERIES, Batch, SeriesKey, digest, read_batch
from monitoring.models import Addition, Bucket, Receipt, Series


@dataclass(frozen=True, slots=True)
class Stored:
    """How many samples were stored: none of a duplicate."""

    stored: int
    duplicate: bool


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
        ids = _series_ids(where.pk, batch, now=now)
        Bucket.objects.add(
            [
                Addition(ids[key], start, slot.n, slot.sum, slot.min, slot.max, slot.last)
                for (key, start), slot in batch.slots.items()
            ]
        )
    return Stored(batch.samples, duplicate=False)


def _series_ids(environment_id: int, batch: Batch, *, now: datetime) -> dict[SeriesKey, int]:
    """The id of every series of the batch; new ones are made."""
    by_digest = {digest(key): key for key in batch.kinds}
    found = _find(environment_id, by_digest, batch)
    missing = {name: key for name, key in by_digest.items() if key not in found}
    if missing:
        _check_new(environment_id, missing.values(), batch)
        Series.objects.bulk_create(
            (
                Series(
                    environment_id=environment_id,
                    name=key.name,
                    kind=batch.kinds[key].value,
                    labels=dict(key.labels),
                    digest=name,
                    created_at=now,
                )
                for name, key in sorted(missing.items())
            ),
            ignore_conflicts=True,
        )
        found |= _find(environment_id, missing, batch)
    return found


def _find(environment_id: int, by_digest: Mapping[str, SeriesKey], batch: Batch) -> dict[SeriesKey, int]:
    """The series there are already; Invalid when one is of another kind."""
    rows = Series.objects.filter(environment_id=environment_id, digest__in=list(by_digest)).order_by()
    found = {}
    for series_id, name, kind in rows.values_list("pk", "digest", "kind"):
        key = by_digest[name]
        _same_kind(key, kind, batch)
        found[key] = series_id
    return found


def _check_new(environment_id: int, keys: Collection[SeriesKey], batch: Batch) -> None:
    """A metric has one kind in an environment, and an environment has at most 2,000 series."""
    here = Series.objects.filter(environment_id=environment_id).order_by()
    kinds = dict(here.filter(name__in={key.name for key in keys}).values_list("name", "kind").distinct())
    for key in keys:
        _same_kind(key, kinds.get(key.name), batch)
    room = MOST_SERIES - here.count()
    if len(keys) > room:
        first = min(sorted(batch.first[key] for key in keys)[max(room, 0) :])
        raise Invalid(
            f"An environment has at most {MOST_SERIES:,} series, and these labels would make one more. "
            "Leave out a label that has many values, such as a user.",
            field=f"metrics.{first}.labels",
        )


def _same_kind(key: SeriesKey, kind: str | None, batch: Batch) -> None:
    if kind is not None and kind != batch.kinds[key]:
        raise Invalid(f"{key.name} is a {kind} already.", field=f"metrics.{batch.first[key]}.kind")
