"""Dialogs about one item of a checklist: mark it, say who looks after it, show how it is, run its command."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views import View
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextInputWidget

from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import person
from core.errors import DomainError
from plans import selectors
from plans.domain.states import ItemState
from plans.models import Item
from plans.services import attaching, commands, items

TICK, RUN, APPROVE = "plans.tick_item", "plans.run_command", "plans.approve_phase"
WORDS = {ItemState.PASSED: "Pass", ItemState.FAILED: "Fail", ItemState.SKIPPED: "Skip", ItemState.PENDING: "Untick"}
MOMENT = "%Y-%m-%dT%H:%M"  # as browsers send it
FILE_HELP = f"A picture, a log, a report: up to {attaching.MOST_BYTES // 1024**2} MB."


def file_field(*, required: bool) -> forms.FileField:
    label = "File" if required else "File (optional)"
    return forms.FileField(
        label=label, required=required, widget=UnfoldAdminFileFieldWidget, help_text=FILE_HELP, allow_empty_file=True
    )


def file_of(values: dict[str, Any]) -> attaching.File | None:
    """What was uploaded; one that is too large is not read to its end."""
    given = values.get("file")
    return attaching.File(given.name, given.read(attaching.MOST_BYTES + 1)) if given else None


class ItemDialog(ConfirmView):
    """A dialog about the item of the address."""

    permission_required = TICK

    @property
    def item(self) -> Item:
        return selectors.item(self.kwargs["pk"])

    def about(self, title: str, sentences: list[str], submit: str, **more: Any) -> Effect:
        return Effect(title, sentences, submit, environment=self.item.checklist.plan.environment, **more)

    def version(self) -> int | None:
        return self.item.version

    def field_of(self, error: DomainError) -> str | None:
        field = getattr(error, "field", None)
        return "reason" if field == "comment" else field

    def back(self) -> str:
        return reverse("admin:plans_checklist_change", args=[self.item.checklist_id])

    def who(self) -> dict[str, Any]:
        return {"actor": person(self.request), "now": timezone.now()}


class MarkForm(ReasonForm):
    file = file_field(required=False)

    field_order = ["reason", "file"]


class MarkItem(ItemDialog):
    """Marks an item. What fails or is skipped needs the reason; any may be shown by a file."""

    form_class = MarkForm
    state: ItemState = ItemState.FAILED

    def effect(self) -> Effect:
        word = WORDS[self.state]
        return self.about(f"{word} this item", [self.item.text], word)

    def reason_required(self) -> bool:
        return self.state in (ItemState.FAILED, ItemState.SKIPPED)

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        if self.state is ItemState.PENDING:
            del form.fields["file"]
        return form

    def perform(self, values: dict[str, Any]) -> str:
        row = items.mark(
            self.item.pk,
            self.state,
            comment=values["reason"],
            file=file_of(values),
            version=values["version"],
            **self.who(),
        )
        return f"{row.text}: {row.state.lower()}."


class AssignForm(ReasonForm):
    reason = None  # type: ignore[assignment]  # takes the field away
    assignee = forms.CharField(
        label="Who", required=False, max_length=150, widget=UnfoldAdminTextInputWidget, help_text="As they sign in."
    )
    due_at = forms.DateTimeField(
        label="Until",
        required=False,
        input_formats=[MOMENT],
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text=f"In {settings.TIME_ZONE}. Empty: the time of the list. That person gets a mail when it is over.",
    )

    field_order = ["assignee", "due_at"]


class Assign(ItemDialog):
    form_class = AssignForm

    def effect(self) -> Effect:
        return self.about("Who looks after it", [self.item.text, "It then stands on that person's home."], "Assign")

    def get_form(self, form_class: Any = None) -> forms.Form:
        return super(ConfirmView, self).get_form(form_class)

    def get_initial(self) -> dict[str, Any]:
        item = self.item
        who = item.assignee or self.request.user.get_username()
        return {**super().get_initial(), "assignee": who, "due_at": _local(item.due_at)}

    def perform(self, values: dict[str, Any]) -> str:
        row = items.assign(
            self.item.pk, values["assignee"], due_at=values["due_at"], version=values["version"], **self.who()
        )
        return f"{row.assignee or 'Nobody'} looks after it."


class AttachForm(ReasonForm):
    reason = None  # type: ignore[assignment]  # takes the field away
    file = file_field(required=True)

    field_order = ["file"]


class Attach(ItemDialog):
    form_class = AttachForm

    def effect(self) -> Effect:
        return self.about("Attach a file", [self.item.text], "Attach")

    def get_form(self, form_class: Any = None) -> forms.Form:
        return super(ConfirmView, self).get_form(form_class)

    def perform(self, values: dict[str, Any]) -> str:
        file = file_of(values)
        assert file is not None  # noqa: S101 -- the form requires it
        return f"{attaching.attach(self.item.pk, file, **self.who()).name} is kept."


class RemoveAttachment(ItemDialog):
    permission_required = APPROVE

    def effect(self) -> Effect:
        name = selectors.attachment(self.kwargs["pk"]).name
        sentences = [f"{name} is deleted for good. Its name and digest stay in the history."]
        return self.about("Remove a file", sentences, "Remove", dangerous=True)

    @property
    def item(self) -> Item:
        return selectors.item(selectors.attachment(self.kwargs["pk"]).item_id)

    def perform(self, values: dict[str, Any]) -> str:
        attaching.remove(self.kwargs["pk"], reason=values["reason"], **self.who())
        return "The file is removed."


class RunItem(ItemDialog):
    """Has the command run: of this item alone, or `onward` through its list."""

    permission_required = RUN
    onward = False

    def effect(self) -> Effect:
        item = self.item
        allowed = settings.RUNNER_PROGRAMS
        if self.onward:
            steps = commands.rehearse(item.checklist, allowed)
            ahead = [step for step in steps if step.item.position >= item.position]
            detail = render_to_string("plans/rehearsal.html", {"steps": ahead})
            sentences = ["Run one after the other, until one fails or a person has to do something. You can stop it."]
            return self.about(f"Run from here: {item.checklist}", sentences, "Run from here", detail=detail)
        try:
            told = f"{shlex.join(commands.argv_of(item, allowed))} is run, for at most {item.timeout} s."
        except DomainError as error:
            told = str(error)
        sentences = [item.text, told, "It passes by itself when the command ends well, and fails when it does not."]
        return self.about("Run this command", sentences, "Run")

    def reason_required(self) -> bool:
        return self.item.checklist.plan.environment.protected

    def perform(self, values: dict[str, Any]) -> str:
        run = commands.request(
            self.item.pk,
            allowed=settings.RUNNER_PROGRAMS,
            reason=values["reason"],
            onward=self.onward,
            version=values["version"],
            **self.who(),
        )
        return f"{run.item.text}: asked for; the runner takes it within seconds."


class StopRun(ItemDialog):
    permission_required = RUN

    def effect(self) -> Effect:
        sentences = [self.item.text, "The program and all it started are ended. What it has done by then stays done."]
        return self.about("Stop this command", sentences, "Stop", dangerous=True)

    @property
    def item(self) -> Item:
        return selectors.item(selectors.run(self.kwargs["pk"]).item_id)

    def reason_required(self) -> bool:
        return False

    def back(self) -> str:
        return reverse("admin:plans_commandrun_change", args=[self.kwargs["pk"]])

    def perform(self, values: dict[str, Any]) -> str:
        commands.stop(self.kwargs["pk"], reason=values["reason"], **self.who())
        return "It is stopped within seconds."


class Download(PermissionRequiredMixin, View):
    """A file as it came, never shown by the browser: it may be anything."""

    permission_required = "plans.view_checklist"

    def handle_no_permission(self) -> Any:
        raise PermissionDenied

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            found = selectors.attachment(pk)
        except DomainError as error:
            raise Http404(str(error)) from error
        response = HttpResponse(bytes(found.content), content_type="application/octet-stream")
        response.headers["Content-Disposition"] = _disposition(found.name)
        return response


def _local(moment: datetime | None) -> str:
    return timezone.localtime(moment).strftime(MOMENT) if moment else ""


def _disposition(name: str) -> str:
    return content_disposition_header(as_attachment=True, filename=name) or "attachment"
