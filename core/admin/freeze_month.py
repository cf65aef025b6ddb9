"""The calendar: one month of freezes, with what is planned for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, cast

from django.urls import reverse
from django.utils import timezone

from core import environments, freezes, month, planned
from core.admin.read_only import Screen
from core.calendar import Occurrence
from core.errors import Invalid
from core.freezes import Span
from core.models import Environment, Freeze
from core.month import Month, Week
from core.planned import Item
from core.repeating import words


@dataclass(frozen=True, slots=True)
class Due:
    """Something that is planned, with its environment."""

    item: Item
    environment: Environment


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the grid with what is planned for it."""

    date: date
    here: bool
    today: bool
    items: list[Due]


@dataclass(frozen=True, slots=True)
class Row:
    week: Week[Span]
    days: list[Day]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list under the grid: a freeze, or something that is planned."""

    at: datetime
    span: Span | None = None
    due: Due | None = None

    @property
    def when(self) -> str:
        """The freeze's time in the zone of the page."""
        if self.span is None:
            return ""
        seen = self.span.occurrence
        return str(Occurrence(timezone.localtime(seen.starts_at), timezone.localtime(seen.ends_at)))


@dataclass(frozen=True, slots=True)
class Listed:
    """A freeze in the list of all, with its recurrence in words and its next occurrence."""

    freeze: Freeze
    words: str
    current: bool
    next: Any


class FreezeMonth(Screen):
    permission_required = "core.view_freeze"
    title = "Freezes"
    template_name = "core/freeze_month.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.localtime()
        shown = _month(self.request.GET.get("month", ""), now)
        where = list(environments.ordered())
        chosen = next((each for each in where if each.key == self.request.GET.get("environment")), None)
        spans, items = _content(shown, [chosen] if chosen else where)
        kwargs |= {"crumbs": [("Home", reverse("admin:index"))]}
        return super().get_context_data(
            now=now,
            month=shown,
            before=shown.moved(-1),
            after=shown.moved(1),
            rows=_rows(shown, spans, items, today=now.date()),
            entries=_entries(shown, spans, items),
            environments=where,
            chosen=chosen,
            live=_listed(freezes.live(), now),
            ended=list(freezes.ended()[:20]),
            may_plan=self.request.user.has_perm("core.plan_freeze"),
            zone=timezone.get_current_timezone_name(),
            **kwargs,
        )


def _month(text: str, now: datetime) -> Month:
    try:
        return month.read(text)
    except Invalid:
        return Month(now.year, now.month)


def _content(shown: Month, where: Sequence[Environment]) -> tuple[list[Span], list[Due]]:
    """What the weeks of the month hold in these environments."""
    since, until = _edges(shown)
    by_key = {each.key: each for each in where}
    spans = freezes.spans(freezes.live(), since=since, until=until)
    items = planned.between(since, until)
    return (
        [span for span in spans if any(each.key in by_key for each in span.environments)],
        [Due(item, by_key[item.environment]) for item in items if item.environment in by_key],
    )


def _edges(shown: Month) -> tuple[datetime, datetime]:
    """From the first moment of the first week to the end of the last one."""
    weeks = shown.days
    first, last = weeks[0][0], weeks[-1][-1]
    here = timezone.get_current_timezone()
    return datetime.combine(first, time(), here), datetime.combine(last + timedelta(days=1), time(), here)


def _rows(shown: Month, spans: Sequence[Span], items: Sequence[Due], *, today: date) -> list[Row]:
    things = [(*_days_of(span), span) for span in spans]
    on_day: dict[date, list[Due]] = {}
    for due in items:
        on_day.setdefault(timezone.localtime(due.item.at).date(), []).append(due)
    return [
        Row(week, [Day(day, day.month == shown.number, day == today, on_day.get(day, [])) for day in week.days])
        for week in month.weeks(shown, things)
    ]


def _days_of(span: Span) -> tuple[date, date]:
    """The first and the last day that it touches, in the zone of the page."""
    last = timezone.localtime(span.occurrence.ends_at) - timedelta.resolution
    return timezone.localtime(span.occurrence.starts_at).date(), last.date()


def _entries(shown: Month, spans: Sequence[Span], items: Sequence[Due]) -> list[Entry]:
    """The month itself as a list, without the days of its neighbours."""
    first, after = shown.first, shown.moved(1).first
    found = [Entry(span.occurrence.starts_at, span=span) for span in spans if _days_of(span)[1] >= first]
    found += [Entry(due.item.at, due=due) for due in items]
    inside = [each for each in found if timezone.localtime(each.at).date() < after]
    kept = [each for each in inside if each.span or timezone.localtime(each.at).date() >= first]
    return sorted(kept, key=lambda each: each.at)


def _listed(rows: Iterable[Freeze], now: datetime) -> list[Listed]:
    found = []
    for freeze in rows:
        table = freezes.timetable(freeze)
        current = table.at(now)
        coming = current or next(iter(table.after(now)), None)
        found.append(Listed(freeze, words(freeze.recurrence, table.start), current is not None, coming))
    return sorted(found, key=lambda each: cast(Any, each.next).starts_at if each.next else now + timedelta(days=9999))
