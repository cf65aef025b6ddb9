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
from core.repeating import joined
from statuspage.admin.affected import AffectedField


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


class DraftsForm(ReasonForm):
    """The words of several drafts; `ask_about` adds the fields."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].widget.attrs.pop("autofocus", None)


def ask_about(form: forms.Form, row: Announcement, *, suffix: str = "") -> None:
    """Add the question which parts of the status page a draft is about, where nobody has said so."""
    if drafts.needs_components(row):
        form.fields[f"components{suffix}"] = AffectedField(
            required=True, help_text="The incident names none. What is ticked is shown as disturbed."
        )


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

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        ask_about(form, self.row)
        return form

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
        edited = drafts.Edited(values["subject"], values["text"], values.get("components"))
        done = drafts.approve(self.kwargs["pk"], edited, reason=values["reason"], **self.who())
        return f"It goes out by {done.channel}."


class ApproveAll(AnnouncementCommand):
    """All drafts of the same news for the same audience as the one of the address."""

    name = "approve_all"
    permission_required = "communications.approve_announcement"
    form_class = DraftsForm
    state = AnnouncementState.DRAFT
    otherwise = Approve.otherwise

    @cached_property
    def rows(self) -> list[Announcement]:
        return list(communications.selectors.drafts_for(self.row.alert_id or 0, self.row.audience))

    def reason_required(self) -> bool:
        return False

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        for row in self.rows:
            subject = forms.CharField(label=f"Subject by {row.channel}", initial=row.subject)
            subject.widget = UnfoldAdminTextInputWidget()
            text = forms.CharField(label=f"Text by {row.channel}", initial=row.text)
            text.widget = UnfoldAdminTextareaWidget(attrs={"rows": 5})
            form.fields[f"subject_{row.pk}"], form.fields[f"text_{row.pk}"] = subject, text
            ask_about(form, row, suffix=f"_{row.pk}")
        form.order_fields([name for name in form.fields if name not in ReasonForm.base_fields])
        return form

    def effect(self) -> Effect:
        return Effect(
            title=f"Send {len(self.rows)} texts to {communications.selectors.audience_name(self.row)}",
            sentences=[
                "People outside will read exactly these words. Names of flags, people and machines are refused.",
                "All of them go out, or none.",
            ],
            submit="Send all",
        )

    def perform(self, values: dict[str, Any]) -> str:
        edited = {
            row.pk: drafts.Edited(*(values.get(f"{name}_{row.pk}") for name in ("subject", "text", "components")))
            for row in self.rows
        }
        done = drafts.approve_all(
            self.row.alert_id or 0, self.row.audience, edited, reason=values["reason"], **self.who()
        )
        return f"They go out by {joined([str(row.channel) for row in done])}."


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


COMMANDS: tuple[type[AnnouncementCommand], ...] = (Retry, Approve, ApproveAll, Discard)
