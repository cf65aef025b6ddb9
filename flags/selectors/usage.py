"""How often one flag was asked for, and what it answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import CharField, Func, Sum

from flags.models import Usage

SERVED_NOTHING = "no value"  # a disabled flag: the caller's own default held


_FORMS = {"minute": (16, "YYYY-MM-DD HH24:MI"), "hour": (13, "YYYY-MM-DD HH24"), "day": (10, "YYYY-MM-DD")}


class Moment(Func):
    """A time as text in UTC, down to `down_to`: `2025-08-11 09:05` to the minute, `2025-08-11 09`, `2025-08-11`.

    Made by the database itself: Django's functions for this call Python for each row on SQLite.
    """

    output_field = CharField()

    def __init__(self, expression: str, down_to: str) -> None:
        self.length, form = _FORMS[down_to]
        super().__init__(expression, template=f"to_char(%(expressions)s AT TIME ZONE 'UTC', '{form}')")

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = f"substr(%(expressions)s, 1, {self.length})"  # stored as text in UTC
        return self.as_sql(compiler, connection, template=template, **extra)


def read_moment(text: str) -> datetime:
    """What `Moment` made."""
    return datetime.fromisoformat(text if len(text) != len("2025-08-11 09") else f"{text}:00").replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """A time that is looked at, in steps of the same length."""

    key: str
    label: str
    length: timedelta
    step: timedelta
    down_to: str

    def start(self, now: datetime) -> datetime:
        """Where the first step begins: the last one is the one that `now` is in."""
        last = now - timedelta(seconds=now.timestamp() % self.step.total_seconds())
        return last - self.length + self.step


SPANS = {
    span.key: span
    for span in (
        Span("3h", "3 hours", timedelta(hours=3), timedelta(minutes=5), "minute"),
        Span("24h", "24 hours", timedelta(hours=24), timedelta(hours=1), "hour"),
        Span("7d", "7 days", timedelta(days=7), timedelta(hours=6), "hour"),
        Span("90d", "90 days", timedelta(days=90), timedelta(days=1), "day"),
    )
}


@dataclass(frozen=True, slots=True)
class Counted:
    """The counts of a span. `steps` are when each step begins; `variants` has a count for each of them."""

    span: Span
    steps: list[datetime]
    variants: Mapping[str, list[int]]
    reasons: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.sources.values())


def counted(environment_id: int, key: str, span: Span, *, now: datetime) -> Counted:
    """What the flag answered in the span that ends now. One query."""
    start = span.start(now)
    steps = [start + number * span.step for number in range(span.length // span.step)]
    rows = (
        Usage.objects.filter(environment_id=environment_id, flag_key=key, at__gte=start)
        .annotate(moment=Moment("at", span.down_to))
        .values_list("variant", "reason", "source", "moment")
        .annotate(total=Sum("count"))
        .order_by()
    )
    variants: defaultdict[str, list[int]] = defaultdict(lambda: [0] * len(steps))
    reasons: defaultdict[str, int] = defaultdict(int)
    sources: defaultdict[str, int] = defaultdict(int)
    for variant, reason, source, moment, total in rows:
        place = (read_moment(moment) - start) // span.step
        if 0 <= place < len(steps):
            variants[variant or SERVED_NOTHING][place] += total
            reasons[reason] += total
            sources[source] += total
    shown = dict(sorted(variants.items(), key=lambda each: (each[0] in ("off", SERVED_NOTHING), each[0])))
    return Counted(span, steps, shown, dict(reasons), dict(sources))
