"""Promote flags: a page that shows every change before it is made, and asks why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from unfold.widgets import UnfoldAdminTextareaWidget

from core import environments
from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import person
from core.changes import Difference, differences
from core.errors import DomainError
from flags.admin import approval_rules
from flags.domain.lists import ListEdit
from flags.domain.promotion import PARTS, Promotion, configuration, digest
from flags.domain.rules import ChangeKind
from flags.services import promotion

if TYPE_CHECKING:
    from core.models import Environment

SAMPLE = 5
PART_WORDS = {
    "switch": "On or off, and percentage",
    "parameters": "Parameters",
    "targeting": "Targeting",
    "lists": "Allow-list and deny-list",
}


class PromoteForm(ReasonForm):
    """`looked_at` is the digest of what the page showed; the chosen parts are read by the page that shows it."""

    waiver = forms.CharField(
        label="Why is the order of promotion left?",
        max_length=2000,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="The approver who waives it reads this.",
    )
    looked_at = forms.CharField(required=False, widget=forms.HiddenInput)
    field_order = ("waiver", "reason", "looked_at", "version", "seen")


@dataclass(frozen=True, slots=True)
class ListLine:
    """Who joins or leaves a list: how many, and the first ones."""

    text: str
    tone: str
    npubs: Sequence[str]
    more: int


@dataclass(frozen=True, slots=True)
class Shown:
    """One flag's promotion, as the page shows it."""

    flag: str
    url: str
    fields: list[Difference]
    lists: list[ListLine]


class PromoteView(ConfirmView):
    """The flags, the two environments and the parts come by the address or by the compare page's form.

    A POST without `step` only shows what would happen; `step=apply` does it.
    """

    permission_required = "flags.operate_flagstate"
    form_class = PromoteForm
    template_name = "flags/promote.html"

    def given(self, name: str) -> list[str]:
        return self.request.POST.getlist(name) or self.request.GET.getlist(name)

    @cached_property
    def keys(self) -> list[str]:
        return sorted(set(self.given("flag")))

    @cached_property
    def source(self) -> Environment:
        return environments.get("".join(self.given("source")[:1]))

    @cached_property
    def target(self) -> Environment:
        return environments.get("".join(self.given("target")[:1]))

    @cached_property
    def parts(self) -> list[str]:
        return self.given("part") or list(PARTS)

    @cached_property
    def passed(self) -> list[str]:
        """The environments that are skipped."""
        same = self.source == self.target  # which the preview refuses
        return [] if same else promotion.passed_over(self.source.key, self.target.key)

    def get_template_names(self) -> list[str]:
        return [self.template_name]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.POST.get("step"):
            return super().post(request, *args, **kwargs)
        return self.render_to_response(self.get_context_data())

    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs = super().get_form_kwargs()
        if not self.request.POST.get("step"):
            kwargs |= {"data": None, "files": None}
        return kwargs

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        if not self.passed:
            del form.fields["waiver"]
        return form

    def effect(self) -> Effect:
        count = f"{len(self.keys):,} flag{'s' if len(self.keys) != 1 else ''}"
        return Effect(
            title=f"Promote {self.keys[0] if len(self.keys) == 1 else count} to {self.target.name}",
            sentences=[],
            submit=f"Promote in {self.target.name}",
            environment=self.target,
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        obstacle, found = "", []
        try:
            found = promotion.preview(self.keys, self.source.key, self.target.key, parts=self.parts)
        except DomainError as error:
            obstacle = str(error)
        context = super().get_context_data(**kwargs)
        form = context["form"]
        form.initial["looked_at"] = digest(found)
        if form.is_bound:
            form.data = form.data.copy()
            form.data["looked_at"] = digest(found)
        return context | {
            "source": self.source,
            "target": self.target,
            "keys": self.keys,
            "shown": self._shown(found),
            "unchanged": len(self.keys) - len(found),
            "obstacle": obstacle,
            "parts": [(part, words, part in self.parts) for part, words in PART_WORDS.items()],
            "passed": self.passed,
            "rules": approval_rules.words(self.target.pk, leaving_out=(ChangeKind.RAMP, ChangeKind.RULES)),
        }

    def reason_required(self) -> bool:
        return self.target.protected

    def perform(self, values: dict[str, Any]) -> str:
        done = promotion.promote(
            self.keys,
            self.source.key,
            self.target.key,
            parts=self.parts,
            waiver=values.get("waiver", ""),
            seen=values["looked_at"],
            actor=person(self.request),
            reason=values["reason"],
            now=timezone.now(),
        )
        told = ", ".join(state.flag.key for state in done[:SAMPLE]) + (", …" if len(done) > SAMPLE else "")
        return f"{self.target.name} has what {self.source.name} has: {told}." if done else "Nothing differs any more."

    def back(self) -> str:
        query = urlencode({"left": self.source.key, "right": self.target.key})
        return f"{reverse('admin:flags_compare')}?{query}"

    def _shown(self, found: Sequence[Promotion]) -> list[Shown]:
        states = promotion.states_of([each.flag for each in found], self.target.key)
        return [
            Shown(
                flag=each.flag,
                url=reverse("admin:flags_at", args=[self.target.key, each.flag]),
                fields=differences(_only(configuration(states[each.flag]), each.fields), each.fields),
                lists=[*_lines("allow-list", each.allow), *_lines("deny-list", each.deny)],
            )
            for each in found
        ]


def _only(picture: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: picture[name] for name in names}


def _lines(name: str, edit: ListEdit) -> list[ListLine]:
    told = (("join", "ok", edit.add), ("leave", "bad", edit.remove))
    return [
        ListLine(
            f"{len(npubs):,} {verb}{'s' if len(npubs) == 1 else ''} the {name}",
            tone,
            npubs[:SAMPLE],
            max(0, len(npubs) - SAMPLE),
        )
        for verb, tone, npubs in told
        if npubs
    ]
