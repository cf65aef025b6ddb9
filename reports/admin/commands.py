"""What people do with a report, each as a dialog that names its effect."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django import forms
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget

from core import people
from core.admin.confirm import ReasonForm
from core.admin.row_command import RowCommand, SeenCommand
from reports.domain.states import ReportState
from reports.models import Report
from reports.selectors import reports
from reports.services import making, releasing

MAKE, RELEASE = "reports.make_report", "reports.release_report"


class ReportCommand(RowCommand):
    permission_required = MAKE

    @cached_property
    def row(self) -> Report:
        return reports.get(self.kwargs["pk"])

    def back(self) -> str:
        return reverse("admin:reports_report_change", args=[self.row.pk])


class Release(ReportCommand):
    name, label, icon, tone = "release", "Release", "send", "primary"
    permission_required = RELEASE

    def sentences(self) -> Sequence[str]:
        return [
            "The audiences of the communication plan that hear of reports are told, each in its words.",
            "After that the report cannot be made again.",
        ]

    def changes(self) -> Sequence[str]:
        """An action whose owner has left is told before, and not lost in silence."""
        asked = self.row.document["nextActions"]
        found = [f"{each['owner']} gets an action item: {each['title']}" for each in asked]
        gone = {each["owner"] for each in asked if not people.signs_in(each["owner"])}
        return found + [f"There is no account {name!r}: no item is opened for it." for name in sorted(gone)]

    def perform(self, values: dict[str, Any]) -> str:
        releasing.release(self.row.pk, reason=values["reason"], version=values["version"], **self.who())
        return "Released."


class MakeAgain(ReportCommand):
    name, label, icon = "make_again", "Make again", "refresh"
    takes_reason = False

    def sentences(self) -> Sequence[str]:
        return ["The draft is made anew of what is known now. Comments stay."]

    def perform(self, values: dict[str, Any]) -> str:
        before = self.row.digest
        row = making.make_again(self.row.pk, version=values["version"], **self.who())
        return "Nothing new is known: it is as it was." if row.digest == before else "Made again."


class CommentForm(ReasonForm):
    text = forms.CharField(
        label="Comment",
        max_length=releasing.MOST_TEXT,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "autofocus": True}),
        error_messages={"required": "Say something."},
    )


class Comment(ReportCommand):
    name, label, icon = "comment", "Comment", "chat"
    form_class = CommentForm
    takes_reason = False

    def sentences(self) -> Sequence[str]:
        return ["Everybody who may see reports reads it here."]

    def perform(self, values: dict[str, Any]) -> str:
        releasing.comment(self.row.pk, values["text"], **self.who())
        return "Said."


class SignOff(ReportCommand, SeenCommand):
    name, label, icon, tone = "sign_off", "Sign off", "verified", "primary"
    permission_required = RELEASE
    needs_reason = False
    reason_label = "Remark"

    def sentences(self) -> Sequence[str]:
        return ["You have read this report and take it as it is. It cannot be taken back."]

    def perform(self, values: dict[str, Any]) -> str:
        releasing.sign_off(self.row.pk, values["reason"], digest=values["digest"], **self.who())
        return "Signed off."


COMMANDS: tuple[type[ReportCommand], ...] = (Release, MakeAgain, Comment, SignOff)


def offered(row: Report, user: Any, signed: bool) -> list[type[ReportCommand]]:  # noqa: FBT001
    """What this person can do with it now, what matters most first."""
    draft = row.state == ReportState.DRAFT
    found: list[type[ReportCommand]] = [Release, MakeAgain] if draft else [] if signed else [SignOff]
    found.append(Comment)
    return [each for each in found if user.has_perm(each.permission_required)]
