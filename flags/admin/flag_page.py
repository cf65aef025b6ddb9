"""The page of one flag in one environment: what it does, for whom, and how it came to that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

import flags.selectors
from core import beside, events
from core.admin.read_only import Screen
from flags.admin import words
from flags.domain.bucketing import Bucketing
from flags.domain.configuration import EnvironmentConfig, FlagConfig
from flags.domain.decision import Decision
from flags.domain.snapshot import Snapshot
from flags.domain.standing import standing
from flags.models import FlagState

HISTORY = 15
BUCKETINGS = {
    Bucketing.JS31: "js31, whole percents: the same npubs come first in every js31 flag, as nctool computes it",
    Bucketing.MURMUR3: "murmur3, steps of 0.01 %: salted, so other npubs come first in each flag",
}


class FlagPage(Screen):
    permission_required = "flags.view_flagstate"
    template_name = "flags/flag.html"
    live_template = "flags/flag_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        state = flags.selectors.states().filter(pk=self.kwargs["pk"]).first()
        if state is None:
            raise Http404("There is no such flag state.")
        self.title = state.flag.key
        siblings = flags.selectors.states().filter(flag=state.flag).order_by("-environment__position")
        history = events.about(f"flag:{state.flag.key}", environment_id=state.environment_id)
        rolled_back = history.filter(kind="flag.rolled_back").first() if state.rollback_id else None
        return super().get_context_data(
            state=state,
            standing=standing(state),
            reach=words.reach(state),
            siblings=[(row, standing(row)) for row in siblings],
            notes=beside.flag_notes()[state.flag.key, state.environment.key],
            history=list(history[:HISTORY]),
            rolled_back=rolled_back,
            evidence=_measured(rolled_back.data.get("evidence", {})) if rolled_back else [],
            bucketing=BUCKETINGS[Bucketing(state.flag.bucketing)],
            may_operate=self.request.user.has_perm("flags.operate_flagstate"),
            all_events=f"{reverse('admin:core_event_changelist')}?subject=flag:{state.flag.key}",
            **kwargs,
        )


def _measured(evidence: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The numbers and words of the evidence; what was selected, and the window's times, stay with the event."""
    left_out = ("window_start", "window_end")
    return [(n, value) for n, value in evidence.items() if not isinstance(value, dict | list) and n not in left_out]


def decision_for(state: FlagState, npub: str) -> Decision:
    """What this flag answers for one npub, by the code that answers nctool."""
    allowed = flags.selectors.allowed_users(state.pk).filter(npub=npub).exists()
    config = FlagConfig(
        key=state.flag.key,
        bucketing=Bucketing(state.flag.bucketing),
        salt=state.flag.salt,
        enabled=state.enabled,
        percentage=state.percentage,
        allowed=frozenset({npub}) if allowed else frozenset(),
        parameters=state.parameters,
    )
    return Snapshot(EnvironmentConfig(state.environment.key, 1, flags=(config,))).decide(state.flag.key, npub)


def why(request: HttpRequest, state_id: int) -> HttpResponse:
    """The answer for one npub as a part of the flag's page, or as a page of its own without htmx."""
    state = get_object_or_404(flags.selectors.states(), pk=state_id)
    npub = request.GET.get("npub", "").replace("\0", "").strip()[:1000]  # PostgreSQL refuses it
    answer = decision_for(state, npub) if npub else None
    template = "flags/why.html" if request.headers.get("HX-Request") else "flags/why_page.html"
    return render(request, template, {"state": state, "npub": npub, "answer": answer})
