"""What the list of flags shows beside the states themselves: for a page of them at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import QuerySet, Sum

from flags.domain.staleness import Place, Reach, Stale, stale
from flags.models import FlagState, Usage
from flags.selectors.usage import Moment, read_moment

HOURS = 24


def listed() -> QuerySet[FlagState]:
    """The states of all flags that are not archived, with flag, environment and when it was last asked for."""
    return FlagState.objects.filter(flag__archived_at=None).select_related("flag", "environment", "asked")


def of_flags(flag_ids: Collection[int]) -> dict[int, list[FlagState]]:
    """The states of these flags in all environments, in the order of promotion, by flag id. One query."""
    found: defaultdict[int, list[FlagState]] = defaultdict(list)
    rows = listed().filter(flag_id__in=flag_ids).order_by("environment__position", "environment__key")
    for row in rows.defer("parameters"):
        found[row.flag_id].append(row)
    return found


def hourly(environment_id: int, keys: Collection[str], *, now: datetime) -> dict[str, list[int]]:
    """How often each flag was asked for in each of the last 24 hours, oldest first; nothing for silent ones. One query.

    The last hour is the one that `now` is in.
    """
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    rows = (
        Usage.objects.filter(environment_id=environment_id, flag_key__in=keys, at__gte=first)
        .annotate(hour=Moment("at", "hour"))
        .values_list("flag_key", "hour")
        .annotate(total=Sum("count"))
        .order_by()
    )
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0] * HOURS)
    for key, hour, total in rows:
        slot = (read_moment(hour) - first) // timedelta(hours=1)
        if 0 <= slot < HOURS:
            found[key][slot] += total
    return dict(found)


def counting_since() -> datetime | None:
    """When the oldest question that is still known was counted; None when none is."""
    at: datetime | None = Usage.objects.order_by("at").values_list("at", flat=True).first()
    return at


def staleness(states: Collection[FlagState], *, since: datetime | None, now: datetime) -> Stale | None:
    """Whether a flag is stale, from its states of `listed()` in all environments. No query."""
    created_at = next(iter(states)).flag.created_at
    places = [
        Place(state.environment.name, _reach(state), state.changed_at, asked.at if asked else None)
        for state in states
        for asked in [getattr(state, "asked", None)]
    ]
    return stale(places, created_at=created_at, counting_since=since, now=now)


def all_stale(*, now: datetime) -> dict[int, Stale]:
    """Every stale flag by its id, in the order of their keys. Two queries that read only what the rule asks for."""
    since = counting_since()
    rows = (
        listed()
        .select_related(None)
        .order_by("flag__key", "environment__position")
        .values_list(*_Row._fields, "flag_id", "flag__created_at", "environment__name", "changed_at", "asked__at")
    )
    flags: defaultdict[int, list[Place]] = defaultdict(list)
    created: dict[int, datetime] = {}
    for *facts, flag_id, created_at, environment, changed_at, asked_at in rows:
        flags[flag_id].append(Place(environment, _reach(_Row(*facts)), changed_at, asked_at))
        created[flag_id] = created_at
    judged = {
        flag_id: stale(places, created_at=created[flag_id], counting_since=since, now=now)
        for flag_id, places in flags.items()
    }
    return {flag_id: found for flag_id, found in judged.items() if found is not None}


class _Row(NamedTuple):
    """What of a FlagState tells for whom it is on."""

    enabled: bool
    percentage: Decimal
    allow_count: int
    deny_count: int
    targeting: Mapping[str, Any]


def _reach(state: FlagState | _Row) -> Reach:
    """For whom it is on, as far as that is the same for everybody."""
    if not state.enabled:
        return Reach.NOBODY
    if state.targeting.get("rules") or state.targeting.get("prerequisites") or state.deny_count:
        return Reach.SOME
    if state.percentage == 100:
        return Reach.SOME if isinstance(state.targeting.get("serve"), list) else Reach.EVERYBODY
    return Reach.SOME if state.percentage or state.allow_count else Reach.NOBODY
