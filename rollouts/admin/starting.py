"""Start a ramp: a form, and beside it the steps it will take with their dates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.views import UnfoldModelAdminViewMixin

import flags.selectors.reach
from core import environments
from core.admin.read_only import person
from core.admin.refusals import RefusalsView
from core.errors import DomainError
from flags.domain.membership import Preview
from rollouts import selectors
from rollouts.admin import words
from rollouts.admin.start_form import StartForm
from rollouts.domain import levels
from rollouts.domain.schedule import due_times, gaps_of
from rollouts.domain.states import LIVE
from rollouts.domain.template import RampStepSpec
from rollouts.models import Ramp
from rollouts.services import starting


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step as the form announces it."""

    spec: RampStepSpec
    due_at: datetime
    soak: int

    @property
    def parameters(self) -> list[str]:
        return words.parameters(self.spec.parameters)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a start would do.

    `hours` is when its steps may be taken, `obstacle` why it would be refused, `other` the ramp that is in the way.
    `reach` tells which known npubs the first step changes something for, `risk` what its steps would risk: safe HTML.
    """

    steps: list[PlannedStep]
    flag_key: str
    stands: str
    environment: Any
    hours: str = ""
    obstacle: str = ""
    other: Ramp | None = None
    reach: Preview | None = None
    risk: str = ""


class StartView(UnfoldModelAdminViewMixin, RefusalsView):
    """GET shows the form, by htmx only the plan for what has been filled in so far. POST starts the ramp."""

    permission_required = "rollouts.operate_ramp"
    title = "Start a ramp"
    form_class = StartForm

    def get_template_names(self) -> list[str]:
        return ["rollouts/plan.html" if self.request.headers.get("HX-Request") else "rollouts/start.html"]

    def get_initial(self) -> dict[str, Any]:
        return {name: self.request.GET.get(name, "") for name in ("template", "environment")} | {"zone": "UTC"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        asked = StartForm(self.request.POST or self.request.GET)
        asked.is_valid()
        return super().get_context_data(
            now=now,
            plan=plan(asked.cleaned_data, now=now),
            has_templates=selectors.templates().exists(),
            back=reverse("admin:rollouts_ramp_changelist"),
            **kwargs,
        )

    def form_valid(self, form: Form) -> HttpResponse:
        return self.attempt(form, lambda: self._start(form.cleaned_data), self._said)

    def asked_title(self) -> str:
        return f"Start the ramp {self.request.POST.get('template', '')}"

    def field_of(self, error: DomainError) -> str | None:
        field = super().field_of(error)
        return "starts_on" if field == "starts_at" else field

    def _start(self, values: dict[str, Any]) -> Ramp:
        return starting.start(
            values["template"],
            values["environment"],
            actor=person(self.request),
            reason=values["reason"],
            now=timezone.now(),
            starts_at=values["starts_at"],
            pace=values["pace"],
            soak=values["soak"],
            hours=values["hours"],
        )

    def _said(self, ramp: Ramp) -> HttpResponse:
        messages.success(self.request, f"{ramp} is {ramp.state}. The clock takes its first step when it is due.")
        return self.leave(reverse("admin:rollouts_ramp_change", args=[ramp.pk]))

    def form_invalid(self, form: Form) -> HttpResponse:
        response = super().form_invalid(form)
        response.status_code = 422
        return response


def plan(values: dict[str, Any], *, now: datetime) -> Plan | None:
    """The steps with their dates; None until ramp and environment are chosen."""
    template = selectors.templates().filter(key=values.get("template", "")).first()
    environment = environments.ordered().filter(key=values.get("environment", "")).first()
    if template is None or environment is None:
        return None
    specs = starting.specs_of(template)
    hours = starting.hours_of(template, environment, values.get("hours"))
    gaps = gaps_of([spec.offset_seconds for spec in specs], pace=values.get("pace"))
    times = due_times(gaps, first=values.get("starts_at") or now, hours=hours)
    soaks = levels.soaks(specs, selectors.levels(), values.get("soak"))
    state = flags.selectors.state(template.flag.key, environment.key)
    live = selectors.listed(environment=environment.key, flag=template.flag.key, states=[s.value for s in LIVE], most=1)
    obstacle = ""
    if state.disabled_at is not None:
        obstacle = f"{template.flag.key} was switched off: {state.disabled_reason} Enable it first."
    elif state.enabled and specs[0].percentage < state.percentage:
        obstacle = f"{template.flag.key} stands above the first step already, and a ramp never goes back."
    return Plan(
        steps=[PlannedStep(spec, due_at, soak) for spec, due_at, soak in zip(specs, times, soaks, strict=True)],
        flag_key=template.flag.key,
        stands=words.standing(state),
        environment=environment,
        hours=str(hours or ""),
        obstacle=obstacle,
        other=live[0].ramp if live else None,
        reach=flags.selectors.reach.preview(state, enabled=True, percentage=specs[0].percentage),
        risk=""
        if obstacle
        else words.risks(template.flag.key, environment.key, [spec.percentage for spec in specs], now=now),
    )
