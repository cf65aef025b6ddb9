"""What is done with one channel: its secret, on and off, a test."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django import forms
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextInputWidget

from communications.domain.channels import ChannelKind
from communications.domain.delivery import Failure
from communications.domain.setups import SETUPS
from communications.models import Channel
from communications.services import channels
from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import person
from core.errors import Conflict

LIST = "admin:communications_channel_changelist"


def find(key: str) -> Channel:
    row = Channel.objects.filter(key=key).first()
    if row is None:
        raise Http404(f"There is no channel {key}.")
    return row


class ChannelCommand(ConfirmView):
    @cached_property
    def row(self) -> Channel:
        return find(self.kwargs["key"])

    def back(self) -> str:
        return reverse(LIST)

    def who(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"actor": person(self.request), "reason": values["reason"], "now": timezone.now()}


class SecretForm(ReasonForm):
    secret = forms.CharField(
        label="Secret",
        widget=forms.PasswordInput(attrs={"class": "ops-input", "autocomplete": "off", "autofocus": True}),
        help_text="Kept encrypted, and never shown again.",
    )
    field_order = ("secret", "reason")


class SetSecret(ChannelCommand):
    permission_required = "communications.change_channel_secret"
    form_class = SecretForm

    def effect(self) -> Effect:
        wanted = SETUPS[ChannelKind(self.row.kind)].secret
        had = "The one it has now is forgotten." if self.row.secret else "It has none yet."
        return Effect(title=f"{self.row}: {wanted}", sentences=[had], submit="Keep it")

    def perform(self, values: dict[str, Any]) -> str:
        channels.set_secret(self.kwargs["key"], values["secret"], **self.who(values))
        return "The secret is kept. Send a test to see whether it works."


class Switch(ChannelCommand):
    permission_required = "communications.change_channel"

    def effect(self) -> Effect:
        if self.row.enabled:
            off = "Nothing is announced by it any more. What waits for it stays, and goes out when it is on again."
            return Effect(title=f"Switch {self.row} off", sentences=[off], submit="Switch off", dangerous=True)
        on = "What happens from now on is announced by it, as the communication plan says."
        return Effect(title=f"Switch {self.row} on", sentences=[on], submit="Switch on")

    def perform(self, values: dict[str, Any]) -> str:
        row = channels.switch(self.kwargs["key"], on=not self.row.enabled, **self.who(values))
        return f"{row} is {'on' if row.enabled else 'off'}."


class RemoveChannel(ChannelCommand):
    permission_required = "communications.change_channel"

    def effect(self) -> Effect:
        told = "Only a channel that nobody was ever told by can be removed; switch another one off."
        return Effect(title=f"Remove {self.row}", sentences=[told], submit="Remove", dangerous=True)

    def perform(self, values: dict[str, Any]) -> str:
        channels.remove(self.kwargs["key"], **self.who(values))
        return "The channel is removed."


class TestForm(ReasonForm):
    target = forms.CharField(label="To", required=False, max_length=200, widget=UnfoldAdminTextInputWidget)
    field_order = ("target",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].widget = forms.HiddenInput()


class SendTest(ChannelCommand):
    """A real message, marked as a test. What the receiver answers is shown in the dialog."""

    permission_required = "communications.test_channel"
    form_class = TestForm

    def reason_required(self) -> bool:
        return False

    def effect(self) -> Effect:
        told = "A message that says that it is a test goes out now."
        where = {ChannelKind.EMAIL: "Give an address.", ChannelKind.SLACK: "Give a channel, like #ops-alerts."}
        sentences = [told, *filter(None, [where.get(ChannelKind(self.row.kind))])]
        return Effect(title=f"Send a test by {self.row}", sentences=sentences, submit="Send it")

    def perform(self, values: dict[str, Any]) -> str:
        answer = channels.test(
            self.kwargs["key"], values["target"].strip(), actor=person(self.request), clock=timezone.now
        )
        if isinstance(answer, Failure):
            raise Conflict(f"It was not taken: {answer.error}")
        return f"{self.row} has taken the test{f' ({answer.answer})' if answer.answer else ''}."
