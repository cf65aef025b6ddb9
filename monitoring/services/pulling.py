"""Pull measurements from where teams have them already.

Rows are the queue: a source is claimed by moving its time on, asked without any transaction open, and what it said is
stored by whoever still holds the claim.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction

from core import events
from core.actors import Actor, ActorKind
from core.errors import Invalid
from monitoring.adapters.ports import Probe, Prometheus, Sample, Unavailable
from monitoring.domain.batch import renamed
from monitoring.domain.metrics import MetricKind
from monitoring.domain.source import address
from monitoring.models import Source
from monitoring.services import attention, ingest, servers
from monitoring.services.ingest import Cumulative, Gauge

log = logging.getLogger(__name__)
PULLS = Actor("pull", ActorKind.MACHINE)
AT_ONCE = 8  # a slow server delays no other
OLD, AHEAD = 60, 60  # seconds: a sample that is older, or from the future, says nothing about now
TOLD_AFTER = timedelta(minutes=2)
UP, PROBE_MS = "up", "probe_ms"


@dataclass(slots=True)
class Answer:
    """What a source said: gauges and running totals, and by metric what was wrong. `error`: it said nothing."""

    gauges: list[Gauge] = field(default_factory=list)
    totals: list[Cumulative] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    error: str = ""


def pull_due(*, now: datetime, clock: Callable[[], datetime]) -> int:
    """Ask every enabled source that is due, several at once; how many were asked.

    `clock` tells when each has answered. One that fails is told on its row, and after two minutes by an event.
    """
    claimed = [source for source in _due(now) if _claim(source, now)]
    if claimed:
        with ThreadPoolExecutor(min(AT_ONCE, len(claimed))) as pool:
            list(pool.map(lambda source: _pull(source, now, clock), claimed))
    return len(claimed)


def ask(source: Source, *, at: float) -> Answer:
    """Ask a source now, without storing anything: what it says, and what is wrong with it."""
    try:
        if source.kind == "probe":
            return _probe(servers.probe(source), at)
        return _ask_prometheus(servers.prometheus(source), source.queries, at)
    except Unavailable as error:
        return Answer(error=str(error))


def _due(now: datetime) -> list[Source]:
    due = Source.objects.filter(enabled=True, due_at__lte=now).select_related("environment").order_by("due_at")
    return [source for source in due if address(source.url, settings.NCTOOL_URL)]


def _claim(source: Source, now: datetime) -> bool:
    """Move the time of the next pull on; only one of several callers can."""
    lease = uuid4().hex
    next_due = now + timedelta(seconds=max(attention.interval(source), 2 * source.timeout))
    mine = Source.objects.filter(pk=source.pk, due_at=source.due_at).update(due_at=next_due, lease=lease, tried_at=now)
    source.lease = lease
    return bool(mine)


def _pull(source: Source, now: datetime, clock: Callable[[], datetime]) -> None:
    try:
        answer = ask(source, at=now.timestamp())
        _store(source, answer, now=now, ended=clock())
    except Exception:
        log.exception("source %s", source.key)
    finally:
        connection.close()


@transaction.atomic
def _store(source: Source, answer: Answer, *, now: datetime, ended: datetime) -> None:
    """Keep what it said, if nobody else has asked it meanwhile."""
    row = Source.objects.select_for_update(of=("self",)).filter(pk=source.pk, lease=source.lease).first()
    if row is None:
        return
    try:
        with transaction.atomic():
            ingest.store_gauges(row.environment_id, row.key, answer.gauges, now=now)
            ingest.store_totals(row.environment_id, row.key, answer.totals, now=now)
    except Invalid as error:
        answer.error = str(error)
    row.samples = len(answer.gauges) + len(answer.totals)
    row.took_ms = (ended - now).total_seconds() * 1000
    row.problems, row.error = answer.problems, answer.error[:500]
    _news(row, now=now)
    row.due_at = now + timedelta(seconds=attention.interval(row))
    row.save(update_fields=["samples", "took_ms", "problems", "error", "ok_at", "failing_since", "due_at"])


def _news(row: Source, *, now: datetime) -> None:
    """Tell once that it has failed for two minutes, and that it answers again."""
    failing = row.failing_since
    if not row.error:
        row.ok_at, row.failing_since = now, None
        if failing is not None and now - failing >= TOLD_AFTER:
            _tell("source.recovered", row, f"{row.name} answers again.", now=now)
        return
    row.failing_since = failing or now
    last = now - timedelta(seconds=row.interval)
    if now - row.failing_since >= TOLD_AFTER > max(last, row.failing_since) - row.failing_since:
        _tell("source.failed", row, f"{row.name} has failed for two minutes: {row.error}", now=now)


def _tell(kind: str, row: Source, reason: str, *, now: datetime) -> None:
    data = {"rule": row.name, "severity": "high"}
    events.record(
        kind,
        subject=f"source:{row.key}",
        actor=PULLS,
        now=now,
        environment_id=row.environment_id,
        reason=reason,
        data=data,
    )


def _probe(server: Probe, at: float) -> Answer:
    """Also that nobody answers is an answer: it is down."""
    try:
        fetched = server.fetch()
    except Unavailable as error:
        return Answer(gauges=[Gauge(UP, {}, at, 0.0)], problems={UP: str(error)})
    well = 200 <= fetched.status < 300
    problems = {} if well else {UP: f"It answers {fetched.status}."}
    return Answer([Gauge(UP, {}, at, float(well)), Gauge(PROBE_MS, {}, at, fetched.milliseconds)], problems=problems)


def _ask_prometheus(server: Prometheus, queries: Mapping[str, Mapping[str, str]], at: float) -> Answer:
    answer = Answer()
    failed = 0
    for name, query in queries.items():
        try:
            samples = server.query(query["query"], at=at)
        except Unavailable as error:
            answer.problems[name] = str(error)
            failed += 1
            continue
        problem = _take(answer, name, query["kind"], samples, at)
        if problem:
            answer.problems[name] = problem
    if queries and failed == len(queries):
        answer.error = next(iter(answer.problems.values()))
    return answer


def _take(answer: Answer, name: str, kind: str, samples: Sequence[Sample], at: float) -> str:
    """Add the usable samples of one query to the answer; what was wrong with the others."""
    if not samples:
        return "No series: the query finds nothing."
    seen: set[tuple[tuple[str, str], ...]] = set()
    wrong: list[str] = []
    for sample in samples:
        labels = renamed(sample.labels)
        if not math.isfinite(sample.value):
            wrong.append("a value that is no number")
        elif not at - OLD <= sample.at <= at + AHEAD:
            wrong.append(f"a sample {abs(at - sample.at):.0f} s {'old' if sample.at < at else 'from the future'}")
        elif labels in seen:
            wrong.append("a series twice")
        elif kind == MetricKind.COUNTER.value:
            answer.totals.append(Cumulative(name, dict(labels), at, sample.value))
        else:
            answer.gauges.append(Gauge(name, dict(labels), at, sample.value))
        seen.add(labels)
    return f"Left out: {', '.join(sorted(set(wrong)))}." if wrong else ""
