"""The next phase and the roadmap, as boards."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from core import beside
from core.admin.confirm import Effect, ReasonForm
from core.admin.read_only import Screen
from core.admin.row_command import RowCommand
from core.errors import Invalid, NotFound
from improvement.admin import words
from improvement.admin.listed import ListedAdmin
from improvement.admin.writing import VersionedForm, Write
from improvement.domain import draft
from improvement.domain.future import LEVELS, RISKS, CheckKind, Progress
from improvement.domain.lines import read_deliverables, read_prerequisites, write_deliverables, write_prerequisites
from improvement.models import NextPhase, Quarter
from improvement.selectors import future as selectors
from improvement.services import future as service

VIEW = "improvement.view_nextphase"
PLAN = "improvement.plan_nextphase"


class Board(Screen):
    """Every next phase with its prerequisites as they stand now, and the roadmap below."""

    permission_required = VIEW
    template_name = "improvement/future.html"
    title = "Next phase and roadmap"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        phases = [(row, self._standing(row, now)) for row in selectors.phases()]
        quarters = [
            (row, [(one["text"], words.progress(one["state"])) for one in row.deliverables])
            for row in selectors.quarters()
        ]
        return super().get_context_data(
            phases=phases, quarters=quarters, may_plan=self.request.user.has_perm(PLAN), **kwargs
        )

    def _standing(self, row: NextPhase, now: Any) -> dict[str, Any]:
        found = selectors.standing(row, now=now)
        return {
            "lines": [(one, words.met(one.met), one.check == CheckKind.SAID) for one in found],
            "met": sum(one.met is True for one in found),
            "of": len(found),
            "risks": [(name, row.risks[name]) for name in RISKS],
        }


class PhaseForm(VersionedForm):
    title = forms.CharField(label="Phase", max_length=200, widget=UnfoldAdminTextInputWidget)
    timeline = forms.CharField(label="Timeline", required=False, max_length=200, widget=UnfoldAdminTextInputWidget)
    objectives = forms.CharField(
        label="Objectives",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text="One on each line.",
    )
    prerequisites = forms.CharField(
        label="Prerequisites",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text="One on each line. What is measured has its check behind two colons: "
        "Complete current rollout :: plan production · Everybody has it :: flag atomicMeltOperations in production · "
        "It is calm :: incidents · Ask users :: feedback 30",
    )
    reason = forms.CharField(label="Reason", max_length=2000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in RISKS:
            self.fields[name] = forms.ChoiceField(
                label=f"{name.capitalize()} risk",
                choices=[(level, level) for level in LEVELS],
                widget=UnfoldAdminSelectWidget,
            )
        self.order_fields(["title", "timeline", "objectives", "prerequisites", *RISKS, "reason"])

    def clean_prerequisites(self) -> list[dict[str, str]]:
        try:
            return read_prerequisites(self.cleaned_data["prerequisites"])
        except Invalid as error:
            raise forms.ValidationError(str(error)) from error


class EditPhase(Write):
    permission_required = PLAN
    form_class = PhaseForm

    @cached_property
    def row(self) -> NextPhase:
        return find(self.kwargs["key"])

    @property
    def title(self) -> str:  # type: ignore[override]
        return f"Change {self.row.title}"

    def subject(self) -> tuple[str, int | None]:
        return f"next-phase:{self.kwargs['key']}", None

    def version(self) -> int | None:
        return self.row.version

    def start(self) -> dict[str, Any]:
        row = self.row
        return {
            "title": row.title,
            "timeline": row.timeline,
            "objectives": "\n".join(row.objectives),
            "prerequisites": write_prerequisites(row.prerequisites),
            **row.risks,
        }

    def save(self, values: dict[str, Any], who: dict[str, Any]) -> NextPhase:
        given = {
            **{name: values[name] for name in ("title", "timeline", "prerequisites")},
            "objectives": values["objectives"].splitlines(),
            "risks": {name: values[name] for name in RISKS},
        }
        told = {"reason": values["reason"], "version": values["version"]}
        return service.define_phase(self.row.key, given, **told, **who)

    def finish(self, row: NextPhase) -> HttpResponse:
        return self.went(f"{row.title} is changed.", self.back())


class QuarterForm(VersionedForm):
    focus = forms.CharField(label="Focus", max_length=200, widget=UnfoldAdminTextInputWidget)
    deliverables = forms.CharField(
        label="Deliverables",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text=f"One on each line; how far it is behind two colons: {', '.join(Progress)}. Nothing: planned.",
    )
    reason = forms.CharField(label="Reason", max_length=2000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}))

    def clean_deliverables(self) -> list[dict[str, str]]:
        try:
            return read_deliverables(self.cleaned_data["deliverables"])
        except Invalid as error:
            raise forms.ValidationError(str(error)) from error


class EditQuarter(Write):
    permission_required = PLAN
    form_class = QuarterForm

    @cached_property
    def row(self) -> Quarter:
        try:
            return selectors.quarter(self.kwargs["key"])
        except NotFound as error:
            raise Http404(str(error)) from error

    @property
    def title(self) -> str:  # type: ignore[override]
        return f"Change {self.row.label}"

    def subject(self) -> tuple[str, int | None]:
        return f"quarter:{self.kwargs['key']}", None

    def version(self) -> int | None:
        return self.row.version

    def start(self) -> dict[str, Any]:
        return {"focus": self.row.focus, "deliverables": write_deliverables(self.row.deliverables)}

    def save(self, values: dict[str, Any], who: dict[str, Any]) -> Quarter:
        given = {**{name: values[name] for name in ("focus", "deliverables")}, "position": self.row.position}
        told = {"reason": values["reason"], "version": values["version"]}
        return service.define_quarter(self.row.key, given, **told, **who)

    def finish(self, row: Quarter) -> HttpResponse:
        return self.went(f"{row.label} is changed.", reverse("admin:improvement_nextphase_changelist"))


class SayForm(ReasonForm):
    text = forms.CharField(widget=forms.HiddenInput)


class Say(RowCommand):
    """A person's word for a prerequisite: given, or taken back."""

    permission_required = PLAN
    name, label, icon = "say", "Say it is met", "verified"
    form_class = SayForm
    reason_label = "How you know"

    @cached_property
    def row(self) -> NextPhase:
        return find(self.kwargs["key"])

    @property
    def text(self) -> str:
        return str(self.request.POST.get("text") or self.request.GET.get("text", ""))

    @property
    def met(self) -> bool:
        return self.text not in self.row.said

    def subject(self) -> tuple[str, int | None]:
        return f"next-phase:{self.kwargs['key']}", None

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "text": self.text}

    def effect(self) -> Effect:
        submit = "It is met" if self.met else "It is not met after all"
        return Effect(f"{self.row.title}: {self.text}", list(self.sentences()), submit)

    def sentences(self) -> Sequence[str]:
        return ["The board tells that you said so, and how you know." if self.met else "Your word is taken back."]

    def perform(self, values: dict[str, Any]) -> str:
        told = {"met": self.met, "note": values["reason"], "version": values["version"]}
        service.say_met(self.row.key, values["text"], **told, **self.who())
        return "Noted."

    def back(self) -> str:
        return reverse("admin:improvement_nextphase_changelist")


