"""Feedback, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, QuerySet

from core.errors import NotFound
from improvement.domain.feedback import WORDS, Kind, State
from improvement.domain.satisfaction import Satisfaction
from improvement.domain.satisfaction import satisfaction as of_counts
from improvement.models import Feedback, Survey

TAGGED = 2_000  # the newest whose tags are counted


@dataclass(frozen=True, slots=True)
class Line:
    """How often something was said in a time, and in the time of the same length before it."""

    name: str
    count: int
    before: int

    @property
    def sentence(self) -> str:
        if not self.before:
            return "before: none"
        return "as often as before" if self.count == self.before else f"before: {self.before}"


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was said from `start` to `end`, and how satisfied users were then and before.

    Nothing here reads the texts: what people feel is what they rate, not what a word list takes it for.
    """

    start: datetime
    end: datetime
    kinds: list[Line]
    aspects: list[Line]
    tags: list[tuple[str, int]]
    waiting: int
    satisfaction: Satisfaction
    before: Satisfaction


def listed() -> QuerySet[Feedback]:
    """All of it, newest first."""
    return Feedback.objects.select_related("environment", "duplicate_of", "survey")


def get(feedback_id: int) -> Feedback:
    row = listed().filter(pk=feedback_id).first()
    if row is None:
        raise NotFound(f"There is no feedback {feedback_id}.")
    return row


def surveys() -> QuerySet[Survey]:
    """Newest first, each with the number of its answers."""
    return Survey.objects.select_related("environment").annotate(answered=Count("answers"))


def open_surveys(*, now: datetime) -> QuerySet[Survey]:
    """Those that can be answered now, each with the time of its last answer."""
    return surveys().filter(ended_at=None, expires_at__gt=now).annotate(answered_at=Max("answers__at"))


def satisfaction(*, start: datetime, end: datetime, environment_id: int | None = None) -> tuple[float | None, int]:
    """The mean rating of users (1 to 5, None without any) from `start` up to `end`, and how many rated.

    The seed's userSatisfaction (Business Success Metrics).
    """
    found = satisfied(start=start, end=end, environment_id=environment_id)
    return found.mean, found.n


def satisfied(*, start: datetime, end: datetime, environment_id: int | None = None) -> Satisfaction:
    """The same with its interval. Duplicates do not count; what was declined does, or the answer could be chosen."""
    rows = _within(start, end, environment_id).filter(kind=Kind.USER.value, rating__isnull=False)
    rows = rows.exclude(state=State.DUPLICATE.value).order_by()
    return of_counts(dict(rows.values_list("rating").annotate(Count("pk"))))


def analysis(*, start: datetime, end: datetime, environment_id: int | None = None) -> Analysis:
    """In a fixed number of queries."""
    earlier = start - (end - start)
    kinds, before = (_counts("kind", *span, environment_id) for span in ((start, end), (earlier, start)))
    aspects, aspects_before = (_counts("aspect", *span, environment_id) for span in ((start, end), (earlier, start)))
    tags: Counter[str] = Counter()
    for found in _within(start, end, environment_id).exclude(tags=[]).values_list("tags", flat=True)[:TAGGED]:
        tags.update(found)
    return Analysis(
        start,
        end,
        [Line(kind.value.capitalize(), kinds[kind.value], before[kind.value]) for kind in Kind],
        [Line(WORDS[name], aspects[name], aspects_before[name]) for name in WORDS],
        sorted(tags.items(), key=lambda one: (-one[1], one[0]))[:10],
        Feedback.objects.filter(state=State.NEW.value).count(),
        satisfied(start=start, end=end, environment_id=environment_id),
        satisfied(start=earlier, end=start, environment_id=environment_id),
    )


def weekly(*, end: datetime, weeks: int, environment_id: int | None = None) -> list[tuple[datetime, Satisfaction]]:
    """The satisfaction of each of the last `weeks` times of seven days, oldest first; one query."""
    start = end - timedelta(days=7 * weeks)
    rows = _within(start, end, environment_id).filter(kind=Kind.USER.value, rating__isnull=False)
    rows = rows.exclude(state=State.DUPLICATE.value).order_by()
    counts: list[Counter[int]] = [Counter() for _ in range(weeks)]
    for at, rating in rows.values_list("at", "rating").iterator():
        counts[(at - start) // timedelta(days=7)][int(rating or 0)] += 1
    return [(start + timedelta(days=7 * number), of_counts(count)) for number, count in enumerate(counts)]


def _within(start: datetime, end: datetime, environment_id: int | None) -> QuerySet[Feedback]:
    found = Feedback.objects.filter(at__gte=start, at__lt=end)
    return found if environment_id is None else found.filter(environment=environment_id)


def _counts(field: str, start: datetime, end: datetime, environment_id: int | None) -> Counter[str]:
    rows: Any = _within(start, end, environment_id).order_by().values_list(field).annotate(Count("pk"))
    return Counter(dict(rows))
