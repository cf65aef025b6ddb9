"""Which processes evaluate flags, and which version of the configuration each of them serves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from core import environments
from core.errors import Conflict
from flags.domain.acknowledging import MISSED
from flags.domain.usage import Answer
from flags.models import Acknowledgement, Instance
from flags.services import usage
from flags.services.usage import UsageSource

CLIENT = "client"
MOST = 10_000  # instances of one environment


@dataclass(frozen=True, slots=True)
class Process:
    """A process of ours: it serves every environment. `interval` is in seconds."""

    name: str
    kind: str
    software: str
    interval: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """What a client library tells: who it is, the version it decides by, and what it decided since the last report."""

    instance: str
    software: str
    version: int
    interval: int
    report: str
    usage: Mapping[Answer, int]
    units: Collection[str]
    stopping: bool


@transaction.atomic
def beat(
    process: Process, versions: Mapping[int, int], taken: Mapping[tuple[int, int], datetime], *, now: datetime
) -> None:
    """Tell that the process lives and serves these versions, by environment id.

    `taken` are the versions it has not told of yet, by environment id and version, with when it took them.
    """
    rows = [
        Instance(
            environment_id=environment_id,
            name=process.name,
            kind=process.kind,
            software=process.software,
            interval=process.interval,
            started_at=process.started_at,
            version=version,
            seen_at=now,
        )
        for environment_id, version in sorted(versions.items())
    ]
    Instance.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["environment", "name"],
        update_fields=["kind", "software", "interval", "started_at", "version", "seen_at", "stopped_at"],
    )
    by_environment = {row.environment_id: row for row in rows}
    told = [
        Acknowledgement(instance=by_environment[environment_id], version=version, at=at)
        for (environment_id, version), at in taken.items()
    ]
    Acknowledgement.objects.bulk_create(told, ignore_conflicts=True)


def stop(process: Process, *, now: datetime) -> None:
    """Tell that the process ends in order: nobody shall miss it."""
    Instance.objects.filter(name=process.name, kind=process.kind, stopped_at=None).update(stopped_at=now)


@transaction.atomic
def take(report: Report, environment: str, *, now: datetime) -> bool:
    """Keep all of a client's report; False when it was kept already.

    Raises Conflict when the name is one of ours, or the environment has no room for another instance.
    """
    where = environments.get(environment)
    row = _held(where.pk, report, now=now)
    if row.last_report == report.report:
        return False
    if row.stopped_at or now - row.seen_at > MISSED * timedelta(seconds=row.interval):
        row.started_at = now  # it was away, so it could not hear of what changed meanwhile
    if report.version != row.version:
        Acknowledgement.objects.get_or_create(instance=row, version=report.version, defaults={"at": now})
    row.software, row.version, row.interval = report.software, report.version, report.interval
    row.last_report, row.seen_at = report.report, now
    row.stopped_at = now if report.stopping else None
    row.save()
    usage.add(where.pk, report.usage, source=UsageSource.CLIENT, now=now)
    usage.see(where.pk, report.units, on=now.date())
    return True


def _held(environment_id: int, report: Report, *, now: datetime) -> Instance:
    """The locked row of the client, made when it is not there yet."""
    rows = Instance.objects.filter(environment_id=environment_id)
    held = rows.select_for_update(of=("self",))
    found = held.filter(name=report.instance).first()
    if found is not None and found.kind != CLIENT:
        raise Conflict(f"{found.name} is a process of the server itself: give the instance another name.")
    if found is not None:
        return found
    if rows.count() >= MOST:
        raise Conflict(
            f"{MOST:,} instances have reported in the last week. An instance keeps its name while it lives: "
            "send the name of the host or of the pod, not a new one with each report."
        )
    values = {"kind": CLIENT, "interval": report.interval, "started_at": now, "seen_at": now}
    Instance.objects.get_or_create(environment_id=environment_id, name=report.instance, defaults=values)
    return held.get(name=report.instance)
