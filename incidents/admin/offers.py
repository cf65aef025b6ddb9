"""What the product can do for an action of the list: buttons that lead to the doors there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.urls import reverse

import flags.selectors
import rollbacks.selectors
from core.beside import Person
from incidents.admin.commands import OPERATE
from incidents.domain.states import Does
from incidents.models import Action, Incident
from incidents.services import watching_closely
from rollbacks.domain.states import Component, RollbackState

if TYPE_CHECKING:
    from flags.models import FlagState
    from rollbacks.models import Rollback

MOST_FLAGS = 3


@dataclass(frozen=True, slots=True)
class Button:
    """Opens in a dialog, or leads to a page of its own."""

    url: str
    label: str
    icon: str
    tone: str = ""
    page: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """An action with what can be done about it now."""

    action: Action
    buttons: Sequence[Button]


class Offers:
    """For one look at an incident: what the buttons need is read once, in four queries at most."""

    def __init__(self, row: Incident, person: Person) -> None:
        self._row, self._person = row, person
        keys = watching_closely.flags_of(row)
        there = flags.selectors.states(row.environment.key).filter(flag__key__in=keys)
        self._on: list[FlagState] = [each for each in there if each.enabled or each.percentage]
        self._waiting: list[Rollback] = list(
            rollbacks.selectors.listed(environment=row.environment.key, state=RollbackState.REQUESTED)[:MOST_FLAGS]
        )

    def lines(self, actions: Sequence[Action]) -> list[Line]:
        """Every action; what is done, and what the person may not do, has no buttons."""
        may = self._person.has_perm(OPERATE)
        return [Line(each, self._buttons(each) if may and each.done_at is None else ()) for each in actions]

    def _buttons(self, action: Action) -> list[Button]:
        own = self._own(Does(action.does)) if action.does else []
        done = reverse("admin:incidents_action_done", args=[action.pk])
        return [*own, Button(done, "Done", "check", "" if own else "primary")]

    def _own(self, does: Does) -> list[Button]:
        match does:
            case Does.WATCH_CLOSELY:
                return [Button(self._dialog("watch"), "Watch closely", "visibility", "primary")]
            case Does.ACTIVATE_TEAM:
                return [Button(self._dialog("team"), "Call the team", "groups", "danger")]
            case Does.DISABLE_FEATURES:
                return self._disable()
            case Does.PREPARE_ROLLBACK | Does.ROLL_BACK:
                return self._roll_back(now=does is Does.ROLL_BACK)
        return [Button(self._dialog("update"), "Post an update", "campaign", "primary")]

    def _disable(self) -> list[Button]:
        if not self._person.has_perm("flags.operate_flagstate"):
            return []
        return [
            Button(
                reverse("admin:flags_emergency", args=[state.pk]),
                f"Disable {state.flag.key}",
                "emergency_home",
                "danger",
            )
            for state in self._on[:MOST_FLAGS]
        ]

    def _roll_back(self, *, now: bool) -> list[Button]:
        """To the one that waits for its word; else to the form, filled in with what is known."""
        if self._waiting and now:
            return [
                Button(
                    reverse("admin:rollbacks_rollback_change", args=[row.pk]),
                    f"Confirm the rollback of {row.title}",
                    "verified",
                    "danger",
                    page=True,
                )
                for row in self._waiting
            ]
        if not self._person.has_perm("rollbacks.request_rollback"):
            return []
        label = "Request the rollback" if now else "Prepare a rollback"
        return [Button(self._ask(), label, "undo", "danger" if now else "primary", page=True)]

    def _ask(self) -> str:
        """The form of the rollbacks: one flag as a feature, otherwise everything."""
        row, only = self._row, self._on[0].flag.key if len(self._on) == 1 else ""
        evidence = "\n".join([f"Incident {row.pk}, level {row.level}: {row.title}", *(f["text"] for f in row.facts)])
        filled = {
            "environment": row.environment.key,
            "component": (Component.FEATURE if only else Component.ALL).value,
            "flag": only,
            "reason": f"Incident {row.pk}: {row.title}",
            "evidence": evidence[:2000],
        }
        return f"{reverse('admin:rollbacks_ask')}?{urlencode(filled)}"

    def _dialog(self, name: str) -> str:
        return reverse(f"admin:incidents_{name}", args=[self._row.pk])
