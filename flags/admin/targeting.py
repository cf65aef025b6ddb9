"""The targeting of one flag in one environment: a form for people, and the same as JSON."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminTextareaWidget

from core.admin.confirm import ReasonForm
from core.admin.read_only import person
from core.admin.refusals import RefusalsView
from core.errors import DomainError, Invalid
from flags.admin.flag_page import find, in_words, list_crumbs
from flags.domain import wording
from flags.domain.conditions import OPERATORS
from flags.domain.draft import SPLIT, TYPES, Draft, of_fields, of_targeting, place_of, targeting_of
from flags.domain.draft_edit import edit
from flags.domain.values import off_by_default, served_by_default, variants_of
from flags.models import FlagState
from flags.selectors import flags as known_flags
from flags.selectors.reach import preview
from flags.selectors.segments import segments
from flags.services.targeting import checked, set_targeting

CHOICES = [(op, wording.OPERATORS[op]) for op in OPERATORS]
MOST_FIELDS = 1_800  # of the 2,000 that Django reads of a form


class TargetingReason(ReasonForm):
    """Why, and what was seen; the rules are read by `flags.domain.draft`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].widget.attrs.pop("autofocus", None)


class JsonForm(TargetingReason):
    targeting = forms.CharField(
        label="Targeting (a JSON object)",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 22, "spellcheck": "false", "class": "ops-code-area"}),
        help_text="Up to 64 KiB; {} for none. docs/targeting.md describes its form.",
    )
    field_order = ("targeting", "reason")


class OfTargeting(UnfoldModelAdminViewMixin, RefusalsView):
    """What both forms share."""

    permission_required = "flags.operate_flagstate"
    form_class: type[forms.Form] = TargetingReason

    @property
    def state(self) -> FlagState:
        return find(self.kwargs["pk"])

    @property
    def title(self) -> str:
        return f"Targeting of {self.state.flag.key}"

    def asked_title(self) -> str:
        return self.title

    def version(self) -> int:
        return self.state.version

    def subject(self) -> tuple[str, int | None]:
        state = self.state
        return f"flag:{state.flag.key}", state.environment_id

    def get_initial(self) -> dict[str, Any]:
        return {"version": self.version(), "seen": self.last_event()}

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        form.fields["reason"].required = self.state.environment.protected
        return form

    def back(self) -> str:
        return reverse("admin:flags_targeting", args=[self.kwargs["pk"]])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        state = self.state
        crumbs = [*list_crumbs(state), ("Targeting", self.back())]
        return super().get_context_data(state=state, crumbs=crumbs, back=self.back(), **kwargs)

    def save(self, form: forms.Form, targeting: Any) -> HttpResponse:
        values, state = form.cleaned_data, self.state
        return self.attempt(
            form,
            lambda: set_targeting(
                state.flag.key,
                state.environment.key,
                targeting,
                actor=person(self.request),
                reason=values["reason"],
                now=timezone.now(),
                version=values["version"],
            ),
            self._said,
        )

    def _said(self, state: FlagState) -> HttpResponse:
        count = len(state.targeting.get("rules", ()))
        said = f"{state.flag.key} in {state.environment.name} has {count or 'no'} rule{'' if count == 1 else 's'}."
        messages.success(self.request, said)
        return self.leave(self.back())


class EditTargeting(OfTargeting):
    """Rules as cards. Buttons that add, remove and move send the form and get it back: nothing is saved by them."""

    template_name = "flags/targeting_edit.html"

    def get_template_names(self) -> list[str]:
        return ["flags/targeting_form.html"] if self.in_dialog else [self.template_name]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._shown(self.get_form(), of_targeting(self.state.targeting))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.draft = of_fields(request.POST.dict(), variants_of(self.state.flag.variants))
        if request.POST.get("do"):
            return self._shown(self._unsent(), self.draft, focus=edit(self.draft, request.POST["do"]))
        if request.POST.get("step") == "check":
            return self._checked(self._unsent())
        return super().post(request, *args, **kwargs)

    def _unsent(self) -> forms.Form:
        """The form as it was typed, of which nothing is demanded yet."""
        form = self.form_class(self.request.POST)
        form.errors.clear()
        return form

    def form_invalid(self, form: forms.Form) -> HttpResponse:
        return self._shown(form, self.draft)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        found, wrong = targeting_of(self.draft)
        if wrong:
            return self._shown(form, self.draft, wrong=wrong)
        return self.save(form, found)

    def refused(self, form: forms.Form, error: DomainError) -> HttpResponse:
        if isinstance(error, Invalid) and error.field == "targeting":
            return self._shown(form, self.draft, wrong=dict([place_of(str(error))]))
        return super().refused(form, error)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        draft = kwargs.setdefault("draft", getattr(self, "draft", Draft()))
        state = self.state
        variants = variants_of(state.flag.variants)
        return super().get_context_data(
            variants=list(variants),
            by_default=(served_by_default(variants), off_by_default(variants)),
            split=SPLIT,
            operators=CHOICES,
            types=TYPES.items(),
            segments=list(segments(state.environment.key)),
            other_flags=list(known_flags().exclude(pk=state.flag_id).values_list("key", flat=True)),
            too_large=_fields(draft) > MOST_FIELDS,
            **kwargs,
        )

    def _checked(self, form: forms.Form) -> HttpResponse:
        """In words, and who of the known npubs would get it and lose it."""
        state = self.state
        found, wrong = targeting_of(self.draft)
        if wrong:
            return self._shown(form, self.draft, wrong=wrong)
        try:
            found = checked(state, found)
        except Invalid as error:
            return self.refused(form, error)
        told = {"words": in_words(found, state.flag.variants), "reach": preview(state, targeting=found)}
        return self._shown(form, self.draft, **told)

    def _shown(self, form: forms.Form, draft: Draft, **more: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form, draft=draft, **more))


class TargetingJson(OfTargeting):
    """For those who write JSON faster, and for targeting that is too large for a form."""

    template_name = "flags/targeting_json.html"

    form_class = JsonForm

    def has_permission(self) -> bool:
        """To look at it is enough that one may see the flag."""
        user = self.request.user
        wanted = "flags.view_flagstate" if self.request.method == "GET" else "flags.operate_flagstate"
        return bool(user.has_perm(wanted))

    def get_initial(self) -> dict[str, Any]:
        text = json.dumps(self.state.targeting, indent=2, ensure_ascii=False)
        return {**super().get_initial(), "targeting": text}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            may_operate=self.request.user.has_perm("flags.operate_flagstate"), in_dialog=False, **kwargs
        )

    def form_valid(self, form: forms.Form) -> HttpResponse:
        return self.save(form, form.cleaned_data["targeting"].strip() or {})


def _fields(draft: Draft) -> int:
    """How many fields a browser would send of it, at most."""
    return 20 + sum(3 + len(rule.weights) + 4 * len(rule.when) for rule in draft.rules) + 2 * len(draft.prerequisites)
