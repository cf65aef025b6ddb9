"""Lessons: those that hold, by what they are about."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from core.errors import NotFound
from improvement.domain.lessons import Area, Sort
from improvement.models import Lesson

MOST = 50


def listed() -> QuerySet[Lesson]:
    """All, also those that are retired."""
    return Lesson.objects.all()


def get(lesson_id: int) -> Lesson:
    row = Lesson.objects.filter(pk=lesson_id).first()
    if row is None:
        raise NotFound(f"There is no lesson {lesson_id}.")
    return row


def found(words: str = "") -> list[Lesson]:
    """Those that hold and have each of these words in their text, detail or tags, in any case; one query.

    Compared here: SQLite knows no case but that of ASCII, and JSON hides letters behind escapes.
    """
    wanted = words.casefold().split()[:10]
    rows = list(Lesson.objects.filter(retired_at=None))
    return [row for row in rows if all(word in _words(row) for word in wanted)]


def retired() -> QuerySet[Lesson]:
    """Those that hold no more, the last retired first."""
    return Lesson.objects.exclude(retired_at=None).order_by("-retired_at")[:MOST]


def board(words: str = "") -> dict[str, dict[str, list[Lesson]]]:
    """By area and sort, in the seed's order; one query."""
    rows: dict[str, dict[str, list[Lesson]]] = {area.value: {sort.value: [] for sort in Sort} for area in Area}
    for row in found(words):
        rows[row.area][row.sort].append(row)
    return rows


def about(subjects: Collection[str]) -> list[Lesson]:
    """Those that hold and matter to any of these subjects of events, newest first; one query."""
    wanted = set(subjects)
    rows = Lesson.objects.filter(retired_at=None).exclude(about=[]).order_by("-id")
    return [row for row in rows if wanted & set(row.about)][:MOST]


def taught_by(subject: str) -> QuerySet[Lesson]:
    """What was learnt from it."""
    return Lesson.objects.filter(evidence=subject)


def of_playbooks() -> QuerySet[Lesson]:
    """Those that a playbook brought and that still hold."""
    return Lesson.objects.exclude(key=None).filter(retired_at=None)


def _words(row: Lesson) -> str:
    return "\n".join((row.text, row.detail, *row.tags)).casefold()
