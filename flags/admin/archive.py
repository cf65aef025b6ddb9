"""Flags that are put away: archived, looked at, and brought back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldBooleanWidget

import flags.selectors
from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import Screen, person
from core.errors import NotFound
from flags.admin.flag_page import find
from flags.models import Flag
from flags.selectors.listing import of_flags
from flags.services import archiving

PER_PAGE = 50


class ArchiveForm(ReasonForm):
    force = forms.BooleanField(
        label="Archive it although it is asked for",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Whoever asks gets the default of the program from then on.",
    )
    field_order = ("reason", "force")


class Archive(ConfirmView):
    permission_required = "flags.operate_flagstate"
    form_class = ArchiveForm

    @property
    def flag(self) -> Flag:
        return find(self.kwargs["pk"]).flag

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        if not archiving.asked(self.flag, now=timezone.now()):
            del form.fields["force"]
        return form

    def effect(self) -> Effect:
        flag = self.flag
        against = list(archiving.obstacles(flag, of_flags([flag.pk])[flag.pk]))
        asked = archiving.asked(flag, now=timezone.now())
        what = [
            f"{flag.key} leaves every list and every answer, in every environment; its history stays.",
            "It can be restored, and is off then.",
        ]
        return Effect(f"Archive {flag.key}", [*against, *asked] or what, "Archive in every environment", dangerous=True)

    def version(self) -> int:
        return self.flag.version

    def subject(self) -> tuple[str, int | None]:
        return f"flag:{self.flag.key}", None

    def perform(self, values: dict[str, Any]) -> str:
        flag = self.flag
        archiving.archive(
            flag.key,
            actor=person(self.request),
            reason=values["reason"],
            now=timezone.now(),
            version=values["version"],
            force=values.get("force", False),
        )
        return f"{flag.key} is archived."

    def back(self) -> str:
        return reverse("admin:flags_flagstate_change", args=[self.kwargs["pk"]])

    def leave(self, url: str) -> HttpResponse:
        """The flag has no page any more."""
        return super().leave(reverse("admin:flags_archived") if url == self.back() else url)


class ArchivedPage(Screen):
    """The flags that were put away, the last one first."""

    permission_required = "flags.view_flagstate"
    template_name = "flags/archived.html"
    title = "Archived flags"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            rows=Paginator(flags.selectors.archived(), PER_PAGE).get_page(self.request.GET.get("p")),
            may_operate=self.request.user.has_perm("flags.operate_flagstate"),
            **kwargs,
        )


class Restore(ConfirmView):
    permission_required = "flags.operate_flagstate"

    @property
    def flag(self) -> Flag:
        found = flags.selectors.archived().filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise NotFound("There is no such archived flag.")
        return found

    def effect(self) -> Effect:
        key = self.flag.key
        what = [f"{key} is answered again in every environment: off, until somebody enables it."]
        return Effect(f"Restore {key}", what, "Restore")

    def reason_required(self) -> bool:
        return False

    def version(self) -> int:
        return self.flag.version

    def perform(self, values: dict[str, Any]) -> str:
        key = self.flag.key
        how = {"reason": values["reason"], "now": timezone.now(), "version": values["version"]}
        archiving.restore(key, actor=person(self.request), **how)
        return f"{key} is back, off in every environment."

    def back(self) -> str:
        return reverse("admin:flags_archived")
