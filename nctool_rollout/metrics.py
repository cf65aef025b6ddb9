"""`GET /metrics`: the flags' own figures in Prometheus' text format.

All of it is read from the database, so it does not matter which process answers. A token with the scope `report` sees
its environment; with METRICS_PUBLIC everybody sees all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

import incidents.selectors as incidents
from flags.api.auth import TooManyRequests, count, presented
from flags.selectors import figures
from flags.services.tokens import Scope
from migrations_app.selectors import figures as migrations
from nctool_rollout.problems import problem
from oncall.selectors import figures as escalations

_NAME = "nctool_rollout"
_STATES = ("live", "lagging", "vanished")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    try:
        if (refused := _refused(request)) is not None:
            return refused
        token = presented(request)
        only = None if settings.METRICS_PUBLIC or token is None else token.environment
        registry = CollectorRegistry()
        registry.register(_Figures(only, now=timezone.now()))  # noqa: TID251 - this is a door
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    except (OperationalError, InterfaceError):
        return problem(503, "The database cannot be reached; the figures are kept there.")


def _refused(request: HttpRequest) -> HttpResponse | None:
    """Why this caller sees nothing; None when it may."""
    if settings.METRICS_PUBLIC:
        return None
    token = presented(request)
    if token is None:
        response = problem(401, "Send a token with the scope report, as `Authorization: Bearer <token>`.")
        response["WWW-Authenticate"] = "Bearer"
        return response
    try:
        count(token)
    except TooManyRequests as error:
        response = problem(error.status, str(error))
        response["Retry-After"] = str(error.retry_after)
        return response
    lacks = Scope.REPORT not in token.scopes
    return problem(403, f"The token {token.name!r} lacks the scope {Scope.REPORT}.") if lacks else None


class _Figures(Collector):
    """The figures of one environment, or of all."""

    def __init__(self, only: str | None, *, now: datetime) -> None:
        self._only, self._now = only, now

    def collect(self) -> Iterator[Metric]:
        yield from self._versions()
        yield from self._instances()
        yield self._evaluations()
        yield from self._migrations()
        yield self._incidents()
        yield from self._escalations()

    def _shown(self, environment: str) -> bool:
        return self._only is None or environment == self._only

    def _versions(self) -> Iterator[Metric]:
        where = ["environment"]
        version = GaugeMetricFamily(f"{_NAME}_configuration_version", "Version of all flags and tokens.", labels=where)
        changed = GaugeMetricFamily(
            f"{_NAME}_configuration_changed_timestamp_seconds", "When that version was made.", labels=where
        )
        for environment, number, at in filter(lambda row: self._shown(row[0]), figures.changes()):
            version.add_metric([environment], number)
            changed.add_metric([environment], at.timestamp())
        yield from (version, changed)

    def _instances(self) -> Iterator[Metric]:
        """Lagging: live, on an older version. Vanished: not heard of for three of its intervals."""
        served = GaugeMetricFamily(
            f"{_NAME}_acknowledged_version",
            "Version that a live instance serves.",
            labels=["environment", "kind", "instance"],
        )
        counts: Counter[tuple[str, str]] = Counter()
        environments = set()
        for instance in figures.serving(now=self._now):
            if not self._shown(instance.environment):
                continue
            environments.add(instance.environment)
            counts[instance.environment, "live" if instance.alive else "vanished"] += 1
            if instance.alive:
                served.add_metric([instance.environment, instance.kind, instance.name], instance.version)
                counts[instance.environment, "lagging"] += instance.version < instance.wanted
        yield served
        for state in _STATES:
            told = GaugeMetricFamily(
                f"{_NAME}_instances_{state}", f"Instances that are {state}.", labels=["environment"]
            )
            for environment in sorted(environments):
                told.add_metric([environment], counts[environment, state])
            yield told

    def _evaluations(self) -> Metric:
        """Counted from midnight (UTC): there it begins at 0 again, which Prometheus takes as the reset it is."""
        told = CounterMetricFamily(
            f"{_NAME}_evaluations",
            "Answers given since midnight (UTC), by servers and client libraries.",
            labels=["environment", "flag", "variant", "reason", "source"],
        )
        for row in figures.given(datetime.combine(self._now.date(), datetime.min.time(), UTC)):
            if self._shown(row.environment):
                told.add_metric([row.environment, row.flag, row.variant, row.reason, row.source], row.times)
        return told

    def _incidents(self) -> Metric:
        told = GaugeMetricFamily(f"{_NAME}_incidents_open", "Incidents that are open.", labels=["environment", "level"])
        for (environment, level), number in incidents.by_level().items():
            if self._shown(environment):
                told.add_metric([environment, str(level)], number)
        return told

    def _migrations(self) -> Iterator[Metric]:
        """Runs that are under way, and how many have failed."""
        labels = ["environment", "run", "migration", "direction"]
        told = {
            name: GaugeMetricFamily(f"{_NAME}_migration_{name}", text, labels=labels)
            for name, text in (
                ("documents_done", "Documents that the run has changed, or taken back."),
                ("documents_planned", "Documents that it was planned to change."),
                ("lag_seconds", "Replication lag, as the run saw it last."),
                ("lock_age_seconds", "How long its worker has had the lock of the database."),
            )
        }
        for each in filter(lambda each: self._shown(each.environment), migrations.under_way(now=self._now)):
            values = [each.environment, each.run, each.migration, each.direction]
            told["documents_done"].add_metric(values, each.done)
            told["documents_planned"].add_metric(values, each.planned)
            if each.lag is not None:
                told["lag_seconds"].add_metric(values, each.lag)
            if each.lock_age is not None:
                told["lock_age_seconds"].add_metric(values, each.lock_age)
        yield from told.values()
        errors = CounterMetricFamily(
            f"{_NAME}_migration_errors", "Runs of migrations that failed.", labels=["environment"]
        )
        for environment, failed in migrations.failures().items():
            if self._shown(environment):
                errors.add_metric([environment], failed)
        yield errors

    def _escalations(self) -> Iterator[Metric]:
        """Those that wait for a person, and by how much the longest overdue step is late."""
        waiting = GaugeMetricFamily(
            f"{_NAME}_escalations_live", "Escalations that nobody has acknowledged.", labels=["environment"]
        )
        overdue = GaugeMetricFamily(
            f"{_NAME}_escalation_overdue_seconds", "How late the longest overdue step is.", labels=["environment"]
        )
        for environment, live, due in escalations():
            if self._shown(environment):
                waiting.add_metric([environment], live)
                overdue.add_metric([environment], max(0.0, (self._now - due).total_seconds()) if due else 0.0)
        yield from (waiting, overdue)
