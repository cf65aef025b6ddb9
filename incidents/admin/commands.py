"""The commands on one incident, each a dialog that names its effect."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django import forms
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from core import people
from core.admin.confirm import ReasonForm
from core.admin.row_command import RowCommand
from incidents import selectors
from incidents.admin import words
from incidents.domain.levels import level_of
from incidents.domain.states import OPEN, IncidentState, Level, Role
from incidents.models import Incident
from incidents.services import acting, levelling, linking, measuring, post_mortems, steering, watching_closely

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


class LevelForm(ReasonForm):
    level = forms.TypedChoiceField(label="Level", coerce=int, widget=UnfoldAdminSelectWidget)

    field_order = ["level", "reason"]


class LevelCommand(IncidentCommand):
    """`offers` says which levels there are to choose from."""

    form_class = LevelForm

    def offers(self, level: Level) -> bool:
        raise NotImplementedError

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        policies = selectors.policies()
        found = [(level.value, f"{level.value}: {policies[level].name}") for level in Level if self.offers(level)]
        form.fields["level"].choices = found  # type: ignore[attr-defined]
        return form


class Raise(LevelCommand):
    name, label, icon, tone = "raise", "Raise the level", "arrow_upward", "quiet-danger"
    reason_label = "Why it is worse"

    def offers(self, level: Level) -> bool:
        return level > self.row.level

    def sentences(self) -> Sequence[str]:
        return ["The action list of that level is added, and its people are called. Level 3 opens the emergency lane."]

    def perform(self, values: dict[str, Any]) -> str:
        told = {"reason": values["reason"], "version": values["version"]}
        levelling.raise_level(self.row.pk, values["level"], **told, **self.who())
        return f"It is at level {values['level']}."


class Lower(LevelCommand):
    name, label, icon = "lower", "Lower the level", "arrow_downward"
    permission_required = LOWER
    reason_label = "Why it is less bad"

    def offers(self, level: Level) -> bool:
        return level < self.row.level

    def sentences(self) -> Sequence[str]:
        return ["What is measured now is accepted by that: only something worse raises it again by itself."]

    def perform(self, values: dict[str, Any]) -> str:
        told = {"reason": values["reason"], "version": values["version"]}
        levelling.lower_level(self.row.pk, values["level"], **told, **self.who())
        return f"It is at level {values['level']}."


class RolesForm(ReasonForm):
    """A person for each role; the reason is not asked for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [("", "Nobody"), *((name, name) for name in people.everybody())]
        for role, (title, what) in words.ROLES.items():
            self.fields[role.value] = forms.ChoiceField(
                label=title,
                choices=known,
                required=False,
                help_text=what.capitalize() + ".",
                widget=UnfoldAdminSelectWidget,
            )


class Roles(IncidentCommand):
    name, label, icon = "roles", "Give roles", "group"
    form_class = RolesForm
    takes_reason = False

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), **{role.value: getattr(self.row, role.value) for role in Role}}

    def sentences(self) -> Sequence[str]:
        return ["Everybody sees who does what."]

    def perform(self, values: dict[str, Any]) -> str:
        given = {role: values[role.value] for role in Role}
        steering.assign(self.row.pk, given, version=values["version"], **self.who())
        return "The roles are given."


class MergeForm(ReasonForm):
    into = forms.TypedChoiceField(label="Goes on as", coerce=int, widget=UnfoldAdminSelectWidget)

    field_order = ["into", "reason"]


class Merge(IncidentCommand):
    name, label, icon = "merge", "Merge", "merge"
    form_class = MergeForm
    reason_label = "Why the two are one"

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        others = selectors.open_ones(self.row.environment.key).exclude(pk=self.row.pk)
        form.fields["into"].choices = [(each.pk, str(each)) for each in others]  # type: ignore[attr-defined]
        return form

    def sentences(self) -> Sequence[str]:
        return ["This one ends here. The other goes on with the links and facts of both, from the earlier begin."]

    def perform(self, values: dict[str, Any]) -> str:
        target = linking.merge(self.row.pk, values["into"], reason=values["reason"], **self.who())
        return f"Merged into incident {target.pk}."


class LinkForm(ReasonForm):
    what = forms.CharField(
        label="What it is about",
        max_length=160,
        widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True}),
        help_text=f"What it is and its key, like flag:atomicMeltOperations: {', '.join(linking.NOUNS)}.",
    )


class Link(IncidentCommand):
    name, label, icon = "link", "Link something", "add_link"
    form_class = LinkForm
    takes_reason = False

    def sentences(self) -> Sequence[str]:
        return ["What happens to it from then on stands in the timeline."]

    def field_of(self, error: Exception) -> str | None:
        return "what" if getattr(error, "field", None) == "subject" else None

    def perform(self, values: dict[str, Any]) -> str:
        linking.link(self.row.pk, values["what"], **self.who())
        return "It is linked."


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
    Raise,
    Lower,
    Merge,
    Roles,
    Link,
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
