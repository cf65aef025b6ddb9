"""The commands on a change request: decide, apply, take back, and what its requester does with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse

from approvals import selectors
from approvals.admin import words
from approvals.admin.command import DECIDE, RequestCommand
from approvals.admin.editing import Edit, Reschedule
from approvals.domain import approving, schedule
from approvals.domain.states import RequestState
from approvals.models import ChangeRequest
from approvals.selectors import Standing
from approvals.services import applying, deciding, requests
from core.actors import Actor
from core.admin.row_command import SeenCommand


class Approve(RequestCommand, SeenCommand):
    name, label, icon, tone = "approve", "Approve", "check", "primary"
    permission_required = DECIDE
    needs_reason = False
    reason_label = "Comment"
    reason_help = "Shown with your approval."

    def sentences(self) -> Sequence[str]:
        row = self.row
        left = row.needed - len(
            approving.counting(row.approvals.all(), digest=row.digest, contributors=row.contributors)
        )
        after = "yours is the last one that it needs" if left <= 1 else f"{left - 1} more will be needed after yours"
        when = f" The clock applies it {schedule.told(row.apply_at, row.zone)}." if row.apply_at else ""
        return [f"You say yes to exactly what is below; {after}.{when}"]

    def changes(self) -> Sequence[str]:
        return words.lines(self.row)

    def perform(self, values: dict[str, Any]) -> str:
        done = deciding.approve(self.row.pk, digest=values["digest"], comment=values["reason"], **self.who())
        if done.state != RequestState.APPROVED:
            return "Your approval counts. It takes more people."
        return "Approved. The clock applies it when it is time." if done.apply_at else "Approved. It can be applied."


class Reject(RequestCommand):
    name, label, icon, tone = "reject", "Reject", "block", "quiet-danger"
    permission_required = DECIDE
    dangerous = True
    reason_help = "Whoever asked reads it."

    def sentences(self) -> Sequence[str]:
        return [f"Request {self.row.pk} by {self.row.requested_by} is closed for good. Nothing changes."]

    def perform(self, values: dict[str, Any]) -> str:
        deciding.reject(self.row.pk, reason=values["reason"], **self.who())
        return "Rejected."


class Withdraw(RequestCommand):
    name, label, icon, tone = "withdraw", "Withdraw", "undo", "quiet-danger"
    dangerous = True
    needs_reason = False

    def sentences(self) -> Sequence[str]:
        return [f"Request {self.row.pk} is closed for good. Nothing changes."]

    def perform(self, values: dict[str, Any]) -> str:
        deciding.withdraw(self.row.pk, reason=values["reason"], **self.who())
        return "Withdrawn."


class Comment(RequestCommand):
    name, label, icon, tone = "comment", "Comment", "chat", ""
    reason_label = "Comment"
    reason_help = "Everybody who sees the request reads it."

    def sentences(self) -> Sequence[str]:
        return ["A comment changes nothing: approvals stay."]

    def perform(self, values: dict[str, Any]) -> str:
        requests.comment(self.row.pk, values["reason"], **self.who())
        return "Your comment is there."


class Refresh(RequestCommand):
    name, label, icon, tone = "refresh", "Lay it on the present state", "refresh", ""
    takes_reason = False

    def sentences(self) -> Sequence[str]:
        stale = selectors.changed_since(self.row)
        if not stale:
            return ["Nothing has changed underneath: only the rules are read again, and approvals stay."]
        return [stale, "The same changes are laid on what there is now. Approvals given so far are void."]

    def perform(self, values: dict[str, Any]) -> str:
        requests.refresh(self.row.pk, **self.who())
        return "The request stands on what there is now. Look at what it changes."


class Apply(RequestCommand):
    name, label, icon, tone = "apply", "Apply", "play_arrow", "primary"
    takes_reason = False

    def sentences(self) -> Sequence[str]:
        return [f"All of this is done in {self.row.environment.name} at once, or none of it if one part cannot."]

    def changes(self) -> Sequence[str]:
        return words.lines(self.row)

    def perform(self, values: dict[str, Any]) -> str:
        applying.apply(self.row.pk, **self.who())
        return f"Applied in {self.row.environment.name}. One step reverts it."


class Revert(RequestCommand):
    name, label, icon, tone = "revert", "Revert", "history", "quiet-danger"
    dangerous = True
    asked: ChangeRequest | None = None

    def sentences(self) -> Sequence[str]:
        return [
            "Every field that this request changed gets back what it had before, all or none; other fields stay.",
            "If a rule asks for approval, this opens a change request for it. An emergency disable never needs one.",
        ]

    def changes(self) -> Sequence[str]:
        return [f"Taken back: {line}" for line in words.lines(self.row)]

    def perform(self, values: dict[str, Any]) -> str:
        self.asked = applying.revert(self.row.pk, reason=values["reason"], **self.who())
        return "This request takes it back, once it is approved." if self.asked else "Taken back."

    def back(self) -> str:
        if self.asked is None:
            return super().back()
        return reverse("admin:approvals_changerequest_change", args=[self.asked.pk])


COMMANDS: tuple[type[RequestCommand], ...] = (
    Approve,
    Apply,
    Refresh,
    Edit,
    Reschedule,
    Comment,
    Reject,
    Withdraw,
    Revert,
)


def offered(
    row: ChangeRequest, standing: Standing, actor: Actor, *, decides: bool, asks: bool, now: datetime
) -> list[type[RequestCommand]]:
    """The commands that would not be refused as things stand, for a person with these rights.

    Comment is none of them: the page has a form for it.
    """
    live = selectors.is_live(row) and not standing.expired
    may_approve = live and not cannot_approve(row, standing, actor)
    possible = {
        Approve: decides and may_approve,
        Apply: asks and live and standing.approved and (row.apply_at is None or row.apply_at <= now),
        Refresh: asks and live and bool(standing.stale),
        Edit: asks and live,
        Reschedule: asks and live,
        Reject: decides and live,
        Withdraw: asks and live and actor.name in row.contributors,
        Revert: asks and row.state == RequestState.APPLIED,
    }
    return [command for command in COMMANDS if possible.get(command)]


def cannot_approve(row: ChangeRequest, standing: Standing, actor: Actor) -> str:
    """Why this person cannot approve it now; empty when it is possible."""
    never = approving.not_allowed(actor, row.contributors)
    if never:
        return never
    if standing.stale:
        return "It has to be laid on the present state first."
    if any(word.approver == actor.name for word in standing.counting):
        return "You have approved it."
    return ""
