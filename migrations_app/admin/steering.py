"""The commands on one run, each a dialog that names its effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminIntegerFieldWidget

from core.admin.confirm import ReasonForm
from core.admin.read_only import person
from core.admin.row_command import RowCommand, SeenCommand
from core.errors import Conflict
from migrations_app.adapters import lease, target
from migrations_app.adapters.mongo import Unreachable
from migrations_app.adapters.target import ANSWER
from migrations_app.admin.answering import need_answer
from migrations_app.domain.pace import SLOWEST
from migrations_app.domain.states import LogStatus
from migrations_app.models import MigrationRun
from migrations_app.selectors import runs_shown
from migrations_app.services import keeping, requesting, steering

REQUEST, APPROVE = "migrations_app.request_migration", "migrations_app.approve_migration"
Done = TypeVar("Done")


class RunCommand(RowCommand):
    """The run is named by its number."""

    permission_required = REQUEST

    @cached_property
    def row(self) -> MigrationRun:
        return runs_shown.by_pk(self.kwargs["pk"])

    def subject(self) -> tuple[str, int | None]:
        return f"migration:{self.row.uid}", None

    def back(self) -> str:
        return reverse("admin:migrations_app_migrationrun_change", args=[self.kwargs["pk"]])

    def attempt(self, form: forms.Form, act: Callable[[], Done], then: Callable[[Done], HttpResponse]) -> HttpResponse:
        """MongoDB away is a refusal like any other: nothing was changed."""

        def asked() -> Done:
            try:
                return act()
            except Unreachable as error:
                raise Conflict(f"nctool's MongoDB does not answer, and nothing was changed: {error}") from error

        return super().attempt(form, asked, then)


class Approve(RunCommand, SeenCommand):
    name, label, icon, tone = "approve", "Approve and begin", "check", "primary"
    permission_required = APPROVE
    takes_reason = False
    dangerous = True

    def sentences(self) -> Sequence[str]:
        row = self.row
        return [
            "You say yes to exactly this, and a worker begins within seconds:",
            f"{row.title}, {', '.join(row.phases)}, on {row.plan.get('target') or row.environment}.",
            f"{row.plan.get('documents', 0):,} documents; asked for by {row.requested_by}: {row.reason}",
        ]

    def perform(self, values: dict[str, Any]) -> str:
        requesting.approve(self.row.uid, digest=values["digest"], **self.who())
        return "Approved. This page shows how far it is."


class Refuse(RunCommand):
    name, label, icon, tone = "refuse", "Refuse", "block", ""

    def has_permission(self) -> bool:
        """An approver; and whoever asked for it takes it back so."""
        user = self.request.user
        return user.has_perm(APPROVE) or (user.has_perm(REQUEST) and person(self.request).name in self.row.contributors)

    def sentences(self) -> Sequence[str]:
        return [f"What {self.row.requested_by} asked for is closed for good. Nothing is changed."]

    def perform(self, values: dict[str, Any]) -> str:
        requesting.refuse(self.row.uid, reason=values["reason"], **self.who())
        return "Refused. Nothing was changed."


class Pause(RunCommand):
    name, label, icon, tone = "pause", "Pause", "pause", ""
    needs_reason = False

    def sentences(self) -> Sequence[str]:
        return ["It stands still after the batch it is at, with all it knows, for as long as you like."]

    def perform(self, values: dict[str, Any]) -> str:
        steering.pause(self.row.uid, reason=values["reason"], **self.who())
        return "It pauses after the batch it is at."


class Resume(RunCommand):
    name, label, icon, tone = "resume", "Resume", "play_arrow", "primary"
    needs_reason = False

    def sentences(self) -> Sequence[str]:
        return ["It goes on where it stands. What is done already is not done twice."]

    def perform(self, values: dict[str, Any]) -> str:
        steering.resume(self.row.uid, reason=values["reason"], **self.who())
        return "It goes on."


class GoOn(Resume):
    """After the canary."""

    name, label, icon, tone = "go-on", "Go on with the rest", "play_arrow", "primary"
    dangerous = True

    def sentences(self) -> Sequence[str]:
        done, planned = self.row.progress.get("done", 0), self.row.plan.get("documents", 0)
        return [
            f"The canary of {self.row.canary} % is done and validated: {done:,} of {planned:,} documents.",
            "All the others follow now, and are validated too.",
        ]


class Again(Resume):
    """A rollback that has failed."""

    name, label, icon, tone = "again", "Try the rollback again", "refresh", "primary"

    def sentences(self) -> Sequence[str]:
        return [self.row.error or "It has failed.", "It goes on where it stopped. What is back already is left alone."]


class Abort(RunCommand):
    name, label, icon, tone = "abort", "Abort and take back", "undo", "quiet-danger"
    dangerous = True

    def sentences(self) -> Sequence[str]:
        if self.row.started_at is None:
            return ["It has not begun: it ends here, and nothing was changed."]
        return [
            "It ends after the batch it is at, and everything it has changed is put back from its journal.",
            f"So far it has changed {self.row.progress.get('done', 0):,} documents.",
        ]

    def perform(self, values: dict[str, Any]) -> str:
        steering.abort(self.row.uid, reason=values["reason"], **self.who())
        return "It is taken back." if self.row.started_at else "Ended before it began. Nothing was changed."


class Leave(RunCommand):
    name, label, icon, tone = "leave", "End and leave", "stop_circle", "quiet-danger"
    dangerous = True

    def sentences(self) -> Sequence[str]:
        return [
            "It ends after the batch it is at. What it has done by then stays in the data.",
            "Its journal is kept: it can be taken back later, or a later run goes on from there.",
        ]

    def perform(self, values: dict[str, Any]) -> str:
        steering.abort(self.row.uid, leave=True, reason=values["reason"], **self.who())
        return "It ends, and leaves what it has done."


class SpeedForm(ReasonForm):
    speed = forms.IntegerField(
        label="Speed in percent",
        min_value=SLOWEST,
        max_value=100,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"autofocus": True}),
        help_text="Of the time it works so much, and rests the others.",
    )


class Speed(RunCommand):
    name, label, icon, tone = "speed", "Set the speed", "speed", ""
    form_class = SpeedForm
    takes_reason = False

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "speed": self.row.speed}

    def sentences(self) -> Sequence[str]:
        return ["100 percent is as fast as the database and its secondaries bear it. It holds from the next batch on."]

    def perform(self, values: dict[str, Any]) -> str:
        row = steering.set_speed(self.row.uid, values["speed"], **self.who())
        return f"Its speed is {row.speed} percent from the next batch on."


class RollBackForm(ReasonForm):
    phases = forms.MultipleChoiceField(
        label="Phases", required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget, help_text="None chosen: all."
    )

    field_order = ["phases", "reason"]


class RollBack(RunCommand):
    name, label, icon, tone = "roll-back", "Roll back", "undo", "quiet-danger"
    form_class = RollBackForm
    dangerous = True
    made: MigrationRun | None = None

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        back = {log.phase for log in runs_shown.logs(self.row) if log.status == LogStatus.ROLLED_BACK}
        left = [(name, name) for name in self.row.phases if name not in back]
        form.fields["phases"].choices = left  # type: ignore[attr-defined]
        return form

    def sentences(self) -> Sequence[str]:
        count = sum(self.row.result.get("changed", {}).values()) or self.row.progress.get("done", 0)
        begins = "Another person approves it, then a worker begins."
        return [
            f"From its journal each of {count:,} changes is put back, to the byte; indexes that it built are dropped.",
            "Documents that others have changed since keep what is theirs; a conflict is left alone, and listed.",
            begins if self.row.environment.protected else "It begins at once.",
        ]

    def perform(self, values: dict[str, Any]) -> str:
        self.made = requesting.request_rollback(self.row.uid, values["phases"], reason=values["reason"], **self.who())
        if self.made.environment.protected:
            return "Asked for. Nothing changes until another person approves it."
        return "A worker begins to take it back within seconds."

    def back(self) -> str:
        if self.made is None:
            return super().back()
        return reverse("admin:migrations_app_migrationrun_change", args=[self.made.pk])


class Unlock(RunCommand):
    name, label, icon, tone = "unlock", "Take the lock away", "lock_open", "quiet-danger"
    permission_required = APPROVE
    dangerous = True

    def sentences(self) -> Sequence[str]:
        try:
            with target.told(ANSWER):
                held = lease.holder(target.connect(self.row.environment.key).database)
        except (Unreachable, Conflict) as error:
            return [f"Who has the lock cannot be told: {error}"]
        if held is None:
            return ["Nobody has the lock of this database now."]
        return [
            f"{held.get('worker')} has it for {held.get('run')}, for {held['seconds']:.0f} s if it does not renew it.",
            "A worker that lives stops at its next look, and the next one goes on at the checkpoint.",
            "A lock whose worker is dead becomes free by itself within a minute.",
        ]

    def perform(self, values: dict[str, Any]) -> str:
        need_answer(self.row.environment.key)
        return steering.unlock(self.row.environment.key, reason=values["reason"], **self.who())


class Forget(RunCommand):
    name, label, icon, tone = "forget", "Drop the journal", "delete_forever", "quiet-danger"
    permission_required = APPROVE
    dangerous = True

    def sentences(self) -> Sequence[str]:
        return [
            "What its documents were before is deleted from nctool's database, for good.",
            "From then on this run cannot be taken back, by nobody.",
        ]

    def perform(self, values: dict[str, Any]) -> str:
        need_answer(self.row.environment.key)
        count = keeping.forget(self.row.uid, reason=values["reason"], **self.who())
        return f"Dropped: {count:,} entries. There is no way back from here."


COMMANDS: tuple[type[RunCommand], ...] = (
    *(Approve, Refuse, GoOn, Resume, Again, Pause, Speed),
    *(RollBack, Abort, Leave, Unlock, Forget),
)
