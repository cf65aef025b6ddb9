"""How often flags were asked for, in rows of five minutes, and which npubs were asked about."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from enum import StrEnum

from django.db import transaction

from core.texts import is_storable
from flags.domain.usage import Answer, slot
from flags.models import SeenUnit, Usage
from flags.models.usage import Addition
from flags.services import asked

LONGEST_UNIT = 200
_BATCH = 500


class UsageSource(StrEnum):
    """Who counted: a process of ours, or a client library that decides by itself."""

    SERVER = "server"
    CLIENT = "client"


@transaction.atomic
def add(environment_id: int, counts: Mapping[Answer, int], *, source: UsageSource, now: datetime) -> None:
    """Add the counts to the five minutes that hold `now`, and mark their flags as asked for."""
    at = slot(now)
    Usage.objects.add([Addition(environment_id, *answer, source, at, count) for answer, count in counts.items()])
    asked.mark(environment_id, {answer.flag for answer in counts}, at=at)


@transaction.atomic
def see(environment_id: int, units: Collection[str], *, on: date) -> None:
    """Remember that these npubs were asked about on this day. What is no npub for a database is left out."""
    rows = [
        SeenUnit(environment_id=environment_id, unit=unit, seen_on=on) for unit in sorted(set(filter(_storable, units)))
    ]
    SeenUnit.objects.bulk_create(
        rows,
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["environment", "unit"],
        update_fields=["seen_on"],
    )


def _storable(unit: str) -> bool:
    """Not empty, not too long, and nothing that PostgreSQL refuses."""
    return 0 < len(unit) <= LONGEST_UNIT and is_storable(unit)
