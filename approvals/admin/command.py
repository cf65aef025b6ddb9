"""One command on one change request, as a dialog that shows what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.urls import reverse
from django.utils import timezone

from approvals import selectors
from approvals.models import ChangeRequest
from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import person

ASK = "approvals.request_change"
DECIDE = "approvals.approve_change"


class RequestCommand(ConfirmView):
    """The request is named by its id. `label` is the button on its page, `verb` the one that does it."""

    permission_required = ASK
    name: ClassVar[str] = ""
    label: ClassVar[str] = ""
    icon: ClassVar[str] = ""
    tone: ClassVar[str] = ""
    dangerous = False
    reason_label = "Reason"
    reason_help = ""
    needs_reason = True
    takes_reason = True

    @cached_property
    def row(self) -> ChangeRequest:
        return selectors.get(self.kwargs["pk"])

    def sentences(self) -> Sequence[str]:
        """What the command does; the changes are told below them."""
        raise NotImplementedError

    def effect(self) -> Effect:
        return Effect(
            title=f"{self.label}: {self.row.title}",
            sentences=[*self.sentences(), *self.changes()],
            submit=self.label,
            dangerous=self.dangerous,
            environment=self.row.environment,
        )

    def changes(self) -> Sequence[str]:
        """What the request changes, where the command is about that."""
        return ()

    def version(self) -> int | None:
        return self.row.version

    def subject(self) -> tuple[str, int | None]:
        return f"request:{self.row.pk}", None

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

    def back(self) -> str:
        return reverse("admin:approvals_changerequest_change", args=[self.kwargs["pk"]])


class DigestForm(ReasonForm):
    """`digest` is of what the person looks at: a word for anything else does not count."""

    digest = forms.CharField(widget=forms.HiddenInput)
