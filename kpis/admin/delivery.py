"""The four delivery metrics of an environment, with every deployment and incident they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.template.defaultfilters import pluralize
from django.utils import timezone

from core.admin.read_only import Screen
from core.intervals import wilson
from core.moments import span as length
from kpis.admin import places
from kpis.domain.days import ONE, day_of, period_of
from kpis.domain.delivery import FAILS_WITHIN, middle, spread
from kpis.domain.figure import Period
from kpis.domain.weeks import Week, weeks
from kpis.domain.words import amount
from kpis.selectors.delivery import Delivery, delivery
from kpis.selectors.figures import zone_of
from kpis.selectors.measuring import began

SPANS = ((28, "28 days"), (92, "92 days"), (366, "1 year"))
MOST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Card:
    """One of the four: the figure in words, what it is made of, and how it is spread."""

    name: str
    value: str
    note: str
    spread: Sequence[tuple[str, int, float]] = ()


class DeliveryPage(Screen):
    permission_required = places.VIEW
    template_name = "kpis/delivery.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, where = timezone.now(), places.find_environment(self.kwargs["where"])
        self.title = f"Delivery in {where}"
        given = self.request.GET.get("days", "")
        days = next((days for days, _ in SPANS if str(days) == given), SPANS[1][0])
        zone = zone_of(where)
        today = day_of(now, zone)
        first = max(filter(None, (period_of(today + ONE - timedelta(days=days), zone).start, began(where))))
        period = Period(first, period_of(today, zone).end)
        found = delivery(where, period)
        return super().get_context_data(
            now=now,
            environment_row=where,
            tabs=places.tabs(places.delivery),
            days=days,
            spans=SPANS,
            cards=cards(found, now=now),
            weeks=history(found, zone),
            found=found,
            rows=list(reversed(found.deployments))[:MOST_ROWS],
            incidents=list(reversed(found.restored))[:MOST_ROWS],
            young=sum(now - one.at < FAILS_WITHIN and not one.failed for one in found.deployments),
            **kwargs,
        )


def history(found: Delivery, zone: ZoneInfo) -> list[Week]:
    """The four week by week, by the days of the zone."""
    first, end = (at.astimezone(zone) for at in (found.period.start, found.period.end))
    return weeks(
        first.date(),
        (end - timedelta(microseconds=1)).date(),
        deployed=[(day_of(one.at, zone), one) for one in found.deployments],
        restored=[(day_of(one.ended_at, zone), one.took) for one in found.restored if one.took and one.ended_at],
    )


def cards(found: Delivery, *, now: datetime) -> list[Card]:
    """The four, in DORA's order."""
    return [_frequency(found, now), _lead(found), _failures(found), _restore(found)]


def _frequency(found: Delivery, now: datetime) -> Card:
    weeks = (min(now, found.period.end) - found.period.start) / timedelta(weeks=1)
    days = len({timezone.localtime(one.at).date() for one in found.deployments})
    note = f"{_so_many(len(found.deployments), 'deployment')} on {_so_many(days, 'different day')}"
    if weeks < 1:
        return Card("Deployment frequency", "too early to say", f"{note}; a rate needs a week of history")
    return Card("Deployment frequency", amount(len(found.deployments) / weeks, "a week"), note)


def _lead(found: Delivery) -> Card:
    without = len(found.deployments) - len(found.leads)
    note = f"median of {_so_many(len(found.leads), 'change')}"
    note += f"; {_so_many(without, 'deployment')} without one, see why below" if without else ""
    return Card("Lead time for changes", _median(found.leads), note, _bars(found.leads))


def _failures(found: Delivery) -> Card:
    of, bad = len(found.deployments), len(found.failed)
    if not of:
        return Card("Change failure rate", "no data", "nothing was deployed in this time")
    low, high = wilson(bad, of)
    between = f"the true rate lies between {100 * low:.0f} and {100 * high:.0f} % (95 %)"
    note = f"{bad:,} of {_so_many(of, 'deployment')}; {between}"
    return Card("Change failure rate", amount(100 * bad / of, "%"), note)


def _restore(found: Delivery) -> Card:
    open_ones = len(found.restored) - len(found.times)
    note = f"median of {_so_many(len(found.times), 'incident')}"
    if found.times:
        note += f", mean {length(sum(found.times, timedelta()) / len(found.times))}"
    note += f"; {open_ones:,} left out, see why below" if open_ones else ""
    return Card("Time to restore", _median(found.times), note, _bars(found.times))


def _so_many(number: int, what: str) -> str:
    return f"{number:,} {what}{pluralize(number)}"


def _median(times: Sequence[timedelta]) -> str:
    half = middle(times)
    return "no data" if half is None else length(half)


def _bars(times: Sequence[timedelta]) -> list[tuple[str, int, float]]:
    """Each length with how many there are, and their share of all in percent."""
    return [(name, count, 100 * count / len(times)) for name, count in spread(times)] if times else []
