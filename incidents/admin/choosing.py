"""Commands on one incident that ask for more than a reason: its level, its people, what it is about."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from core import people
from core.admin.confirm import ReasonForm
from incidents import selectors
from incidents.admin import words
from incidents.admin.commands import LOWER, IncidentCommand
from incidents.domain.states import Level, Role
from incidents.services import levelling, linking, steering


class LevelForm(ReasonForm):
    level = forms.TypedChoiceField(label="Level", coerce=int, widget=UnfoldAdminSelectWidget)

    field_order = ["level", "reason"]


class LevelCommand(IncidentCommand):
    """`offers` says which levels there are to choose from."""

    form_class = LevelForm

    @abstractmethod
    def offers(self, level: Level) -> bool:
        """Whether this level can be chosen."""

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
        return [
            "The action list of that level is added, and its people are called.",
            "Level 3 opens the emergency lane: for you only when figures confirm it.",
        ]

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


CHOOSING: tuple[type[IncidentCommand], ...] = (Raise, Lower, Merge, Roles, Link)