def find(key: str) -> NextPhase:
    try:
        return selectors.phase(key)
    except NotFound as error:
        raise Http404(str(error)) from error


class Draft(Screen):
    """The next phase as a playbook to go on with: a file that `manage.py playbook validate` takes."""

    permission_required = PLAN

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        row = find(self.kwargs["key"])
        answer = HttpResponse(draft.playbook(row.key, service.as_dict(row)), content_type="application/yaml")
        answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=f"{row.key}.yaml")
        return answer


@admin.register(NextPhase)
class NextPhaseAdmin(ListedAdmin):
    heading = "Next phase and roadmap"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        views: dict[str, Any] = {"edit": EditPhase, "say": Say, "draft": Draft}
        own = [
            path(f"of/<slug:key>/{name}/", wrap(view.as_view(model_admin=self)), name=f"improvement_nextphase_{name}")
            for name, view in views.items()
        ]
        quarter = wrap(EditQuarter.as_view(model_admin=self))
        return [
            *own,
            path("quarter/<slug:key>/edit/", quarter, name="improvement_quarter_edit"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        board: HttpResponse = Board.as_view(model_admin=self)(request)
        return board


@admin.register(Quarter)
class QuarterAdmin(ListedAdmin):
    """The roadmap is on the board of the next phase."""

    heading = "Roadmap"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return redirect("admin:improvement_nextphase_changelist")


def _board(key: str, environment: str) -> str:
    return reverse("admin:improvement_nextphase_changelist")


beside.add_page("next-phase", _board)
beside.add_page("quarter", _board)
