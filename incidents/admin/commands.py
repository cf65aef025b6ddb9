"""The commands on one incident, each a dialog that names its effect."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.urls import reverse

from core.admin.row_command import RowCommand
from incidents import selectors
from incidents.admin import words
from incidents.domain.levels import level_of
from incidents.domain.states import OPEN, IncidentState, Level
from incidents.models import Incident
from incidents.services import acting, measuring, post_mortems, steering, watching_closely

OPERATE = "incidents.operate_incident"
LOWER = "incidents.lower_level"
S = IncidentState


class IncidentCommand(RowCommand):
    """The incident is named by its number."""

    permission_required = OPERATE

    @cached_property
    def row(self) -> Incident:
        return selectors.get(self.kwargs["pk"])

    def subject(self) -> tuple[str, int | None]:
        return f"incident:{self.kwargs['pk']}", None

    def back(self) -> str:
        return reverse("admin:incidents_incident_change", args=[self.kwargs["pk"]])


class Acknowledge(IncidentCommand):
    name, label, icon, tone = "acknowledge", "Acknowledge", "front_hand", "primary"
    takes_reason = False

    def sentences(self) -> Sequence[str]:
        return ["You look after it. It does not rise to the next level by time, and nobody else is called."]

    def perform(self, values: dict[str, Any]) -> str:
        steering.acknowledge(self.row.pk, **self.who())
        return "You look after it."


class StateCommand(IncidentCommand):
    """Says how far it is. `target` is the state, `told` what that means."""

    target = S.INVESTIGATING
    told = ""
    needs_reason = False
    reason_label = "What is known"

    def sentences(self) -> Sequence[str]:
        return [self.told]

    def perform(self, values: dict[str, Any]) -> str:
        told = {"reason": values["reason"], "version": values["version"]}
        row = steering.set_state(self.row.pk, self.target, **told, **self.who())
        return f"It is {words.LOOK[S(row.state)][0]}."


class Investigating(StateCommand):
    name, label, icon = "investigating", "Investigating again", "search"
    told = "The cause is not known after all."


class Identified(StateCommand):
    name, label, icon = "identified", "Identified", "target"
    target, told = S.IDENTIFIED, "The cause is known, and is being worked on."


class Monitoring(StateCommand):
    name, label, icon = "monitoring", "Monitoring", "monitor_heart"
    target = S.MONITORING
    told = "Users are no longer harmed: this is when it is mitigated. You watch whether it stays so."


class Resolve(StateCommand):
    name, label, icon, tone = "resolve", "Resolve", "task_alt", "primary"
    target = S.RESOLVED
    told = (
        "Users have what they had before: this is when it is recovered. What comes back within 15 minutes reopens it."
    )

    def sentences(self) -> Sequence[str]:
        """With what is measured against it."""
        looked = measuring.look(self.row.environment_id, self.row.environment.key, now=self.who()["now"])
        level, why = level_of(looked.measured, selectors.policies())
        still = [f"Now it is still at level {level.value}: {why}"] if level else []
        return [self.told, *still]


class Reopen(StateCommand):
    name, label, icon, tone = "reopen", "Open again", "replay", "danger"
    told = "It is not over. Somebody has to acknowledge it anew, and its times count on."
    needs_reason = True
    dangerous = True


class Close(StateCommand):
    name, label, icon = "close", "Close", "inventory_2"
    target, told = S.CLOSED, "Nothing more is written to it, for good. Action items can still be done."


class WatchClosely(IncidentCommand):
    name, label, icon = "watch", "Increase monitoring frequency", "visibility"
    takes_reason = False

    def sentences(self) -> Sequence[str]:
        keys = ", ".join(watching_closely.flags_of(self.row)) or "no flag: none is linked or on"
        return [f"Looked at as at the level intensive, until the incident is resolved: {keys}."]

    def perform(self, values: dict[str, Any]) -> str:
        keys = acting.watch_closely(self.row.pk, **self.who())
        return f"Looked at more often: {', '.join(keys)}."


class Team(IncidentCommand):
    name, label, icon, tone = "team", "Activate incident response team", "groups", "danger"
    takes_reason = False
    dangerous = True

    def sentences(self) -> Sequence[str]:
        chain = selectors.policies()[Level.CRITICAL].chain
        return [f"The escalation chain {chain} calls people now." if chain else "Level 3 has no escalation chain."]

    def perform(self, values: dict[str, Any]) -> str:
        acting.activate_team(self.row.pk, **self.who())
        return "The team is called."


class BeginPostMortem(IncidentCommand):
    name, label, icon, tone = "begin", "Begin the post-mortem", "menu_book", "primary"
    takes_reason = False

    def sentences(self) -> Sequence[str]:
        return ["A document is begun from the timeline: summary, impact, root cause, what went well and badly."]

    def perform(self, values: dict[str, Any]) -> str:
        post_mortems.start(self.row.pk, **self.who())
        return "The document is begun."

    def back(self) -> str:
        return reverse("admin:incidents_post_mortem", args=[self.kwargs["pk"]])


COMMANDS: tuple[type[IncidentCommand], ...] = (
    Acknowledge,
    Identified,
    Monitoring,
    Resolve,
    Investigating,
    Reopen,
    BeginPostMortem,
    Close,
    WatchClosely,
    Team,
)
_STATES = {S.INVESTIGATING: Investigating, S.IDENTIFIED: Identified, S.MONITORING: Monitoring, S.RESOLVED: Resolve}


def steps(row: Incident) -> list[type[IncidentCommand]]:
    """How it goes on from its state, the usual way first."""
    state = S(row.state)
    if state in OPEN:
        ahead = [Identified, Monitoring, Resolve] if state is S.INVESTIGATING else [Monitoring, Resolve, Investigating]
        return [each for each in ahead if each is not _STATES[state]]
    return {S.RESOLVED: [BeginPostMortem, Reopen, Close], S.POST_MORTEM: [Close]}.get(state, [])
