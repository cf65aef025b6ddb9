"""What becomes of a piece of feedback, each a dialog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.urls import reverse
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from core.admin.confirm import Effect, ReasonForm
from core.admin.row_command import RowCommand
from improvement.domain.feedback import NEEDS_REASON, State
from improvement.models import Feedback
from improvement.selectors import feedback as selectors
from improvement.services import feedback as service


class FeedbackCommand(RowCommand):
    permission_required = "improvement.triage_feedback"

    @cached_property
    def row(self) -> Feedback:
        return selectors.get(self.kwargs["pk"])

    def subject(self) -> tuple[str, int | None]:
        return f"feedback:{self.kwargs['pk']}", None

    def effect(self) -> Effect:
        return Effect(f"{self.label}: feedback {self.row.pk}", list(self.sentences()), self.label)

    def back(self) -> str:
        return reverse("admin:improvement_feedback_change", args=[self.kwargs["pk"]])


class Settle(FeedbackCommand):
    target: ClassVar[State] = State.NEW
    told: ClassVar[str] = ""

    def sentences(self) -> Sequence[str]:
        return [self.told]

    def reason_required(self) -> bool:
        return self.target in NEEDS_REASON

    def perform(self, values: dict[str, Any]) -> str:
        more = {"duplicate_of": values["duplicate_of"]} if "duplicate_of" in values else {}
        told = {"reason": values["reason"], "version": values["version"], **more}
        row = service.settle(self.row.pk, self.target, **told, **self.who())
        return f"Feedback {row.pk} is {row.state}."


class Accept(Settle):
    name, label, icon, tone = "accept", "Accept", "thumb_up", "primary"
    needs_reason = False
    target, told = State.ACCEPTED, "Something will be done about it: open an action item with an owner and a day."


class Decline(Settle):
    name, label, icon = "decline", "Decline", "block"
    target, told = State.DECLINED, "Nothing will be done about it. Its rating counts all the same."


class Done(Settle):
    name, label, icon, tone = "finish", "Done", "check_circle", "primary"
    needs_reason = False
    target, told = State.DONE, "What it asks for is there now."


class Reopen(Settle):
    name, label, icon = "reopen", "Look again", "replay"
    needs_reason = False
    target, told = State.NEW, "It waits for somebody to say what becomes of it."


class DuplicateForm(ReasonForm):
    duplicate_of = forms.IntegerField(
        label="Repeats feedback number", min_value=1, widget=UnfoldAdminIntegerFieldWidget
    )


class Duplicate(Settle):
    name, label, icon = "duplicate", "Duplicate", "content_copy"
    form_class = DuplicateForm
    target, told = State.DUPLICATE, "It says what another one says. It does not count for satisfaction."


class TagsForm(ReasonForm):
    tags = forms.CharField(
        label="Tags", required=False, widget=UnfoldAdminTextInputWidget, help_text="Separated by commas."
    )


class Tags(FeedbackCommand):
    name, label, icon = "tags", "Tags", "sell"
    form_class = TagsForm
    takes_reason = False

    def sentences(self) -> Sequence[str]:
        return ["Tags gather what is about the same thing. They are counted above the list."]

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "tags": ", ".join(self.row.tags)}

    def perform(self, values: dict[str, Any]) -> str:
        row = service.tag(self.row.pk, values["tags"].split(","), version=values["version"], **self.who())
        return f"Tagged: {', '.join(row.tags)}." if row.tags else "It has no tags."


COMMANDS: Mapping[str, type[Settle]] = {view.name: view for view in (Accept, Decline, Duplicate, Done, Reopen)}
OFFERED: Mapping[State, Sequence[str]] = {
    State.NEW: ("accept", "decline", "duplicate"),
    State.NOTED: ("accept", "decline", "duplicate"),
    State.ACCEPTED: ("finish", "decline"),
    State.DECLINED: ("reopen",),
    State.DUPLICATE: ("reopen",),
    State.DONE: ("reopen",),
}
