"""The plans, and a plan as a board: its phases as columns, each with its gate and criteria."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from core import beside, events
from core.admin.read_only import ReadOnlyAdmin, Screen
from core.errors import NotFound
from core.requirements import Requirement
from core.templatetags.screen import environment, state
from plans import selectors
from plans.admin import commands, words
from plans.domain.states import LIVE, PhaseState, PlanState
from plans.models import Phase, Plan

HISTORY = 20
STEERING = {
    "pause": commands.Pause,
    "resume": commands.Resume,
    "complete": commands.Complete,
    "abort": commands.Abort,
    "roll-back": commands.RollBack,
}
OFFERED = {
    PlanState.RUNNING: ("pause", "complete", "abort", "roll-back"),
    PlanState.PAUSED: ("resume", "abort", "roll-back"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A phase on the board. `missing` are the requirements of its gate that are not met."""

    phase: Phase
    badge: SafeString
    met: int
    total: int
    missing: list[Requirement]
    lists: list[Any]


class Board(Screen):
    permission_required = "plans.view_plan"
    template_name = "plans/page.html"
    live_template = "plans/board_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        try:
            plan = selectors.plan(self.kwargs["pk"])
        except NotFound as error:
            raise Http404(str(error)) from error
        self.title = plan.name
        facts, lists = selectors.facts_of(plan, now=now), list(selectors.checklists(plan.pk))
        columns = []
        for phase in selectors.board(plan.pk):
            active = phase.state == PhaseState.ACTIVE.value
            gate = (
                selectors.completion(phase, facts, lists, now=now) if active else selectors.start(phase, facts, now=now)
            )
            own = [each for each in lists if each.phase_id == phase.pk]
            missing = [each for each in gate if not each.open]
            columns.append(Column(phase, words.phase(phase.state), len(gate) - len(missing), len(gate), missing, own))
        return super().get_context_data(
            plan=plan,
            columns=columns,
            lists=[each for each in lists if each.phase_id is None],
            commands=self._commands(plan),
            history=events.recent().filter(data__plan=plan.pk)[:HISTORY],
            live=PlanState(plan.state) in LIVE,
            **kwargs,
        )

    def _commands(self, plan: Plan) -> list[tuple[str, str]]:
        if not self.request.user.has_perm(commands.OPERATE):
            return []
        offered = OFFERED.get(PlanState(plan.state), ())
        return [(reverse(f"admin:plans_plan_{name}", args=[plan.pk]), STEERING[name].word) for name in offered]


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    heading = "Plans"
    page = Board
    list_display = ("what", "where", "how", "reached", "since")
    list_display_links = None
    list_filter = (("environment", RelatedDropdownFilter), ("state", ChoicesDropdownFilter))
    list_filter_submit = True
    list_fullwidth = True
    show_full_result_count = False
    list_before_template = "plans/plans_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        return selectors.plans().prefetch_related("phases")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [path("start/", wrap(commands.StartPlan.as_view(model_admin=self)), name="plans_plan_start")]
        own += [
            path(f"<int:pk>/{name}/", wrap(view.as_view(model_admin=self)), name=f"plans_plan_{name}")
            for name, view in STEERING.items()
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        more = {"may_start": request.user.has_perm(commands.OPERATE), "templates": selectors.templates().exists()}
        shown: HttpResponse = super().changelist_view(request, {**more, **(extra_context or {})})
        return shown

    @admin.display(description="Plan", ordering="name")
    def what(self, row: Plan) -> SafeString:
        return format_html('<a class="ops-link ops-strong" href="{}">{}</a>', commands.page_of(row), row.name)

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, row: Plan) -> SafeString:
        return environment(row.environment)

    @admin.display(description="State", ordering="state")
    def how(self, row: Plan) -> SafeString:
        return state(row.state)

    @admin.display(description="Phases completed")
    def reached(self, row: Plan) -> str:
        phases = list(row.phases.all())
        return f"{sum(each.state == PhaseState.COMPLETED.value for each in phases)} of {len(phases)}"

    @admin.display(description="Started", ordering="started_at")
    def since(self, row: Plan) -> str:
        return f"{timezone.localtime(row.started_at):%Y-%m-%d %H:%M} by {row.started_by}"


beside.add_page("plan", lambda key, where: reverse("admin:plans_plan_change", args=[key]))
