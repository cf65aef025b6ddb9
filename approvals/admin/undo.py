"""Take one change of the history back, from wherever the history is shown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from approvals.models import ChangeRequest
from approvals.services import undo
from core import beside, events
from core.admin.confirm import ConfirmView, Effect
from core.admin.read_only import person
from core.beside import EventAction
from core.changes import differences
from core.errors import DomainError, NotFound
from core.templatetags.history import kind_words, subject_key

if TYPE_CHECKING:
    from core.models import Event

MAY = "flags.operate_flagstate"  # what is undone is changed again, by the same rules


class UndoView(ConfirmView):
    """The event is named by its id. Where a rule asks for approval, the undo becomes a change request at once."""

    permission_required = MAY
    opened: ChangeRequest | None = None

    @cached_property
    def event(self) -> Event:
        found = events.recent().filter(pk=self.kwargs["event"]).first()
        if found is None:
            raise NotFound(f"There is no event {self.kwargs['event']}.")
        return found

    def effect(self) -> Effect:
        return Effect(
            title=f"Undo: {kind_words(self.event.kind)}, {subject_key(self.event)}",
            sentences=[
                f"What {self.event.actor} changed is set back, as a new change with your name:",
                *self._back_again(),
            ],
            submit="Undo",
            environment=self.event.environment,
        )

    def _back_again(self) -> Sequence[str]:
        """What becomes of each field; or why nothing can."""
        try:
            with transaction.atomic():
                undo.preview(self.event.pk)
        except DomainError as error:
            return [str(error)]
        told = differences(self.event.after, self.event.before)
        return [f"{each.field}: {each.before or '(nothing)'} → {each.after or '(nothing)'}" for each in told]

    def perform(self, values: dict[str, Any]) -> str:
        self.opened = undo.undo(self.event.pk, actor=person(self.request), reason=values["reason"], now=timezone.now())
        if self.opened is None:
            return f"Event {self.event.pk} is undone."
        return "A rule asks for approval, so a change request is open for it. Nothing changes until it is applied."

    def back(self) -> str:
        if self.opened is not None:
            return beside.page_of(f"request:{self.opened.pk}")
        return reverse("admin:core_event_change", args=[self.event.pk])


def offered(event: Event, user: beside.Person) -> EventAction | None:
    """The undo, for events that change something in place."""
    kind, _, _ = event.subject.partition(":")
    of_state = kind == "flag" and "percentage" in event.before and "percentage" in event.after
    of_else = event.kind in ("flag.definition_changed", "flag.renamed") or kind in ("segment", "rules")
    if not (of_state or (of_else and event.before)) or not user.has_perm(MAY):
        return None
    return EventAction(reverse("admin:approvals_undo", args=[event.pk]), "Undo", "undo")


beside.add_event_action(offered)
