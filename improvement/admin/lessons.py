"""Lessons learned: the board with its search, one lesson, and the form."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from core import beside, events
from core.admin.confirm import Effect
from core.admin.read_only import ReadOnlyAdmin, Screen
from core.admin.row_command import RowCommand
from core.errors import NotFound
from improvement.admin import words
from improvement.admin.writing import VersionedForm, Write
from improvement.domain.feedback import LONGEST
from improvement.domain.lessons import LONGEST as LONGEST_LESSON
from improvement.domain.lessons import WORDS, Area, Sort
from improvement.models import Lesson
from improvement.selectors import actions
from improvement.selectors import lessons as selectors
from improvement.services import lessons as service

VIEW = "improvement.view_lesson"
WRITE = "improvement.write_lesson"
ACT = "improvement.work_on_actionitem"


class LessonForm(VersionedForm):
    area = forms.ChoiceField(
        label="About", choices=[(one.value, one.value.capitalize()) for one in Area], widget=UnfoldAdminSelectWidget
    )
    sort = forms.ChoiceField(
        label="Sort", choices=[(one.value, WORDS[one]) for one in Sort], widget=UnfoldAdminSelectWidget
    )
    text = forms.CharField(label="Lesson", max_length=LONGEST_LESSON, widget=UnfoldAdminTextInputWidget)
    detail = forms.CharField(
        label="More", required=False, max_length=LONGEST, widget=UnfoldAdminTextareaWidget(attrs={"rows": 5})
    )
    evidence = forms.CharField(
        label="What taught it",
        required=False,
        max_length=140,
        widget=UnfoldAdminTextInputWidget,
        help_text="As the history names it, such as rollback:rb-20261127-221954-6cc5c013. Empty: what you remember.",
    )
    about = forms.CharField(
        label="Matters to",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="It is shown there: flag:atomicMeltOperations, phase:migration. Separated by commas.",
    )
    tags = forms.CharField(
        label="Tags", required=False, widget=UnfoldAdminTextInputWidget, help_text="Separated by commas."
    )

    def values(self) -> dict[str, Any]:
        """As the service takes them."""
        told = self.cleaned_data
        return {**told, "about": told["about"].split(","), "tags": told["tags"].split(",")}


class WriteLesson(Write):
    """A new lesson, or with `pk` one that is there."""

    permission_required = WRITE
    form_class = LessonForm

    @property
    def title(self) -> str:  # type: ignore[override]
        return "Change a lesson" if self.row else "Write a lesson"

    @cached_property
    def row(self) -> Lesson | None:
        return find(self.kwargs["pk"]) if "pk" in self.kwargs else None

    def subject(self) -> tuple[str, int | None]:
        return (f"lesson:{self.row.pk}", None) if self.row else ("", None)

    def version(self) -> int | None:
        return self.row.version if self.row else None

    def back(self) -> str:
        return page(self.row.pk) if self.row else super().back()

    def start(self) -> dict[str, Any]:
        if self.row is None:
            return {name: self.request.GET.get(name, "") for name in ("evidence", "about", "text")}
        told = service.as_dict(self.row)
        return {**told, "about": ", ".join(told["about"]), "tags": ", ".join(told["tags"])}

    def form_valid(self, form: Any) -> HttpResponse:
        form.cleaned_data = form.values()
        return super().form_valid(form)

    def save(self, values: dict[str, Any], who: dict[str, Any]) -> Lesson:
        if self.row is None:
            return service.write(values, **who)
        return service.change(self.row.pk, values, version=values["version"], **who)

    def finish(self, row: Lesson) -> HttpResponse:
        return self.went("The lesson is written down.", page(row.pk))


class Retire(RowCommand):
    permission_required = WRITE
    name, label, icon = "retire", "Retire", "inventory_2"

    @cached_property
    def row(self) -> Lesson:
        return find(self.kwargs["pk"])

    def subject(self) -> tuple[str, int | None]:
        return f"lesson:{self.kwargs['pk']}", None

    def effect(self) -> Effect:
        return Effect(f"Retire: {self.row.text}", list(self.sentences()), "Retire it")

    def sentences(self) -> Sequence[str]:
        return ["It holds no more: it is shown neither on the board nor where it mattered. Its page stays."]

    def perform(self, values: dict[str, Any]) -> str:
        service.retire(self.row.pk, reason=values["reason"], version=values["version"], **self.who())
        return "Retired."

    def back(self) -> str:
        return page(self.kwargs["pk"])


class LessonPage(Screen):
    permission_required = VIEW
    template_name = "improvement/lesson.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = find(self.kwargs["pk"])
        self.title = row.text
        user, today = self.request.user, timezone.localdate()
        start = {"origin": f"lesson:{row.pk}", "title": row.text[:200]}
        return super().get_context_data(
            row=row,
            sort=WORDS[row.sort],
            evidence_url=beside.page_of(row.evidence) if row.evidence else "",
            about=[(subject, beside.page_of(subject)) for subject in row.about if not subject.startswith("phase:")],
            phases=[subject.removeprefix("phase:") for subject in row.about if subject.startswith("phase:")],
            items=[(item, words.action(item, today=today)) for item in actions.of_origin(start["origin"])],
            act=f"{reverse('admin:improvement_actionitem_new')}?{urlencode(start)}" if user.has_perm(ACT) else "",
            may_write=user.has_perm(WRITE) and row.retired_at is None,
            history=events.about(f"lesson:{row.pk}")[:20],
            **kwargs,
        )


class Board(Screen):
    """All that hold, by area and sort."""

    permission_required = VIEW
    template_name = "improvement/lessons.html"
    title = "Lessons learned"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        words_given = self.request.GET.get("q", "")[:200]
        board = selectors.board(words_given)
        return super().get_context_data(
            q=words_given,
            areas=[
                (area.capitalize(), [(WORDS[sort], rows) for sort, rows in sorts.items()])
                for area, sorts in board.items()
            ],
            found=sum(len(rows) for sorts in board.values() for rows in sorts.values()),
            retired=selectors.retired(),
            may_write=self.request.user.has_perm(WRITE),
            **kwargs,
        )


def find(pk: int) -> Lesson:
    try:
        return selectors.get(pk)
    except NotFound as error:
        raise Http404(str(error)) from error


def page(pk: int) -> str:
    return reverse("admin:improvement_lesson_change", args=[pk])


@admin.register(Lesson)
class LessonAdmin(ReadOnlyAdmin):
    heading = "Lessons learned"
    page = LessonPage

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        edit = wrap(WriteLesson.as_view(model_admin=self))
        return [
            path("new/", edit, name="improvement_lesson_new"),
            path("<int:pk>/edit/", edit, name="improvement_lesson_edit"),
            path("<int:pk>/retire/", wrap(Retire.as_view(model_admin=self)), name="improvement_lesson_retire"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        board: HttpResponse = Board.as_view(model_admin=self)(request)
        return board


beside.add_page("lesson", lambda key, where: page(int(key)))
