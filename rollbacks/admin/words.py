"""How a rollback and its steps read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rollbacks.domain.plan import TITLES
from rollbacks.domain.revision import Offer, RevisionStanding
from rollbacks.domain.states import Component, RollbackState, StepKind, StepState
from rollbacks.models import Rollback, RollbackStep

LOOK = {  # state: (words, tone, icon)
    RollbackState.REQUESTED: ("waits for a second person", "warn", "hourglass_top"),
    RollbackState.RUNNING: ("under way", "info", "sync"),
    RollbackState.STOPPED: ("stopped, waits for a person", "bad", "pan_tool"),
    RollbackState.DONE: ("done", "ok", "task_alt"),
    RollbackState.ABORTED: ("aborted", "bad", "cancel"),
    RollbackState.REFUSED: ("refused", "mute", "block"),
    RollbackState.EXPIRED: ("expired", "mute", "timer_off"),
}
STEP_LOOK = {
    StepState.PENDING: ("waits", "mute", "schedule"),
    StepState.RUNNING: ("under way", "info", "sync"),
    StepState.DONE: ("done", "ok", "check"),
    StepState.FAILED: ("failed", "bad", "error"),
    StepState.SKIPPED: ("left out", "warn", "skip_next"),
}
OFFER_LOOK = {
    RevisionStanding.LIVE: ("runs now", "info", "play_circle"),
    RevisionStanding.PROPOSED: ("proposed", "ok", "check"),
    RevisionStanding.LEFT: ("rolled back from before", "warn", "undo"),
}
RISK_TONE = {"LOW": "ok", "MEDIUM": "warn", "HIGH": "bad", "CRITICAL": "bad"}
COMPONENTS = {
    Component.FEATURE: "One feature: its flag goes off",
    Component.APPLICATION: "The application: flags off, then the version before",
    Component.DATABASE: "The database: flags off, then the migrations back",
    Component.ALL: "All of it",
}


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the page: as it is planned, and how far it is once it is confirmed."""

    number: int
    title: str
    lines: list[str]
    look: tuple[str, str, str] | None
    row: RollbackStep | None
    commands: list[str]


@dataclass(frozen=True, slots=True)
class OfferView:
    """A revision to choose. `look` is None where there is nothing special about it; `live` is what runs."""

    offer: Offer
    chosen: bool
    live: bool
    look: tuple[str, str, str] | None


def offers(found: Sequence[Offer], chosen: int | None) -> list[OfferView]:
    return [
        OfferView(each, each.number == chosen, each.standing is RevisionStanding.LIVE, OFFER_LOOK.get(each.standing))
        for each in found
    ]


def steps(row: Rollback) -> list[StepView]:
    """Those of the plan; from the confirmation on those that are done."""
    done = list(row.steps.all())
    if done:
        return [_of_row(step) for step in done]
    return planned(row.plan)


def planned(plan: dict[str, Any]) -> list[StepView]:
    return [
        StepView(number, step["title"], step["lines"], None, None, _by_hand(step["what"]))
        for number, step in enumerate(plan["steps"], 1)
    ]


def _of_row(step: RollbackStep) -> StepView:
    failed = step.state == StepState.FAILED
    commands = step.what.get("commands", []) if failed or step.what.get("by_hand") else []
    title = TITLES[StepKind(step.kind)]
    return StepView(step.position + 1, title, step.lines, STEP_LOOK[StepState(step.state)], step, commands)


def _by_hand(what: dict[str, Any]) -> list[str]:
    return list(what["commands"]) if what.get("by_hand") else []
