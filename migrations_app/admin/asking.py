"""Plan a run: what is wanted, a dry run that counts it in the database, and then the request."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.generic import FormView
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from core import environments
from core.admin.read_only import person
from core.errors import DomainError
from migrations_app.adapters import modules, target
from migrations_app.adapters.mongo import Unreachable
from migrations_app.admin import words
from migrations_app.admin.answering import need_answer
from migrations_app.admin.steering import REQUEST
from migrations_app.domain.amounts import size
from migrations_app.domain.migration import PhaseName
from migrations_app.domain.readiness import Readiness
from migrations_app.domain.restoring import Fate
from migrations_app.domain.states import Traffic
from migrations_app.models import MigrationRun
from migrations_app.services import planning, readiness, requesting

if TYPE_CHECKING:
    from core.models import Environment

CHANGE = "change"
PHASES = [
    (CHANGE, "Schema and data: the change itself. Its journal is the way back."),
    (
        PhaseName.CLEANUP.value,
        "Cleanup: a run of its own, days after the change, when nobody reads the old form any more.",
    ),
]
WANTED = ("environment", "number", "phases", "canary", "traffic")


class PlanForm(forms.Form):
    """`tried` is what the dry run was about: nothing else is asked for than what it showed."""

    number = forms.ChoiceField(label="Migration", widget=UnfoldAdminSelectWidget)
    environment = forms.ChoiceField(label="Environment", widget=UnfoldAdminSelectWidget)
    phases = forms.ChoiceField(label="Phases", choices=PHASES, widget=UnfoldAdminRadioSelectWidget)
    canary = forms.IntegerField(
        label="Canary, in percent",
        min_value=0,
        max_value=50,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="So many documents are changed and validated first; the rest waits for a person. 0: no canary.",
    )
    traffic = forms.ChoiceField(
        label="Traffic",
        choices=[(each.value, text) for each, text in words.TRAFFIC.items()],
        widget=UnfoldAdminRadioSelectWidget,
    )
    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept with the run. The dry run needs none.",
    )
    tried = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        where = [
            (row.key, f"{row.name}, protected" if row.protected else row.name)
            for row in environments.ordered()
            if target.is_set_up(row.key)
        ]
        there = [(number, loaded.migration.title) for number, loaded in modules.load().items()]
        self.fields["environment"].choices = [("", "Choose an environment"), *where]  # type: ignore[attr-defined]
        self.fields["number"].choices = [("", "Choose a migration"), *there]  # type: ignore[attr-defined]

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        shown = [name for name in self.fields if name != "tried"]
        helper.layout = Layout(Div(*shown, css_class="flex flex-col gap-5"))
        return helper

    def refuse(self, error: Exception) -> None:
        field = getattr(error, "field", None)
        self.add_error(field if field in self.fields and field != "tried" else None, str(error))

    @property
    def about(self) -> str:
        """What is wanted, in one line."""
        return " ".join(str(self.cleaned_data[name]) for name in WANTED)

    def wanted(self) -> planning.Wanted:
        """Raises what planning.wanted raises."""
        chosen = self.cleaned_data
        phases = [PhaseName.CLEANUP.value] if chosen["phases"] == PhaseName.CLEANUP else []
        return planning.wanted(
            chosen["environment"], chosen["number"], phases, canary=chosen["canary"], traffic=chosen["traffic"]
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """One document before and after, line by line; `marks` says of a line whether it goes or comes."""

    before: list[tuple[str, bool]]
    after: list[tuple[str, bool]]
    error: str
    fate: words.FateLook | None


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a run would do. `obstacle`: why it would be refused, "" for nothing that is known."""

    environment: Environment
    plan: dict[str, Any]
    operations: list[tuple[dict[str, Any], list[Sample]]]
    readiness: Readiness
    obstacle: str
    about: str

    @property
    def journal(self) -> str:
        return size(self.plan["journal_bytes"])

    @property
    def takes(self) -> str:
        return words.length(timedelta(seconds=self.plan["seconds"]))


