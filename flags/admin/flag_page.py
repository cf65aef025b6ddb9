"""The pages of one flag in one environment: what it does, for whom, and how it came to that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

import flags.selectors
from core import beside, events
from core.admin.read_only import Screen
from flags.admin import words
from flags.domain import wording
from flags.domain.bucketing import Bucketing
from flags.domain.standing import Standing, standing
from flags.domain.values import off_by_default, served_by_default, variants_of
from flags.models import FlagState
from flags.selectors.why import answers

HISTORY = 5
TABS = {  # name: (address, text)
    "state": ("flags_flagstate_change", "State"),
    "targeting": ("flags_targeting", "Targeting"),
    "usage": ("flags_usage", "Usage"),
    "ramp": ("flags_ramp", "Ramp"),
    "history": ("flags_history", "History"),
}
BUCKETINGS = {
    Bucketing.JS31: "js31, whole percents: the same npubs come first in every js31 flag, as nctool computes it",
    Bucketing.MURMUR3: "murmur3, steps of 0.01 %: salted, so other npubs come first in each flag",
}


@dataclass(frozen=True, slots=True)
class Side:
    """The flag in one environment, as the cards beside each other show it."""

    state: FlagState
    standing: Standing
    url: str
    current: bool
    rules: list[str]


class FlagScreen(Screen):
    """A tab of the flag's page. Its template extends `flags/flag_base.html`; all tabs lead to all environments."""

    permission_required = "flags.view_flagstate"
    tab = ""

    @cached_property
    def state(self) -> FlagState:
        return find(self.kwargs["pk"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        state = self.state
        self.title = state.flag.key
        address = TABS[self.tab][0]
        siblings = flags.selectors.states().filter(flag=state.flag).order_by("environment__position")
        return super().get_context_data(
            state=state,
            tab=self.tab,
            tabs=[(name, text, reverse(f"admin:{address}", args=[state.pk])) for name, (address, text) in TABS.items()],
            sides=[
                Side(
                    row,
                    standing(row),
                    reverse(f"admin:{address}", args=[row.pk]),
                    row.pk == state.pk,
                    in_words(row.targeting, row.flag.variants),
                )
                for row in siblings
            ],
            may_operate=self.request.user.has_perm("flags.operate_flagstate"),
            **kwargs,
        )


class FlagPage(FlagScreen):
    """What the flag does, in all environments and in this one."""

    template_name = "flags/flag.html"
    live_template = "flags/flag_live.html"
    tab = "state"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        state = self.state
        history = events.about(f"flag:{state.flag.key}", environment_id=state.environment_id)
        rolled_back = history.filter(kind="flag.rolled_back").first() if state.rollback_id else None
        return super().get_context_data(
            standing=standing(state),
            reach=words.reach(state),
            actions=beside.flag_actions(state.flag.key, state.environment.key, self.request.user)
            if state.enabled
            else [],
            notes=beside.flag_notes()[state.flag.key, state.environment.key],
            history=list(history[:HISTORY]),
            rolled_back=rolled_back,
            evidence=_measured(rolled_back.data.get("evidence", {})) if rolled_back else [],
            bucketing=BUCKETINGS[Bucketing(state.flag.bucketing)],
            variants=variants_of(state.flag.variants),
            **kwargs,
        )


def find(pk: int) -> FlagState:
    """The state with its flag and environment; a 404 when there is none, or the flag is archived."""
    state = flags.selectors.states().filter(pk=pk).first()
    if state is None:
        raise Http404("There is no such flag, or it is archived.")
    return state


def in_words(targeting: Mapping[str, Any], rows: list[Any]) -> list[str]:
    """Prerequisites and rules, one sentence each. `rows` are the flag's variants."""
    variants = variants_of(rows)
    serve = targeting.get("serve", served_by_default(variants))
    off = targeting.get("off", off_by_default(variants))
    needed = [wording.prerequisite(item) for item in targeting.get("prerequisites", ())]
    rules = [wording.rule(rule, serve=serve, off=off) for rule in targeting.get("rules", ())]
    return [f"{sentence[:1].upper()}{sentence[1:]}." for sentence in needed] + rules


def _measured(evidence: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The numbers and words of the evidence; what was selected, and the window's times, stay with the event."""
    left_out = ("window_start", "window_end")
    return [(n, value) for n, value in evidence.items() if not isinstance(value, dict | list) and n not in left_out]


def why(request: HttpRequest, state_id: int) -> HttpResponse:
    """The answer for one npub as a part of the flag's page, or as a page of its own without htmx."""
    state = find(state_id)
    npub = request.GET.get("npub", "").replace("\0", "").strip()[:1000]  # PostgreSQL refuses it
    found = answers(npub, {}, environment=state.environment.key, flag=state.flag.key) if npub else []
    answer = found[0].decision if found else None
    template = "flags/why.html" if request.headers.get("HX-Request") else "flags/why_page.html"
    return render(request, template, {"state": state, "npub": npub, "answer": answer})


def list_crumbs(state: FlagState) -> list[tuple[str, str]]:
    """The way back from a page below the flag's own."""
    return [
        ("Flags", reverse("admin:flags_flagstate_changelist")),
        (state.flag.key, reverse("admin:flags_flagstate_change", args=[state.pk])),
    ]
