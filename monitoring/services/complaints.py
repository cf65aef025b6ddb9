"""Complaints: taken in once, counted per user, forgotten after a year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

import flags.selectors
from core import environments, events
from core.actors import Actor
from monitoring.domain.complaints import WINDOW, Checked, Said, checked, shortened
from monitoring.domain.metrics import Push
from monitoring.models import Complaint, Series
from monitoring.selectors.complaints import distinct as distinct
from monitoring.selectors.complaints import made as made
from monitoring.services import ingest

METRIC = "user_complaints"
AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Received:
    """The complaint as it is kept. A duplicate was kept before, under the same key."""

    complaint: Complaint
    duplicate: bool


def receive(environment: str, said: Said, *, actor: Actor, now: datetime) -> Received:
    """Keep a complaint. One whose key came before in this environment is a duplicate and changes nothing.

    Its event goes to whoever reads or exports the history, so it has neither the text nor the whole npub.
    Raises Invalid with the field, and NotFound for an unknown environment.
    """
    found = checked(said, now=now)
    where = environments.get(environment)
    if said.flag:
        flags.selectors.check_known(said.flag, environment)
    values = _values(said, found) | {"received_at": now, "received_by": actor.name}
    with transaction.atomic():
        if said.key:
            row, fresh = Complaint.objects.get_or_create(environment=where, key=said.key, defaults=values)
        else:
            row, fresh = Complaint.objects.create(environment=where, **values), True
        if fresh:
            _tell(row, actor=actor, now=now)
    return Received(row, duplicate=not fresh)


def record(*, now: datetime) -> int:
    """Store the gauge `user_complaints` (distinct users of ten minutes) wherever anything else is measured.

    Complaints come by a door of their own, so none of them is a 0 only as long as the product runs and is used: an
    environment without measurements gets no gauge.
    """
    environment_ids = _measured()
    for environment_id in environment_ids:
        users = distinct(environment_id, (now - WINDOW).timestamp(), now.timestamp())
        gauge = ingest.Gauge(METRIC, {}, now.timestamp(), float(users))
        ingest.store_gauges(environment_id, Push.RECORDED, [gauge], now=now)
    return len(environment_ids)


def forget(*, now: datetime, keep: timedelta) -> int:
    """Delete complaints that were made longer ago than `keep`; how many went. A few at a time, each by itself."""
    gone = 0
    while some := list(Complaint.objects.filter(at__lt=now - keep).values_list("pk", flat=True)[:AT_ONCE]):
        gone += Complaint.objects.filter(pk__in=some).delete()[0]
    return gone


def _values(said: Said, found: Checked) -> dict[str, object]:
    return {
        "category": found.category.value,
        "npub": found.npub,
        "text": found.text,
        "flag_key": said.flag,
        "at": found.at,
    }


def _tell(row: Complaint, *, actor: Actor, now: datetime) -> None:
    events.record(
        "complaint.received",
        subject=f"complaints:{row.environment.key}",
        actor=actor,
        now=now,
        environment_id=row.environment_id,
        data={
            "complaint": row.pk,
            "category": row.category,
            "flag": row.flag_key,
            "npub": shortened(row.npub),
            "at": row.at.isoformat(),
        },
    )


def _measured() -> list[int]:
    """The environments that anything was measured in, other than what is computed here."""
    series = Series.objects.filter(environment=OuterRef("pk")).exclude(source=Push.RECORDED)
    return list(environments.ordered().filter(Exists(series)).values_list("pk", flat=True))
