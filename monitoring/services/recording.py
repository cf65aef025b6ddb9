"""Compute the metrics of the catalogue and keep them: what alerts, charts and the risk read."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from core import environments
from core.errors import DomainError, Invalid
from monitoring.domain.metrics import BUCKET_SECONDS, Push
from monitoring.domain.promql import Element, Query, evaluate, parse
from monitoring.domain.windows import horizon
from monitoring.models import Metric, Receipt, Series
from monitoring.services import ingest, promql
from monitoring.services.ingest import Gauge

log = logging.getLogger(__name__)
OWN = ("__name__", "source")  # labels that the recorded series has by itself
NEAR = 900  # seconds: queries that look further back are read apart, so that they do not make the others read as far


def record_all(*, now: datetime) -> int:
    """Store every metric of the catalogue that has a query, in every environment that has measurements; how many.

    Once for each ten seconds, however many callers there are. A metric without data is not recorded: neither the
    value of before nor a zero is made up. One that fails is told on its row and keeps no other from being recorded.
    """
    at = horizon(now.timestamp())
    queries, troubles = _queries()
    measured = set(Series.objects.exclude(source=Push.RECORDED).values_list("environment_id", flat=True).distinct())
    done = 0
    for environment in environments.ordered():
        if environment.pk not in measured:
            continue
        try:
            done += _record(environment.pk, queries, troubles, at=at, now=now)
        except Exception:
            log.exception("catalogue of %s", environment.key)
    _tell(troubles)
    return done


def _queries() -> tuple[dict[str, Query], dict[str, str]]:
    """The expression of each metric, and what is wrong with those that cannot be read."""
    found: dict[str, Query] = {}
    troubles: dict[str, str] = {}
    for key, text in Metric.objects.exclude(query="").values_list("key", "query"):
        try:
            found[key] = parse(text)
        except Invalid as error:
            troubles[key] = str(error)
    return found, troubles


def _record(
    environment_id: int, queries: Mapping[str, Query], troubles: dict[str, str], *, at: int, now: datetime
) -> int:
    mark = {"environment_id": environment_id, "batch": f"{Push.RECORDED}:{at}"}
    if Receipt.objects.filter(**mark).exists():
        return 0
    gauges = computed(environment_id, queries, troubles, at=at)
    with transaction.atomic():
        _, fresh = Receipt.objects.get_or_create(**mark, defaults={"at": now})
        if fresh:
            ingest.store_gauges(environment_id, Push.RECORDED, gauges, now=now)
    return len(gauges) if fresh else 0


def computed(environment_id: int, queries: Mapping[str, Query], troubles: dict[str, str], *, at: int) -> list[Gauge]:
    """The value of each query at unix second `at`, as gauges of the bucket that ends there."""
    found: list[Gauge] = []
    for some in ({k: q for k, q in queries.items() if q.longest <= NEAR}, *_apart(queries)):
        if not some:
            continue
        storage = promql.stored(environment_id, list(some.values()), start=at, end=at)
        for key, query in some.items():
            if not storage.alive(query.names, at):
                continue
            try:
                elements = promql.elements(evaluate(query, storage, at, lookback=promql.LOOKBACK))
            except DomainError as error:
                troubles[key] = str(error)
                continue
            found += _gauges(key, elements, at)
    return found


def _apart(queries: Mapping[str, Query]) -> Sequence[Mapping[str, Query]]:
    return [{key: query} for key, query in queries.items() if query.longest > NEAR]


def _gauges(key: str, elements: Sequence[Element], at: int) -> list[Gauge]:
    """Only numbers: 0 / 0 is no value."""
    start = at - BUCKET_SECONDS
    return [
        Gauge(key, {name: text for name, text in one.labels.items() if name not in OWN}, start, one.value)
        for one in elements
        if math.isfinite(one.value)
    ]


def _tell(troubles: Mapping[str, str]) -> None:
    """Note what failed on the rows of the catalogue, where that is news."""
    for row in Metric.objects.all():
        trouble = troubles.get(row.key, "")[:500]
        if row.error != trouble:
            Metric.objects.filter(pk=row.pk).update(error=trouble)
            if trouble:
                log.error("metric %s: %s", row.key, trouble)
