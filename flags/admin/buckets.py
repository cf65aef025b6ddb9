"""Other buckets for a flag: who moves is counted before anybody does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.errors import Invalid
from flags.admin.definition import BUCKETING, GROUP_HELP, OfFlag
from flags.domain.bucketing import Bucketing
from flags.domain.definition import MAX_GROUP, DefinitionChange, splits
from flags.domain.rebucketing import SAMPLE, Draw, Moved, moved, sample
from flags.domain.standing import share
from flags.models import FlagState
from flags.selectors.listing import of_flags
from flags.selectors.reach import known_units
from flags.services.definition import draw_of


class BucketsForm(ReasonForm):
    bucketing = forms.ChoiceField(label="Bucketing", choices=BUCKETING, widget=UnfoldAdminSelectWidget)
    group = forms.CharField(
        label="Group", required=False, max_length=MAX_GROUP, widget=UnfoldAdminTextInputWidget, help_text=GROUP_HELP
    )
    field_order = ("bucketing", "group", "reason")


class Buckets(ConfirmView, OfFlag):
    """The sentences tell of the buckets that are chosen in the form."""

    permission_required = "flags.operate_flagstate"
    form_class = BucketsForm

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The sentences alone while somebody is choosing."""
        if request.headers.get("HX-Trigger-Name") in ("bucketing", "group"):
            return render(request, "ops/effect.html", {"effect": self.effect()})
        return super().get(request, *args, **kwargs)

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        live = {"hx-get": self.request.path, "hx-target": "#ops-effect", "hx-swap": "outerHTML"}
        live |= {"hx-include": "closest form", "hx-trigger": "input changed delay:300ms, change"}
        for name in ("bucketing", "group"):
            form.fields[name].widget.attrs |= live
        form.fields["reason"].widget.attrs.pop("autofocus", None)
        return form

    def get_initial(self) -> dict[str, Any]:
        flag = self.state.flag
        return {**super().get_initial(), "bucketing": flag.bucketing, "group": flag.group}

    def effect(self) -> Effect:
        key = self.state.flag.key
        return Effect(
            title=f"Buckets of {key}",
            sentences=self._sentences(),
            submit="Draw the buckets anew, in every environment",
            dangerous=True,
        )

    def back(self) -> str:
        return reverse("admin:flags_flagstate_change", args=[self.kwargs["pk"]])

    def perform(self, values: dict[str, Any]) -> str:
        flag = self.change(DefinitionChange(bucketing=values["bucketing"], group=values["group"]), values)
        return f"{flag.key} finds its buckets by {flag.bucketing}{f', group {flag.group}' if flag.group else ''} now."

    def _sentences(self) -> list[str]:
        flag, given = self.state.flag, self.request.POST or self.request.GET
        before = draw_of(flag)
        try:
            kind = Bucketing(given.get("bucketing", flag.bucketing))
            after = Draw.of(kind, key=flag.key, salt=flag.salt, group=given.get("group", flag.group).strip())
        except Invalid as error:
            return [str(error)]
        except ValueError:
            return [f"Choose one of {', '.join(Bucketing)}."]
        if after == before:
            return ["These are the buckets it has now. Choose others to see how many npubs move, and where."]
        return [moving(state, before, after) for state in of_flags([flag.pk])[flag.pk]]


def moving(state: FlagState, before: Draw, after: Draw) -> str:
    """Who moves in one environment, of the npubs that are known there and of made-up ones."""
    where, percentage = state.environment.name, state.percentage
    if not splits(percentage, state.targeting):
        return f"{where}: nobody moves, as it stands at {share(percentage)} and no rule splits."
    rules = " Rules that split draw anew as well." if splits(Decimal(0), state.targeting) else ""
    if not 0 < percentage < 100:
        return f"{where}: it stands at {share(percentage)}.{rules}"
    known = _told(moved(known_units(state.environment_id), percentage, before, after), "npubs asked about lately")
    made_up = _told(moved(sample(), percentage, before, after), f"{SAMPLE:,} made-up npubs")
    off = "" if state.enabled else " The flag is off there now."
    return f"{where}, at {share(percentage)}: {known or 'no npub was asked about lately'}; {made_up}.{rules}{off}"


def _told(found: Moved, whom: str) -> str:
    if not found.units:
        return ""
    whom = whom if whom[:1].isdecimal() else f"{found.units:,} {whom}"
    return f"of {whom}, {found.gain:,} get it and {found.lose:,} lose it ({found.share:.1f} %)"
