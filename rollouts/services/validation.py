"""validateDeployment: asked for, taken by one worker, run, and told (seed: Automated Validation)."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import IntegrityError, connections, transaction

import flags.selectors
from core import environments, events
from core.actors import CLOCK, Actor, ActorKind
from core.errors import Conflict
from rollouts.adapters.validation_http import Http, Requests
from rollouts.domain.validation import LEASE, Check, Result, Subject, failed, failures, overall
from rollouts.models import ValidationRun
from rollouts.services import (
    validation_atomic,
    validation_database,
    validation_features,
    validation_health,
    validation_performance,
    validation_security,
)

log = logging.getLogger(__name__)
Checks = Mapping[Check, Callable[[], Result]]
Apart = Callable[[Checks], dict[Check, Result]]


def request(environment: str, *, actor: Actor, now: datetime) -> ValidationRun:
    """Ask for a validation; a worker takes it within seconds. NotFound for an unknown environment, and Conflict while
    one waits or runs there."""
    where = environments.get(environment)
    _lose(now=now)
    try:
        with transaction.atomic():
            return ValidationRun.objects.create(
                environment=where,
                started_at=now,
                started_by=actor.name,
                started_by_kind=actor.kind.value,
                lease_until=now + LEASE,
            )
    except IntegrityError:
        other = ValidationRun.objects.filter(environment=where, finished_at=None).first()
        by = f", asked for by {other.started_by} at {other.started_at:%H:%M:%S} UTC" if other else ""
        raise Conflict(f"A validation of {where} is under way{by}. Look at that one, or wait for it.") from None


def run(environment: str, *, actor: Actor, now: datetime, apart: Apart | None = None) -> ValidationRun:
    """Validate now, in this process, and come back when it is done. Raises what `request` raises."""
    return _take(request(environment, actor=actor, now=now), now=now, apart=apart) or _again(environment)


def run_due(*, now: datetime, every: timedelta, apart: Apart | None = None) -> int:
    """End what was lost, ask for what is due by the clock, and run the oldest validation that waits; how many ran.

    With `every` of 0 nothing is due by the clock. While one runs anywhere none is begun: it may take minutes, and the
    worker's other processes are the guard's.
    """
    _lose(now=now)
    if every:
        _schedule(now=now, every=every)
    open_ = ValidationRun.objects.filter(finished_at=None)
    waiting = open_.filter(lease="").order_by("started_at", "pk").first()
    if waiting is None or open_.exclude(lease="").exists():
        return 0
    return 0 if _take(waiting, now=now, apart=apart) is None else 1


def checks_of(subject: Subject, http: Http) -> Checks:
    """The six checks, ready to be called."""
    address, nctool = settings.SELF_URL, settings.NCTOOL_URL
    return {
        Check.HEALTH: partial(validation_health.check, subject, http, address=address, nctool=nctool),
        Check.DATABASE: partial(validation_database.check, subject),
        Check.FEATURES: partial(validation_features.check, subject, http, address=address),
        Check.PERFORMANCE: partial(validation_performance.check, subject),
        Check.SECURITY: partial(validation_security.check, subject, http, address=address),
        Check.ATOMIC: partial(validation_atomic.check, subject),
    }


def in_threads(checks: Checks) -> dict[Check, Result]:
    """All at once; one that takes longer than its limit has failed, and is left behind."""
    pool, begin = ThreadPoolExecutor(len(checks), "validation"), time.monotonic()
    waiting = {check: pool.submit(_in_thread, check, make) for check, make in checks.items()}
    for check, future in waiting.items():
        wait([future], timeout=max(0.0, check.limit.total_seconds() - (time.monotonic() - begin)))
    pool.shutdown(wait=False, cancel_futures=True)
    return {check: future.result() if future.done() else _late(check) for check, future in waiting.items()}


def in_turn(checks: Checks) -> dict[Check, Result]:
    """One after the other, in this thread."""
    return {check: _made(check, make) for check, make in checks.items()}


def _late(check: Check) -> Result:
    todo = "See what is slow: the log of the worker, MongoDB, nctool."
    return failed(f"No result within {check.limit.seconds} s.", todo)


def _in_thread(check: Check, make: Callable[[], Result]) -> Result:
    try:
        return _made(check, make)
    finally:
        connections.close_all()


def _made(check: Check, make: Callable[[], Result]) -> Result:
    """The result with the time it took; a check that breaks has failed."""
    begin = time.monotonic()
    try:
        result = make()
    except Exception as error:  # whatever it is: the other checks still tell what they saw
        log.exception("%s", check)
        why = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        result = failed(f"The check broke: {why}", "See the log of the worker, and report it.")
    return Result(result.success, result.summary, result.evidence, result.todo, time.monotonic() - begin)


def _take(row: ValidationRun, *, now: datetime, apart: Apart | None) -> ValidationRun | None:
    """Run it, if nobody else does; None when somebody does, or took it from us for lost."""
    lease = uuid.uuid4().hex
    free = ValidationRun.objects.filter(pk=row.pk, finished_at=None, lease="")
    if not free.update(lease=lease, lease_until=now + LEASE):
        return None
    begin = time.monotonic()
    subject = Subject(row.environment.key, row.environment_id, row.pk, now)
    with closing(Requests()) as http:
        results = (apart or in_threads)(checks_of(subject, http))
    return _finish(row.pk, lease, results, now=now + timedelta(seconds=time.monotonic() - begin))


@transaction.atomic
def _finish(pk: int, lease: str, results: Mapping[Check, Result], *, now: datetime) -> ValidationRun | None:
    told = {check.value: result.as_dict() for check, result in results.items()}
    mine = ValidationRun.objects.filter(pk=pk, lease=lease, finished_at=None)
    if not mine.update(finished_at=now, success=overall(told), results=told):
        log.warning("validation %s was taken for lost before it was done", pk)
        return None
    row = ValidationRun.objects.select_related("environment").get(pk=pk)
    _tell(row, now=now)
    return row


def _lose(*, now: datetime) -> None:
    """End what nobody works on any more: its process was lost, or no worker took it."""
    for row in ValidationRun.objects.filter(finished_at=None, lease_until__lt=now).select_related("environment"):
        with transaction.atomic():
            open_ = ValidationRun.objects.filter(pk=row.pk, finished_at=None, lease_until__lt=now)
            if not open_.update(finished_at=now):
                continue
            row.finished_at = now
            _tell(row, now=now)
        validation_features.end_token(row.pk, now=now)


def _schedule(*, now: datetime, every: timedelta) -> None:
    """Ask for a validation wherever flags are on and the last one, or the beginning, is long enough ago."""
    on = flags.selectors.states().filter(enabled=True).order_by()
    for environment in environments.ordered().filter(pk__in=on.values("environment_id")):
        runs = ValidationRun.objects.filter(environment=environment).order_by("-started_at")
        last = runs.values_list("started_at", flat=True).first() or _beginning(environment.pk)
        if last is not None and last <= now - every:
            try:
                request(environment.key, actor=CLOCK, now=now)
            except Conflict:
                continue


def _beginning(environment_id: int) -> datetime | None:
    """When the environment was first heard of."""
    return events.recent().filter(environment_id=environment_id).order_by("id").values_list("at", flat=True).first()


def _again(environment: str) -> ValidationRun:
    """The newest run there is: ours was taken from us."""
    return ValidationRun.objects.select_related("environment").filter(environment__key=environment)[0]


def _tell(row: ValidationRun, *, now: datetime) -> None:
    wrong = failures(row.results)
    told = "lost: its process ended before it did" if row.success is None else ""
    events.record(
        "validation.finished",
        subject=f"validation:{row.environment.key}",
        actor=Actor(row.started_by, ActorKind(row.started_by_kind)),
        now=now,
        environment_id=row.environment_id,
        reason=told or ("" if row.success else f"failed: {', '.join(wrong)}"),
        data={"run": row.pk, "success": row.success, "failed": wrong},
    )
