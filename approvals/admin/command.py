"""One command on one change request, as a dialog that shows what it is about."""

from __future__ import annotations

from functools import cached_property

from django.urls import reverse

from approvals import selectors
from approvals.models import ChangeRequest
from core.admin.row_command import RowCommand

ASK = "approvals.request_change"
DECIDE = "approvals.approve_change"


class RequestCommand(RowCommand):
    """The request is named by its id. `label` is the button on its page, `verb` the one that does it."""

    permission_required = ASK

    @cached_property
    def row(self) -> ChangeRequest:
        return selectors.get(self.kwargs["pk"])

    def subject(self) -> tuple[str, int | None]:
        return f"request:{self.row.pk}", None

    def back(self) -> str:
        return reverse("admin:approvals_changerequest_change", args=[self.kwargs["pk"]])
