"""Freezes: when nothing is raised, promoted or released. Reads; the commands are in core.freezing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from core import calendar
from core.calendar import Occurrence, Timetable
from core.errors import Conflict, NotFound
from core.models import Freeze, FreezeOverride

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from core.models import Environment


@dataclass(frozen=True, slots=True)
class Frozen:
    """One occurrence that holds now. `ends_at` is in the freeze's zone."""

    freeze_id: int
    name: str
    reason: str
    starts_at: datetime
    ends_at: datetime

    @property
    def sentence(self) -> str:
        return f"Frozen until {self.ends_at:%Y-%m-%d %H:%M} {self.ends_at.tzname()} ({self.name}): {self.reason}"


class FrozenError(Conflict):
    """The environment is frozen now. `frozen` says by what, and until when."""

    def __init__(self, environment: str, frozen: Frozen) -> None:
        super().__init__(
            f"{environment} is frozen until {frozen.ends_at:%Y-%m-%d %H:%M} {frozen.ends_at.tzname()} "
            f"({frozen.name}: {frozen.reason}). Disabling and rolling back stay possible; an approver can let "
            "changes through, with a reason."
        )
        self.frozen = frozen


@dataclass(frozen=True, slots=True)
class Span:
    """One occurrence of a freeze in its environments. `lifted` are the overrides of it by environment id."""

    freeze: Freeze
    environments: tuple[Environment, ...]
    occurrence: Occurrence
    lifted: Mapping[int, FreezeOverride]

    def held(self, now: datetime) -> list[Environment]:
        """The environments in which it holds now."""
        if not self.occurrence.holds(now):
            return []
        return [each for each in self.environments if not is_lifted(self.lifted.get(each.pk), now)]


def is_lifted(override: FreezeOverride | None, now: datetime) -> bool:
    """Whether changes are let through now."""
    return override is not None and override.at <= now < override.until


def timetable(freeze: Freeze) -> Timetable:
    """When the freeze holds."""
    return calendar.stored(
        start=freeze.starts_at,
        zone=freeze.zone,
        seconds=freeze.duration,
        recurrence=freeze.recurrence,
        but_not=freeze.but_not,
    )


def live() -> QuerySet[Freeze]:
    """The freezes that have not been ended, oldest first, with their environments in one more query."""
    return Freeze.objects.filter(ended_at=None).prefetch_related("environments").order_by("id")


def ended() -> QuerySet[Freeze]:
    """The freezes that were ended, the last one first, with their environments in one more query."""
    return Freeze.objects.exclude(ended_at=None).prefetch_related("environments").order_by("-ended_at")


def get(freeze_id: int) -> Freeze:
    """One freeze, ended or not, or NotFound."""
    found = Freeze.objects.prefetch_related("environments").filter(pk=freeze_id).first()
    if found is None:
        raise NotFound(f"There is no freeze {freeze_id}.")
    return found


def holding(environment_id: int, *, now: datetime) -> Frozen | None:
    """The freeze that holds in this environment now, the one that ends last; None when changes may pass.

    A freeze that an approver has overridden for this occurrence and environment does not hold. Two queries at
    most, however many freezes there are.
    """
    rows = Freeze.objects.filter(ended_at=None, environments=environment_id)
    now_on = [(row, occurrence) for row in rows if (occurrence := timetable(row).at(now))]
    if not now_on:
        return None
    lifted = set(
        FreezeOverride.objects.filter(environment=environment_id, at__lte=now, until__gt=now).values_list(
            "freeze_id", "occurrence"
        )
    )
    return _last([pair for pair in now_on if (pair[0].pk, _utc(pair[1].starts_at)) not in lifted])


def held_now(*, now: datetime) -> dict[int, Frozen]:
    """What `holding` says of every environment in which something holds, by its id: three queries at most."""
    found: dict[int, list[tuple[Freeze, Occurrence]]] = {}
    for span in spans(live(), since=now, until=now + timedelta.resolution):
        for environment in span.held(now):
            found.setdefault(environment.pk, []).append((span.freeze, span.occurrence))
    return {pk: frozen for pk, pairs in found.items() if (frozen := _last(pairs))}


def require_none(environment_id: int, environment: str, *, now: datetime) -> None:
    """Raise FrozenError while a freeze holds."""
    frozen = holding(environment_id, now=now)
    if frozen is not None:
        raise FrozenError(environment, frozen)


def spans(freezes: Iterable[Freeze], *, since: datetime, until: datetime, most: int = 1000) -> list[Span]:
    """The occurrences of these freezes in [since, until), earliest first, each freeze's first `most`; one query."""
    found = [
        (freeze, occurrence)
        for freeze in freezes
        for _, occurrence in zip(range(most), timetable(freeze).between(since, until), strict=False)
    ]
    lifted = _overrides({freeze.pk for freeze, _ in found}) if found else {}
    shown = [
        Span(freeze, tuple(freeze.environments.all()), each, lifted.get((freeze.pk, _utc(each.starts_at)), {}))
        for freeze, each in found
    ]
    return sorted(shown, key=lambda span: (span.occurrence.starts_at, span.freeze.pk))


def upcoming(freeze: Freeze, *, now: datetime, most: int) -> list[Occurrence]:
    """The occurrence that holds now, if one does, and those after it; none of an ended freeze."""
    if freeze.ended_at is not None:
        return []
    table = timetable(freeze)
    current = table.at(now)
    return [*([current] if current else []), *table.after(now, most - bool(current))]


def overrides(freeze_id: int) -> QuerySet[FreezeOverride]:
    """Who let changes through this freeze, the last one first."""
    found = FreezeOverride.objects.filter(freeze=freeze_id).select_related("freeze", "environment")
    return found.order_by("-occurrence", "-at")


def override(override_id: int, *, freeze_id: int) -> FreezeOverride:
    """One override of the freeze, or NotFound."""
    found = overrides(freeze_id).filter(pk=override_id).first()
    if found is None:
        raise NotFound(f"There is no override {override_id} of this freeze.")
    return found


def _overrides(freeze_ids: set[int]) -> dict[tuple[int, datetime], dict[int, FreezeOverride]]:
    found: dict[tuple[int, datetime], dict[int, FreezeOverride]] = {}
    for row in FreezeOverride.objects.filter(freeze__in=freeze_ids):
        found.setdefault((row.freeze_id, _utc(row.occurrence)), {})[row.environment_id] = row
    return found


def _last(pairs: list[tuple[Freeze, Occurrence]]) -> Frozen | None:
    if not pairs:
        return None
    freeze, occurrence = max(pairs, key=lambda pair: pair[1].ends_at)
    return Frozen(freeze.pk, freeze.name, freeze.reason, occurrence.starts_at, occurrence.ends_at)


def _utc(at: datetime) -> datetime:
    """Where the clocks show a time twice, Python holds it for equal to no time of another zone."""
    return at.astimezone(UTC)
