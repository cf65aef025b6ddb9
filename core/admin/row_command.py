"""One command on one row, as a dialog that names its effect."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.http import HttpResponse
from django.utils import timezone

from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import person
from core.errors import DomainError


class RowCommand(ConfirmView):
    """`name` is its address, `label` its button. The row has a title, an environment and a version.

    `row` is a cached property of the subclass.
    """

    name: ClassVar[str] = ""
    label: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    tone: ClassVar[str] = ""
    dangerous = False
    reason_label = "Reason"
    reason_help = ""
    needs_reason = True
    takes_reason = True

    @property
    @abstractmethod
    def row(self) -> Any:
        """What the command is about."""

    @abstractmethod
    def sentences(self) -> Sequence[str]:
        """What the command does."""

    def changes(self) -> Sequence[str]:
        """What it changes, told below the sentences."""
        return ()

    def effect(self) -> Effect:
        return Effect(
            title=f"{self.label}: {self.row.title}",
            sentences=[*self.sentences(), *self.changes()],
            submit=self.label,
            dangerous=self.dangerous,
            environment=self.row.environment,
        )

    def version(self) -> int | None:
        return int(self.row.version)

    def reason_required(self) -> bool:
        return self.needs_reason and self.takes_reason

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        reason = form.fields["reason"]
        reason.label = self.reason_label + ("" if self.needs_reason else " (optional)")
        reason.help_text = self.reason_help or reason.help_text
        if not self.takes_reason:
            del form.fields["reason"]
        return form

    def who(self) -> dict[str, Any]:
        """What every service takes."""
        return {"actor": person(self.request), "now": timezone.now()}


class DigestForm(ReasonForm):
    """`digest` is of what the person looks at: a word for anything else does not count."""

    digest = forms.CharField(widget=forms.HiddenInput)


class SeenCommand(RowCommand):
    """A word for exactly what the dialog shows, by its digest."""

    form_class = DigestForm

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "digest": self.row.digest}

    def refused(self, form: forms.Form, error: DomainError) -> HttpResponse:
        """What is shown again is what there is now, and so is the digest."""
        del self.__dict__["row"]
        data = form.data.copy()  # type: ignore[attr-defined]
        data["digest"] = self.row.digest
        form.data = data
        return super().refused(form, error)
