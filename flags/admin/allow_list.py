"""The allow-list of one flag in one environment: looked through, and edited by pasting npubs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout
from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

import flags.selectors
from core.admin.read_only import Screen, person
from core.admin.refusals import ASK, RefusalsView
from core.errors import DomainError, Invalid
from flags.domain.change import PastedList, read_npubs
from flags.models import FlagState
from flags.services.allow_list import edit_allow_list
from flags.services.lists import MAX_USERS, Edit

PER_PAGE = 50
EXAMPLES = 5


def _state(pk: int) -> FlagState:
    found = flags.selectors.states().filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such flag state.")
    return found


def _crumbs(state: FlagState) -> list[tuple[str, str]]:
    return [
        ("Flags", reverse("admin:flags_flagstate_changelist")),
        (state.flag.key, reverse("admin:flags_flagstate_change", args=[state.pk])),
    ]


class AllowListPage(Screen):
    """The npubs in the order in which they came, searched by any part of them."""

    permission_required = "flags.view_flagstate"
    template_name = "flags/allow_list.html"
    title = "Allow-list"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        state = _state(self.kwargs["pk"])
        search = self.request.GET.get("q", "").replace("\0", "").strip()  # PostgreSQL refuses it
        listed = flags.selectors.allowed_users(state.pk)
        if search:
            listed = listed.filter(npub__icontains=search)
        return super().get_context_data(
            state=state,
            search=search,
            rows=Paginator(listed, PER_PAGE).get_page(self.request.GET.get("p")),
            may_operate=self.request.user.has_perm("flags.operate_flagstate"),
            crumbs=_crumbs(state),
            **kwargs,
        )


class AllowListForm(forms.Form):
    mode = forms.ChoiceField(
        label="What to do with these npubs",
        choices=[("add", "Add them"), ("remove", "Remove them")],
        initial="add",
        widget=UnfoldAdminRadioSelectWidget,
    )
    npubs = forms.CharField(
        label="npubs",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10, "spellcheck": "false", "class": "ops-code-area"}),
        help_text=f"One a line, or separated by blanks, commas or semicolons; up to {MAX_USERS:,} in the list.",
        error_messages={"required": "Paste at least one npub."},
    )
    reason = forms.CharField(
        label="Reason",
        max_length=2000,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept in the history with your name.",
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    @property
    def helper(self) -> FormHelper:
        helper = FormHelper()
        helper.form_tag = False
        helper.layout = Layout(Div(*self.fields, css_class="flex flex-col gap-5"))
        return helper


@dataclass(frozen=True, slots=True)
class Preview:
    """What the edit would do, before it is done."""

    adding: bool
    total: int
    effective: int
    ineffective: int
    duplicates: tuple[str, ...]
    after: int

    @property
    def examples(self) -> tuple[str, ...]:
        return self.duplicates[:EXAMPLES]


def preview(state: FlagState, pasted: PastedList, *, adding: bool) -> Preview:
    """Counts of new, already listed and repeated npubs: one query."""
    present = set(flags.selectors.allowed_users(state.pk).values_list("npub", flat=True))
    hits = sum(npub in present for npub in pasted.npubs)
    total = len(pasted.npubs)
    effective = total - hits if adding else hits
    after = len(present) + effective if adding else len(present) - effective
    return Preview(adding, total, effective, total - effective, pasted.duplicates, after)


class EditAllowList(UnfoldModelAdminViewMixin, RefusalsView):
    """Paste, look at the counts, apply. With htmx the counts come without the npubs travelling back."""

    permission_required = "flags.operate_flagstate"
    form_class = AllowListForm
    template_name = "flags/allow_list_edit.html"
    title = "Edit the allow-list"

    def get_template_names(self) -> list[str]:
        return ["flags/allow_list_preview.html"] if self.request.headers.get("HX-Request") else [self.template_name]

    def get_initial(self) -> dict[str, Any]:
        return {"mode": "add", "version": self.version(), "seen": self.last_event()}

    def version(self) -> int:
        return _state(self.kwargs["pk"]).version

    def subject(self) -> tuple[str, int | None]:
        state = _state(self.kwargs["pk"])
        return f"flag:{state.flag.key}", state.environment_id

    def asked_title(self) -> str:
        return f"Allow-list of {_state(self.kwargs['pk']).flag.key}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        state = _state(self.kwargs["pk"])
        return super().get_context_data(state=state, crumbs=_crumbs(state), **kwargs)

    def form_valid(self, form: forms.Form) -> HttpResponse:
        try:
            pasted = read_npubs(form.cleaned_data["npubs"])
            if not pasted.npubs:
                raise Invalid("There is no npub in this text.", field="npubs")
        except DomainError as error:
            return self.refused(form, error)
        if self.request.POST.get("step") in ("apply", ASK):
            values = form.cleaned_data
            return self.attempt(form, lambda: self._apply(values, pasted), lambda done: self._said(done, pasted))
        found = preview(_state(self.kwargs["pk"]), pasted, adding=form.cleaned_data["mode"] == "add")
        return self.render_to_response(self.get_context_data(form=form, preview=found))

    def _apply(self, values: dict[str, Any], pasted: PastedList) -> Edit:
        state = _state(self.kwargs["pk"])
        adding = values["mode"] == "add"
        return edit_allow_list(
            state.flag.key,
            state.environment.key,
            add=pasted.npubs if adding else (),
            remove=() if adding else pasted.npubs,
            actor=person(self.request),
            reason=values["reason"],
            now=timezone.now(),
            version=values["version"],
        )

    def _said(self, done: Edit, pasted: PastedList) -> HttpResponse:
        adding = self.request.POST.get("mode") == "add"
        said = [f"{done.added:,} added" if adding else f"{done.removed:,} removed"]
        if done.already_in or done.not_in:
            said.append(f"{done.already_in:,} in the list already" if adding else f"{done.not_in:,} not in the list")
        if pasted.duplicates:
            said.append(f"{len(pasted.duplicates):,} repeated in your text")
        messages.success(self.request, f"{', '.join(said)}. The list has {done.state.allow_count:,} npubs.")
        return self.leave(reverse("admin:flags_allow_list", args=[done.state.pk]))
