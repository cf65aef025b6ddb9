"""What a person decides about one announcement: try it again, approve it in these words, discard it."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

import communications.selectors
from communications.domain.channels import LIMITS, ChannelKind
from communications.domain.states import AnnouncementState
from communications.models import Announcement
from communications.services import drafts, sending
from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import person
from core.errors import NotFound


class AnnouncementCommand(ConfirmView):
    """A dialog about one announcement in the one state in which there is something to decide."""

    name: ClassVar[str] = ""
    state: ClassVar[AnnouncementState]
    otherwise: ClassVar[str] = ""  # what is said of one in any other state

    @cached_property
    def row(self) -> Announcement:
        found = communications.selectors.announcements().filter(pk=self.kwargs["pk"], state=self.state.value).first()
        if found is None:
            raise NotFound(self.otherwise)
        return found

    def back(self) -> str:
        alert_id = communications.selectors.announcements().values_list("alert", flat=True).get(pk=self.kwargs["pk"])
        return reverse("admin:communications_alert_change", args=[alert_id])

    def who(self) -> dict[str, Any]:
        return {"actor": person(self.request), "now": timezone.now()}


class Retry(AnnouncementCommand):
    name = "retry"
    permission_required = "communications.retry_announcement"
    state = AnnouncementState.FAILED
    otherwise = "This announcement is not given up: it was sent, or it is being tried."

    def effect(self) -> Effect:
        to = f" to {self.row.recipient}" if self.row.recipient else ""
        return Effect(
            title=f"Try again by {self.row.channel}",
            sentences=[
                f"“{self.row.subject}” goes into the queue again{to}, with all its tries.",
                f"It was given up because of: {self.row.error or 'an unknown error'}",
            ],
            submit="Try again",
        )

    def perform(self, values: dict[str, Any]) -> str:
        done = sending.retry(self.kwargs["pk"], reason=values["reason"], **self.who())
        return f"The announcement is in the queue for {done.channel} again."


class DraftForm(ReasonForm):
    """The words that go out."""

    subject = forms.CharField(label="Subject", widget=UnfoldAdminTextInputWidget)
    text = forms.CharField(label="Text", widget=UnfoldAdminTextareaWidget(attrs={"rows": 8, "autofocus": True}))
    field_order = ("subject", "text", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].widget.attrs.pop("autofocus", None)


class Approve(AnnouncementCommand):
    name = "approve"
    permission_required = "communications.approve_announcement"
    form_class = DraftForm
    state = AnnouncementState.DRAFT
    otherwise = "This is no draft any more: somebody has decided on it."

    def reason_required(self) -> bool:
        return False

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "subject": self.row.subject, "text": self.row.text}

    def effect(self) -> Effect:
        limits = LIMITS[ChannelKind(self.row.channel.kind)]
        return Effect(
            title=f"Send to {communications.selectors.audience_name(self.row)} by {self.row.channel}",
            sentences=[
                "People outside will read exactly these words. Names of flags, people and machines are refused.",
                f"Up to {limits.subject:,} characters of subject and {limits.text:,} of text.",
                *([f"It was held back because {self.row.why}."] if self.row.why.startswith("it names") else []),
            ],
            submit="Send",
        )

    def perform(self, values: dict[str, Any]) -> str:
        edited = drafts.Edited(values["subject"], values["text"])
        done = drafts.approve(self.kwargs["pk"], edited, reason=values["reason"], **self.who())
        return f"It goes out by {done.channel}."


class Discard(AnnouncementCommand):
    name = "discard"
    permission_required = "communications.approve_announcement"
    state = AnnouncementState.DRAFT
    otherwise = "This is no draft any more: somebody has decided on it."

    def effect(self) -> Effect:
        return Effect(
            title=f"Discard what was drafted for {communications.selectors.audience_name(self.row)}",
            sentences=[f"“{self.row.subject}” is sent to nobody by {self.row.channel}."],
            submit="Discard",
            dangerous=True,
        )

    def perform(self, values: dict[str, Any]) -> str:
        drafts.discard(self.kwargs["pk"], reason=values["reason"], **self.who())
        return "Discarded: nobody gets it."


COMMANDS: tuple[type[AnnouncementCommand], ...] = (Retry, Approve, Discard)
