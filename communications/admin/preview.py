"""What would be sent of a past event, to whom, and in which words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404

import communications.selectors
from communications.domain.alerts import AlertType
from communications.domain.channels import ChannelKind
from communications.models import Alert
from communications.selectors.plan import Planned, plan
from communications.services import addressing, writing
from core.admin.read_only import Screen


@dataclass(frozen=True, slots=True)
class Shown:
    """What one audience would read by one channel, and who that is."""

    audience: str
    channel: str
    recipients: list[str]
    written: writing.Written


class PreviewScreen(Screen):
    """Reads only: nothing is made, and nobody is told."""

    permission_required = "communications.view_audience"
    template_name = "communications/preview.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        alert = communications.selectors.alerts().filter(pk=self.kwargs["pk"]).first()
        if alert is None:
            raise Http404(f"There is no alert {self.kwargs['pk']}.")
        self.title = f"What would be sent: {alert.feature}"
        return super().get_context_data(alert=alert, shown=shown(alert, plan()), **kwargs)


def shown(alert: Alert, audiences: list[Planned]) -> list[Shown]:
    """By audience and channel, as the plan is now; also by channels that are off."""
    found: dict[tuple[str, str], Shown] = {}
    for letter in addressing.letters(alert, audiences):
        name = letter.planned.audience.name if letter.planned else "Called by name"
        place = (name, letter.channel.name)
        if place not in found:
            kind = ChannelKind(letter.channel.kind)
            words = writing.words_of(letter, AlertType(alert.type))
            found[place] = Shown(name, letter.channel.name, [], writing.read(alert, letter.planned, kind, words))
        found[place].recipients.append(letter.problem or letter.recipient or "everybody there")
    return list(found.values())
