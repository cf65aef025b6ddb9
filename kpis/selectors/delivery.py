"""The four delivery metrics of an environment over a time. `kpis.domain.delivery` says what they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import incidents.selectors
from core import environments, events
from incidents.domain.states import IncidentState
from kpis.domain.delivery import (
    FAILS_WITHIN,
    ONE_DEPLOYMENT,
    RAISED,
    TAKEN_BACK,
    TELLING,
    Deployment,
    Happening,
    Trouble,
    deployments,
    judged,
    led,
    troubles,
)
from kpis.domain.figure import Period
from monitoring.domain.raised import CHANGING, FlagChange

if TYPE_CHECKING:
    from core.models import Environment

LOOKED_BACK = timedelta(days=400)  # for the start of a change
FIELDS = ("pk", "at", "kind", "subject", "before", "after", "data", "reason")


@dataclass(frozen=True, slots=True)
class Restored:
    """One incident: `took` from its begin to its end; None where `why` tells why it does not count."""

    number: int
    title: str
    began_at: datetime
    ended_at: datetime | None
    why: str = ""

    @property
    def took(self) -> timedelta | None:
        return None if self.ended_at is None or self.why else self.ended_at - self.began_at


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was deployed in a time, and the incidents that were restored in it or are open still."""

    period: Period
    deployments: Sequence[Deployment]
    restored: Sequence[Restored]

    @property
    def leads(self) -> list[timedelta]:
        return [one.lead for one in self.deployments if one.lead is not None]

    @property
    def failed(self) -> list[Deployment]:
        return [one for one in self.deployments if one.failed]

    @property
    def times(self) -> list[timedelta]:
        return [one.took for one in self.restored if one.took is not None]


def delivery(environment: Environment, period: Period) -> Delivery:
    """Everything the four metrics are computed from: at most eight queries, however much happened."""
    told = _told(environment.pk, TELLING, period.start - ONE_DEPLOYMENT, period.end + FAILS_WITHIN)
    trouble = [*troubles(told), *_linked(environment.pk, period)]
    found = [one for one in judged(deployments(told), trouble) if period.start <= one.at < period.end]
    return Delivery(period, _with_leads(environment, found), restored(environment, period))


def restored(environment: Environment, period: Period) -> list[Restored]:
    """The incidents that ended in the period, and those that began before its end and are open. One query."""
    rows = incidents.selectors.incidents().filter(environment_id=environment.pk, began_at__lt=period.end)
    found = []
    for row in rows.exclude(state=IncidentState.MERGED.value).order_by("began_at", "pk"):
        ended = row.mitigated_at or row.resolved_at
        if ended is None and not row.is_open:
            found.append(Restored(row.pk, row.title, row.began_at, None, "it was closed without ever being resolved"))
        elif ended is None:
            found.append(Restored(row.pk, row.title, row.began_at, None, "it is not restored yet"))
        elif period.start <= ended < period.end:
            why = "it ended before it began" if ended < row.began_at else ""
            found.append(Restored(row.pk, row.title, row.began_at, ended, why))
    return found


def _told(environment_id: int, kinds: Collection[str], start: datetime, end: datetime) -> list[Happening]:
    found = events.recent().filter(environment_id=environment_id, kind__in=kinds, at__gte=start, at__lt=end)
    return [Happening(*row) for row in found.order_by("at", "pk").values_list(*FIELDS)]


def _linked(environment_id: int, period: Period) -> list[Trouble]:
    """What incidents were about that were opened in the period, or soon enough after it. Two queries."""
    end = period.end + FAILS_WITHIN
    rows = incidents.selectors.incidents().filter(environment_id=environment_id, opened_at__gte=period.start)
    return [
        Trouble(row.opened_at, link.subject, f"incident {row.pk} was opened about it")
        for row in rows.filter(opened_at__lt=end).prefetch_related("links")
        for link in row.links.all()
    ]


def _with_leads(environment: Environment, found: Sequence[Deployment]) -> list[Deployment]:
    """Those that were found, with how long each took."""
    flags = {one.subject for one in found if one.begins and one.subject.startswith("flag:")}
    activated, ended = _starts_and_ends(flags, environment, found)
    asked = _asked(found)
    return [
        led(
            one,
            activated=activated.get(one.subject, ()),
            ended=ended.get(one.subject, ()),
            asked=asked.get(one.subject if one.number else f"request:{one.request}"),
        )
        for one in found
    ]


def _starts_and_ends(
    flags: Collection[str], here: Environment, found: Sequence[Deployment]
) -> tuple[Mapping[str, list[datetime]], Mapping[str, list[datetime]]]:
    """When each flag was raised in the first environment, and when it was taken from everybody here."""
    activated: dict[str, list[datetime]] = defaultdict(list)
    ended: dict[str, list[datetime]] = defaultdict(list)
    first = environments.ordered().first()
    if not flags or first is None:
        return activated, ended
    last = max(one.at for one in found)
    rows = events.recent().filter(
        subject__in=flags,
        environment_id__in={first.pk, here.pk},
        kind__in={*CHANGING, *RAISED, *TAKEN_BACK},
        at__gte=last - LOOKED_BACK,
        at__lte=last,
    )
    for subject, place, at, before, after in rows.values_list("subject", "environment_id", "at", "before", "after"):
        if place == first.pk and first.pk != here.pk and FlagChange(subject, before, after).raises:
            activated[subject].append(at)
        if place == here.pk and FlagChange(subject, after, before).begins:
            ended[subject].append(at)
    return activated, ended


def _asked(found: Sequence[Deployment]) -> dict[str, datetime]:
    """When the requests and the runs of migrations were opened, by subject. One query."""
    subjects = {one.subject for one in found if one.number} | {
        f"request:{one.request}" for one in found if one.request is not None
    }
    if not subjects:
        return {}
    opened = events.recent().filter(subject__in=subjects, kind__in=("request.opened", "migration.requested"))
    return dict(opened.values_list("subject", "at"))
