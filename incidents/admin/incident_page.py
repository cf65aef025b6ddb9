"""One incident, as somebody works on it at three in the morning, on a phone: how bad, what to do, what is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.urls import reverse

from core import beside
from core.admin.read_only import Screen
from core.errors import NotFound
from incidents import selectors
from incidents.admin import choosing, commands, saying, words
from incidents.admin.offers import Button, Offers
from incidents.domain.states import Level
from incidents.domain.telling import AUDIENCES
from incidents.models import Incident, Link
from incidents.selectors import timeline
from incidents.services import measuring

if TYPE_CHECKING:
    from core.models import Event

UPDATES = 5
LEVELS = ("incident.opened", "incident.level_raised", "incident.level_lowered", "incident.reopened")


@dataclass(frozen=True, slots=True)
class Linked:
    """Something that it is about, and where its page is; "" when it has none."""

    link: Link
    noun: str
    key: str
    url: str


class IncidentPage(Screen):
    permission_required = "incidents.view_incident"
    template_name = "incidents/incident.html"
    live_template = "incidents/incident_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = find(self.kwargs["pk"])
        self.title = row.title
        context = super().get_context_data(row=row, **kwargs)
        now: datetime = context["now"]
        user = self.request.user
        policies = selectors.policies()
        own = timeline.own(row)
        may = user.has_perm(commands.OPERATE) and not row.closed_at
        return context | {
            "may": may,
            "level": words.LEVEL_LOOK[Level(row.level)],
            "state": words.LOOK[commands.S(row.state)],
            "policy": policies[Level(row.level)],
            "head": self._head(row) if may else [],
            "more": self._more(row) if may else [],
            "lines": Offers(row, user).lines(list(selectors.actions(row))),
            "gauges": words.gauges(self._looked(row, now), policies) if row.is_open else [],
            "timeline": timeline.timeline(row, now=now, said=own),
            "updates": _updates(own),
            "levels": [event for event in own if event.kind in LEVELS],
            "roles": [(title, what, getattr(row, role.value)) for role, (title, what) in words.ROLES.items()],
            "links": _links(row),
            "times": timeline.times_of(row),
            "document": selectors.post_mortem(row),
            "own_subject": f"incident:{row.pk}",
        }

    def _looked(self, row: Incident, now: datetime) -> measuring.Looked:
        return measuring.look(row.environment_id, row.environment.key, now=now)

    def _head(self, row: Incident) -> list[Button]:
        """What matters most comes first, and is the only one in colour."""
        found: list[type[commands.IncidentCommand]] = []
        if row.is_open and row.acknowledged_at is None:
            found.append(commands.Acknowledge)
        if row.is_open:
            found += [saying.Update, saying.Note]
        found += commands.steps(row)
        return [_button(each, row, loud=number == 0) for number, each in enumerate(found)]

    def _more(self, row: Incident) -> list[Button]:
        """What is needed seldom."""
        if not row.is_open:
            after: tuple[type[commands.IncidentCommand], ...] = (saying.Update, saying.Note, choosing.Link)
            return [*(_button(each, row) for each in after), _button(choosing.Roles, row)]
        found: list[type[commands.IncidentCommand]] = []
        if row.level < Level.CRITICAL:
            found.append(choosing.Raise)
        if row.level > Level.MINOR and self.request.user.has_perm(commands.LOWER):
            found.append(choosing.Lower)
        found += [choosing.Roles, choosing.Link]
        if selectors.open_ones(row.environment.key).exclude(pk=row.pk).exists():
            found.append(choosing.Merge)
        return [_button(each, row) for each in found]


def find(pk: int) -> Incident:
    try:
        return selectors.get(pk)
    except NotFound as error:
        raise Http404(str(error)) from error


def _button(command: type[commands.IncidentCommand], row: Incident, *, loud: bool = False) -> Button:
    url = reverse(f"admin:incidents_{command.name}", args=[row.pk])
    tone = command.tone if loud or command.tone in ("quiet-danger", "danger") else ""
    return Button(url, command.label, command.icon, tone)


def _updates(events: list[Event]) -> list[tuple[Event, list[tuple[str, str]]]]:
    """The newest, each with the words of those who were told something else."""
    found = [event for event in events if event.kind == "incident.updated"][:UPDATES]
    return [
        (event, [(AUDIENCES[name], text) for name, text in event.data["texts"].items() if text != event.reason])
        for event in found
    ]


def _links(row: Incident) -> list[Linked]:
    found = []
    for link in selectors.links(row):
        noun, _, key = link.subject.partition(":")
        found.append(Linked(link, noun, key, beside.page_of(link.subject, row.environment.key)))
    return found
