"""One change request: what it changes, who has approved it, what stands against it, and what one can do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.http import Http404
from django.urls import reverse
from django.utils import timezone

import rollouts.selectors
from approvals import selectors
from approvals.admin import words
from approvals.admin.command import ASK, DECIDE, RequestCommand
from approvals.admin.deciding import Revert, cannot_approve, offered
from approvals.domain.states import RequestState
from approvals.models import ChangeRequest
from approvals.selectors import Clash
from core import beside, events
from core.admin.read_only import Screen, person
from rollouts.admin import words as ramp_words
from rollouts.domain.template import RampStepSpec

if TYPE_CHECKING:
    from core.models import Event

HISTORY = 20
NEWS = 5


@dataclass(frozen=True, slots=True)
class Command:
    """A command as the page offers it."""

    name: str
    label: str
    icon: str
    tone: str
    url: str


@dataclass(frozen=True, slots=True)
class Versus:
    """Another request, and what the two make of one thing, side by side."""

    other: ChangeRequest
    name: str
    fields: list[words.Field]


class RequestPage(Screen):
    permission_required = "approvals.view_changerequest"
    template_name = "approvals/request.html"
    live_template = "approvals/request_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, actor = timezone.now(), person(self.request)
        row = selectors.requests().prefetch_related("comments").filter(pk=self.kwargs["pk"]).first()
        if row is None:
            raise Http404(f"There is no change request {self.kwargs['pk']}.")
        self.title = row.title
        standing = selectors.standing(row, now)
        live = selectors.is_live(row)
        decides, asks = self.request.user.has_perm(DECIDE), self.request.user.has_perm(ASK)
        history = list(events.about(f"request:{row.pk}")[:HISTORY])
        taken_back = next((event for event in history if event.kind == "request.reverted"), None)
        commands = offered(row, standing, actor, decides=decides, asks=asks, now=now)
        return super().get_context_data(
            row=row,
            now=now,
            live=live,
            look=words.LOOK[RequestState.EXPIRED if standing.expired else RequestState(row.state)],
            standing=standing,
            news=_news(row) if standing.stale else [],
            parts=words.parts(row),
            commands=[_command(each, row) for each in commands if not (taken_back and each is Revert)],
            why_not=cannot_approve(row, standing, actor) if live and decides else "",
            clashes=[found for clash in selectors.conflicts(row) for found in _versus(row, clash)] if live else [],
            reverted_by=list(row.reverted_by.all()),
            taken_back=taken_back,
            risks=_risks(row, standing, now) if live else [],
            history=history,
            may_comment=asks,
            **kwargs,
        )


def _risks(row: ChangeRequest, standing: selectors.Standing, now: datetime) -> list[str]:
    """What other apps tell about each flag that it raises and each ramp that it starts, as HTML."""
    where, given = row.environment.key, len(standing.counting)
    told = [beside.raise_parts(flag, where, to, approvals=given, now=now) for flag, to in words.raises(row)]
    started = [change["payload"]["template"] for change in row.changes if change["kind"] == "ramp.start"]
    for template in rollouts.selectors.templates().filter(key__in=started):
        shares = [RampStepSpec.from_dict(step).percentage for step in template.steps]
        told.append(ramp_words.risks(template.flag.key, where, shares, approvals=given, now=now))
    return told


def _command(command: type[RequestCommand], row: ChangeRequest) -> Command:
    url = reverse(f"admin:approvals_request_{command.name}", args=[row.pk])
    return Command(command.name, command.label, command.icon, command.tone, url)


def _news(row: ChangeRequest) -> list[Event]:
    """What has happened to the things the request touches since it was laid on them, newest first."""
    since = Q()
    for subject, mark in row.base.items():
        since |= Q(subject=subject, pk__gt=mark["event"])
    here = Q(environment=row.environment_id) | Q(environment=None)
    return list(events.recent().filter(since, here)[:NEWS])


def _versus(row: ChangeRequest, clash: Clash) -> list[Versus]:
    return [
        Versus(clash.request, subject.partition(":")[2], words.side_by_side(row, clash.request, subject))
        for subject in clash.subjects
    ]
