"""One rollback: whose word it has, each step as it goes, the evidence, and what one can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.urls import reverse
from django.utils import timezone

from core import beside, events
from core.admin.read_only import Screen, person
from core.errors import NotFound
from rollbacks import selectors
from rollbacks.admin import words
from rollbacks.admin.commands import ASK, DECIDE, cannot_confirm, offered
from rollbacks.domain.states import RollbackState
from rollbacks.models import Rollback

HISTORY = 40


@dataclass(frozen=True, slots=True)
class Button:
    """A command as the page offers it."""

    label: str
    icon: str
    tone: str
    url: str


class RollbackPage(Screen):
    permission_required = "rollbacks.view_rollback"
    template_name = "rollbacks/rollback.html"
    live_template = "rollbacks/rollback_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, actor = timezone.now(), person(self.request)
        try:
            row = selectors.by_pk(self.kwargs["pk"])
        except NotFound as error:
            raise Http404(str(error)) from error
        self.title = f"Rollback of {row.title}"
        decides, asks = self.request.user.has_perm(DECIDE), self.request.user.has_perm(ASK)
        waits = row.state == RollbackState.REQUESTED
        state = RollbackState.EXPIRED if waits and now >= row.expires_at else RollbackState(row.state)
        return super().get_context_data(
            row=row,
            now=now,
            waits=waits,
            over=row.closed_at is not None,
            look=words.LOOK[state],
            tone=words.RISK_TONE[row.risk],
            steps=words.steps(row),
            failed=selectors.failed_step(row),
            commands=[_button(each, row) for each in offered(row, actor, decides=decides, asks=asks, now=now)],
            why_not=cannot_confirm(row, actor) if waits and decides else "",
            lane=selectors.lane(row.environment.key, person=actor.name) if waits else "",
            history=list(events.about(f"rollback:{row.public_id}")[:HISTORY]),
            parts=self._parts(row),
            **kwargs,
        )

    def _parts(self, row: Rollback) -> list[str]:
        """What other apps tell: what it belongs to, and what was learnt of such."""
        flag = [f"flag:{row.flag.key}"] if row.flag else []
        return beside.subject_parts([f"rollback:{row.public_id}", *flag], row.environment.key, self.request.user)


def _button(command: Any, row: Rollback) -> Button:
    url = reverse(f"admin:rollbacks_{command.name}", args=[row.pk])
    return Button(command.label, command.icon, command.tone, url)
