"""The commands on one rollback, each a dialog that names its effect."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.urls import reverse
from unfold.widgets import UnfoldAdminPasswordWidget

from core.actors import Actor
from core.admin.row_command import DigestForm, RowCommand, SeenCommand
from core.errors import Refused
from rollbacks import selectors
from rollbacks.domain import deciding as who_may
from rollbacks.domain.states import RollbackState, StepKind
from rollbacks.models import Rollback
from rollbacks.services import deciding, mending

ASK = "rollbacks.request_rollback"
DECIDE = "rollbacks.confirm_rollback"


class RollbackCommand(RowCommand):
    """The rollback is named by its number."""

    permission_required = ASK

    @cached_property
    def row(self) -> Rollback:
        return selectors.by_pk(self.kwargs["pk"])

    def subject(self) -> tuple[str, int | None]:
        return f"rollback:{self.row.public_id}", None

    def failed_step(self) -> str:
        """The step at which it has stopped, and why."""
        step = selectors.failed_step(self.row)
        return "It goes on by now." if step is None else f"Step {step.position + 1}, {step.kind}: {step.error}"

    def back(self) -> str:
        return reverse("admin:rollbacks_rollback_change", args=[self.kwargs["pk"]])


class PasswordForm(DigestForm):
    password = forms.CharField(
        label="Your password, again",
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"}),
        help_text="So that nobody does this at a screen that was left open.",
    )


class Confirm(RollbackCommand, SeenCommand):
    name, label, icon, tone = "confirm", "Confirm and begin", "check", "danger"
    permission_required = DECIDE
    takes_reason = False
    dangerous = True

    def sentences(self) -> Sequence[str]:
        lines = [line for step in self.row.plan["steps"] for line in step["lines"]]
        return ["You say yes to exactly this, and it begins at once:", *lines, *self.row.plan["notes"]]

    def perform(self, values: dict[str, Any]) -> str:
        deciding.confirm(self.row.public_id, digest=values["digest"], **self.who())
        return "Confirmed. It is under way: this page shows each step."


class Emergency(Confirm):
    """One person alone, while something has fired there. A wrong password counts as one at the login does."""

    name, label, icon, tone = "emergency", "Emergency: confirm alone", "emergency_home", "danger"
    form_class = PasswordForm

    def sentences(self) -> Sequence[str]:
        lane = selectors.lane(self.row.environment.key, person=self.request.user.get_username())
        lane = lane or "The emergency lane is closed by now."
        return [lane, "It is marked as an emergency, and people are told that one person did it.", *super().sentences()]

    def perform(self, values: dict[str, Any]) -> str:
        name = self.request.user.get_username()
        if authenticate(self.request, username=name, password=values["password"]) is None:
            raise Refused("This is not your password, so nothing was begun.")
        deciding.confirm(self.row.public_id, digest=values["digest"], emergency=True, **self.who())
        return "Confirmed in an emergency. It is under way: this page shows each step."


class Refuse(RollbackCommand):
    name, label, icon, tone = "refuse", "Refuse", "block", ""

    def sentences(self) -> Sequence[str]:
        return [f"The rollback that {self.row.requested_by} asked for is closed for good. Nothing changes."]

    def perform(self, values: dict[str, Any]) -> str:
        deciding.refuse(self.row.public_id, reason=values["reason"], **self.who())
        return "Refused. Nothing was changed."


class Retry(RollbackCommand):
    name, label, icon, tone = "retry", "Retry the step", "refresh", "primary"
    takes_reason = False

    def sentences(self) -> Sequence[str]:
        return [self.failed_step(), "It is taken again. What is done already is seen first and not done twice."]

    def perform(self, values: dict[str, Any]) -> str:
        mending.retry(self.row.public_id, version=values["version"], **self.who())
        return "It goes on."


class Record(RollbackCommand):
    name, label, icon, tone = "record", "Done by hand", "handyman", ""
    reason_label = "What was done, and what was seen"

    def sentences(self) -> Sequence[str]:
        step = selectors.failed_step(self.row)
        return ["You have run these yourself, and they worked:", *(step.what.get("commands", []) if step else [])]

    def perform(self, values: dict[str, Any]) -> str:
        mending.record(self.row.public_id, result=values["reason"], version=values["version"], **self.who())
        return "Recorded. It goes on."


class Skip(RollbackCommand):
    name, label, icon, tone = "skip", "Leave the step out", "skip_next", ""
    dangerous = True

    def sentences(self) -> Sequence[str]:
        return [self.failed_step(), "It goes on without this step, and says so wherever it is told of."]

    def perform(self, values: dict[str, Any]) -> str:
        mending.skip(self.row.public_id, reason=values["reason"], version=values["version"], **self.who())
        return "Left out. It goes on."


class Abort(RollbackCommand):
    name, label, icon, tone = "abort", "Abort", "cancel", "quiet-danger"
    dangerous = True

    def sentences(self) -> Sequence[str]:
        return ["It ends here, for good. What was done stays done: flags that are off stay off, and ramps held."]

    def perform(self, values: dict[str, Any]) -> str:
        mending.abort(self.row.public_id, reason=values["reason"], version=values["version"], **self.who())
        return "Aborted. Look at what was done, and what was not."


COMMANDS: tuple[type[RollbackCommand], ...] = (Confirm, Emergency, Refuse, Retry, Record, Skip, Abort)


def offered(row: Rollback, actor: Actor, *, decides: bool, asks: bool, now: datetime) -> list[type[RollbackCommand]]:
    """The commands that would not be refused as things stand, for a person with these rights."""
    waits = row.state == RollbackState.REQUESTED and now < row.expires_at
    step = selectors.failed_step(row) if row.state == RollbackState.STOPPED else None
    confirms = decides and waits and not cannot_confirm(row, actor)
    possible = {
        Confirm: confirms,
        Emergency: decides and waits and not confirms and bool(selectors.lane(row.environment.key, person=actor.name)),
        Refuse: waits and (decides or actor.name in row.contributors),
        Retry: asks and step is not None,
        Record: asks and step is not None and step.kind == StepKind.APPLICATION,
        Skip: asks and step is not None and step.kind != StepKind.FLAGS,
        Abort: asks and step is not None,
    }
    return [command for command in COMMANDS if possible[command]]


def cannot_confirm(row: Rollback, actor: Actor) -> str:
    """Why this person may not confirm it as anybody else would; empty when it is possible."""
    return who_may.not_allowed(actor, row.contributors, emergency=False)
