"""How often flags were asked for, in rows of five minutes, and which npubs were asked about."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.db import transaction

from flags.models import SeenUnit, Usage
from flags.models.usage import Addition
from flags.services import asked

SLOT = timedelta(minutes=5)
LONGEST_UNIT = 200
_BATCH = 500


class UsageSource(StrEnum):
    """Who counted: a process of ours, or a client library that decides by itself."""

    SERVER = "server"
    CLIENT = "client"


class Answer(NamedTuple):
    """What is counted. `flag` may name one that does not exist; `variant` is empty where nothing was served."""

    flag: str
    variant: str
    reason: str


def slot(moment: datetime) -> datetime:
    """The start of the five minutes that hold this moment."""
    return moment - timedelta(seconds=moment.timestamp() % SLOT.total_seconds())


@transaction.atomic
def add(environment_id: int, counts: Mapping[Answer, int], *, source: UsageSource, now: datetime) -> None:
    """Add the counts to the five minutes of `now`, and mark their flags as asked for."""
    at = slot(now)
    Usage.objects.add([Addition(environment_id, *answer, source, at, count) for answer, count in counts.items()])
    asked.mark(environment_id, {answer.flag for answer in counts}, at=at)


@transaction.atomic
def see(environment_id: int, units: Collection[str], *, on: date) -> None:
    """Remember that these npubs were asked about on this day. What is no npub for a database is left out."""
    rows = [SeenUnit(environment_id=environment_id, unit=unit, seen_on=on) for unit in sorted(filter(_storable, units))]
    SeenUnit.objects.bulk_create(
        rows,
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["environment", "unit"],
        update_fields=["seen_on"],
    )


def _storable(unit: str) -> bool:
    """Not empty, not too long, and nothing that PostgreSQL refuses: no NUL, no half of a surrogate pair."""
    return 0 < len(unit) <= LONGEST_UNIT and "\0" not in unit and not any("\ud800" <= sign <= "\udfff" for sign in unit)
