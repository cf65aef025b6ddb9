"""What other pages tell about what was learnt: lessons where they matter, and a way to write one."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from django.template.loader import render_to_string
from django.urls import reverse

from core import beside
from core.beside import Person
from improvement.admin.lessons import VIEW, WRITE
from improvement.domain.lessons import WORDS
from improvement.selectors import lessons


def of_subjects(subjects: Sequence[str], environment: str, person: Person) -> str:
    """The lessons that this page taught, and those that matter to what it is about. Two queries."""
    if not person.has_perm(VIEW):
        return ""
    taught = list(lessons.taught_by(subjects[0]).filter(retired_at=None)[:10])
    others = [row for row in lessons.about(subjects) if row not in taught][:10]
    start = {"evidence": subjects[0], "about": ", ".join(subjects[1:])}
    write = f"{reverse('admin:improvement_lesson_new')}?{urlencode(start)}" if person.has_perm(WRITE) else ""
    if not (taught or others or write):
        return ""
    rows = [(row, WORDS[row.sort]) for row in (*taught, *others)]
    return render_to_string("improvement/beside.html", {"rows": rows, "write": write})


beside.add_subject_part(of_subjects)