class PlanView(UnfoldModelAdminViewMixin, FormView[PlanForm]):
    """POST with `step=dry` counts, any other POST asks for the run."""

    permission_required = REQUEST
    title = "Plan a run"
    form_class = PlanForm
    template_name = "migrations_app/plan.html"

    def get_initial(self) -> dict[str, Any]:
        given = {
            name: self.request.GET[name] for name in ("environment", "number", "phases") if name in self.request.GET
        }
        return {"phases": CHANGE, "canary": 0, "traffic": Traffic.LIVE.value, **given}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        crumbs = [(getattr(self.model_admin, "heading", ""), reverse("admin:migrations_app_migrationrun_changelist"))]
        back = reverse("admin:migrations_app_migrationrun_changelist")
        dry = kwargs.get("dry")
        tried = dry.about if dry else self.request.POST.get("tried", "")
        about = {"now": timezone.now(), "crumbs": crumbs, "back": back, "tried": tried}
        return super().get_context_data(**about, **kwargs)

    def form_valid(self, form: PlanForm) -> HttpResponse:
        if self.request.POST.get("step") == "dry":
            return self._dry(form)
        if form.cleaned_data["tried"] != form.about:
            form.add_error(None, "This is not what a dry run has shown: make one, look at it, then ask.")
            return self.form_invalid(form)
        try:
            row = self._ask(form)
        except (DomainError, Unreachable) as error:
            form.refuse(error)
            return self.form_invalid(form)
        said = "Asked for. Nothing changes until another person approves it."
        self.model_admin.message_user(
            self.request, said if row.environment.protected else "A worker begins within seconds."
        )
        page = reverse("admin:migrations_app_migrationrun_change", args=[row.pk])
        return HttpResponse(status=302, headers={"Location": page})

    def form_invalid(self, form: PlanForm) -> HttpResponse:
        response = super().form_invalid(form)
        response.status_code = 422
        return response

    def _ask(self, form: PlanForm) -> MigrationRun:
        wanted = form.wanted()
        need_answer(wanted.environment)
        return requesting.request(
            wanted, reason=form.cleaned_data["reason"], actor=person(self.request), now=timezone.now()
        )

    def _dry(self, form: PlanForm) -> HttpResponse:
        """Nothing is written anywhere. A database that is away is told with status 503."""
        away, dry, status = "", None, 200
        try:
            dry = _dry_run(form)
        except DomainError as error:
            cause = isinstance(error.__cause__, Unreachable)
            away, status = (str(error), 503) if cause else ("", error.status)
            if not cause:
                form.refuse(error)
        return self.render_to_response(self.get_context_data(form=form, dry=dry, away=away), status=status)


def _dry_run(form: PlanForm) -> DryRun:
    wanted, now = form.wanted(), timezone.now()
    need_answer(wanted.environment)
    plan = planning.plan(wanted, samples=True)
    look = readiness.look(wanted.environment, wanted.loaded.migration, wanted.phases, now=now)
    obstacle = ""
    try:
        planning.need_order(wanted, now=now)
        readiness.need_ready(look)
    except (DomainError, Unreachable) as error:
        obstacle = str(error)
    operations = [(each, [_sample(found) for found in each.get("samples", ())]) for each in plan["operations"]]
    return DryRun(environments.get(wanted.environment), plan, operations, look, obstacle, form.about)


def _sample(found: dict[str, Any]) -> Sample:
    before = found["before"].splitlines()
    if "error" in found:
        return Sample([(line, False) for line in before], [], found["error"], None)
    after = found["after"].splitlines()
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    kept = {block.a + place for block in blocks for place in range(block.size)}
    same = {block.b + place for block in blocks for place in range(block.size)}
    return Sample(
        [(line, place not in kept) for place, line in enumerate(before)],
        [(line, place not in same) for place, line in enumerate(after)],
        "",
        words.FATES[Fate(found["back"])],
    )
