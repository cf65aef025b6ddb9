"""A phase: its objectives, its gate with what would satisfy each requirement, its lists, ramps and history."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

import flags.selectors
import monitoring.selectors
import rollouts.selectors
from core import beside, events
from core.admin.read_only import ReadOnlyAdmin, Screen
from core.errors import NotFound
from plans import selectors
from plans.admin import commands, words
from plans.domain.gate import waivable
from plans.domain.states import LIVE, PhaseState, PlanState
from plans.models import Phase
from plans.services import phases

HISTORY = 20
VIEWS: dict[str, Any] = {
    "start": commands.StartPhase,
    "complete": commands.CompletePhase,
    "approve": commands.ApprovePhase,
    "roll-back": commands.RollBackPhase,
}
LOOK = {
    "start": ("Start", "play_arrow", "primary"),
    "complete": ("Complete", "check", "primary"),
    "approve": ("Approve", "verified", ""),
    "roll-back": ("Roll back", "undo", "quiet-danger"),
}
OFFERED = {
    PhaseState.WAITING: ("start", "approve"),
    PhaseState.ACTIVE: ("complete", "roll-back"),
    PhaseState.COMPLETED: ("roll-back",),
    PhaseState.ROLLED_BACK: ("start", "approve"),
}


class PhasePage(Screen):
    permission_required = "plans.view_phase"
    template_name = "plans/page.html"
    live_template = "plans/phase_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        try:
            phase = selectors.phase(self.kwargs["pk"])
        except NotFound as error:
            raise Http404(str(error)) from error
        self.title = phase.name
        user, live = self.request.user, PlanState(phase.plan.state) in LIVE
        gate = [
            (each, live and waivable(each) and user.has_perm(commands.APPROVE))
            for each in phases.gate_of(phase, now=now)
        ]
        where = phase.plan.environment.key
        context = super().get_context_data(
            phase=phase,
            plan=phase.plan,
            badge=words.phase(phase.state),
            gate=gate,
            is_open=all(each.open for each, _ in gate),
            lists=[each for each in selectors.checklists(phase.plan_id) if each.phase_id == phase.pk],
            ramps=rollouts.selectors.ramps().filter(template_key__in=phase.ramps, environment=phase.plan.environment),
            features=[
                (flags.selectors.state(key, where), beside.page_of(f"flag:{key}", where)) for key in phase.features
            ],
            triggers=monitoring.selectors.triggers(where).filter(key__in=phase.triggers),
            commands=self._commands(phase) if live else [],
            history=events.about(f"phase:{phase.pk}")[:HISTORY],
            parts=beside.subject_parts(
                [f"phase:{phase.pk}", f"phase:{phase.key}", *(f"flag:{key}" for key in phase.features)], where, user
            ),
            **kwargs,
        )
        context["crumbs"] = [
            ("Plans", reverse("admin:plans_plan_changelist")),
            (phase.plan.name, commands.page_of(phase.plan)),
        ]
        return context

    def _commands(self, phase: Phase) -> list[tuple[str, str, str, str]]:
        return [
            (reverse(f"admin:plans_phase_{name}", args=[phase.pk]), *LOOK[name])
            for name in OFFERED[PhaseState(phase.state)]
            if self.request.user.has_perm(VIEWS[name].permission_required)
        ]


@admin.register(Phase)
class PhaseAdmin(ReadOnlyAdmin):
    heading = "Phases"
    page = PhasePage

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path(f"<int:pk>/{name}/", wrap(view.as_view(model_admin=self)), name=f"plans_phase_{name}")
            for name, view in VIEWS.items()
        ]
        waive = wrap(commands.Waive.as_view(model_admin=self))
        return [*own, path("<int:pk>/waive/<str:requirement>/", waive, name="plans_phase_waive"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Phases are on the boards of their plans."""
        return redirect("admin:plans_plan_changelist")


beside.add_page("phase", lambda key, where: reverse("admin:plans_phase_change", args=[key]))
