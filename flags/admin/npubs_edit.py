"""Editing a list of npubs: paste them or choose a file, look at the counts, apply.

The list itself is not in the form, so that it opens as fast with 100,000 npubs as with none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone
from unfold.views import UnfoldModelAdminViewMixin
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from core.admin.plain_form import PlainForm
from core.admin.read_only import person
from core.admin.refusals import ASK, RefusalsView
from core.errors import DomainError, Invalid
from flags.admin.flag_page import find, list_crumbs
from flags.admin.npubs import ALLOW, DENY
from flags.domain.change import read_npubs
from flags.domain.upload import MAX_FILE_BYTES, Upload, read_file, unusual
from flags.models import FlagState
from flags.selectors import reach
from flags.selectors.lists import count_of
from flags.services.lists import MAX_USERS, Edit


class ListForm(PlainForm):
    mode = forms.ChoiceField(
        label="What to do with these npubs",
        choices=[("add", "Add them"), ("remove", "Remove them")],
        initial="add",
        widget=UnfoldAdminRadioSelectWidget,
    )
    npubs = forms.CharField(
        label="npubs",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8, "spellcheck": "false", "class": "ops-code-area"}),
        help_text=f"One a line, or separated by blanks, commas or semicolons; up to {MAX_USERS:,} in the list.",
    )
    file = forms.FileField(
        label="or a file",
        required=False,
        allow_empty_file=True,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.tsv,.txt,text/csv,text/plain"}),
        help_text=f"CSV, TSV or one npub a line, in UTF-8, up to {MAX_FILE_BYTES // 2**20} MB.",
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


@dataclass(frozen=True, slots=True)
class Preview:
    """What the edit would do, before it is done."""

    adding: bool
    total: int
    effective: int
    ineffective: int
    duplicates: tuple[str, ...]
    unusual: tuple[str, ...]
    after: int


_ARGUMENTS = {  # list and whether npubs are added: what the preview of known npubs calls it
    ("allow", True): "allow",
    ("allow", False): "disallow",
    ("deny", True): "deny",
    ("deny", False): "undeny",
}


class EditList(UnfoldModelAdminViewMixin, RefusalsView):
    """With htmx the answer is what belongs below the form: the npubs and the file do not travel back."""

    permission_required = "flags.operate_flagstate"
    form_class = ListForm
    template_name = "flags/npubs_edit.html"
    kind = ALLOW

    @property
    def title(self) -> str:
        return f"Edit the {self.kind.noun}"

    @property
    def state(self) -> FlagState:
        return find(self.kwargs["pk"])

    def get_template_names(self) -> list[str]:
        return ["flags/npubs_preview.html"] if self.in_dialog else [self.template_name]

    def get_initial(self) -> dict[str, Any]:
        return {"mode": "add", "version": self.version(), "seen": self.last_event()}

    def version(self) -> int:
        return self.state.version

    def subject(self) -> tuple[str, int | None]:
        state = self.state
        return f"flag:{state.flag.key}", state.environment_id

    def asked_title(self) -> str:
        return f"{self.kind.noun.capitalize()} of {self.state.flag.key}"

    def field_of(self, error: DomainError) -> str | None:
        """The column is chosen below the form, where its refusal is shown too."""
        field = super().field_of(error)
        return "file" if field == "column" else field

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        state = self.state
        return super().get_context_data(
            state=state,
            kind=self.kind,
            count=self.kind.count(state),
            back=self.kind.url(state),
            crumbs=list_crumbs(state),
            column=self.request.POST.get("column", ""),
            **kwargs,
        )

    def form_valid(self, form: forms.Form) -> HttpResponse:
        values = form.cleaned_data
        try:
            given = self._given(values)
        except DomainError as error:
            return self.refused(form, error)
        if given.bad or not given.npubs:
            return self.render_to_response(self.get_context_data(form=form, upload=given))
        if self.request.POST.get("step") in ("apply", ASK):
            return self.attempt(form, lambda: self._apply(values, given), lambda done: self._said(done, given))
        adding = values["mode"] == "add"
        found = self._preview(given, adding=adding)
        joins = reach.preview(self.state, **{_ARGUMENTS[self.kind.name, adding]: given.npubs})
        return self.render_to_response(self.get_context_data(form=form, preview=found, reach=joins, upload=given))

    def _given(self, values: dict[str, Any]) -> Upload:
        """The npubs of the file, or those pasted."""
        file = values["file"]
        if file is not None:
            if values["npubs"].strip():
                raise Invalid("Either paste npubs or choose a file, not both.", field="npubs")
            content = file.read() if file.size <= MAX_FILE_BYTES else b"\0" * (MAX_FILE_BYTES + 1)
            return read_file(content, column=self.request.POST.get("column", ""))
        pasted = read_npubs(values["npubs"])
        if not pasted.npubs:
            raise Invalid("Paste at least one npub, or choose a file.", field="npubs")
        return Upload(pasted.npubs, pasted.duplicates)

    def _preview(self, given: Upload, *, adding: bool) -> Preview:
        state = self.state
        total, hits = len(given.npubs), count_of(self.kind.name, state.pk, given.npubs)
        effective = total - hits if adding else hits
        after = self.kind.count(state) + (effective if adding else -effective)
        return Preview(adding, total, effective, total - effective, given.duplicates, unusual(given.npubs), after)

    def _apply(self, values: dict[str, Any], given: Upload) -> Edit:
        adding = values["mode"] == "add"
        return self.kind.edit(
            self.state,
            add=given.npubs if adding else (),
            remove=() if adding else given.npubs,
            actor=person(self.request),
            reason=values["reason"],
            now=timezone.now(),
            version=values["version"],
        )

    def _said(self, done: Edit, given: Upload) -> HttpResponse:
        adding = self.request.POST.get("mode") == "add"
        said = [f"{done.added:,} added" if adding else f"{done.removed:,} removed"]
        if done.already_in or done.not_in:
            said.append(f"{done.already_in:,} in the list already" if adding else f"{done.not_in:,} not in the list")
        if given.duplicates:
            said.append(f"{len(given.duplicates):,} repeated in what you gave")
        messages.success(self.request, f"{', '.join(said)}. The list has {self.kind.count(done.state):,} npubs.")
        return self.leave(self.kind.url(done.state))


class EditDenyList(EditList):
    kind = DENY
