"""What the pages of the flags and of the events tell about ramps."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from core import beside, planned
from core.beside import Note, Safeguard
from core.planned import Item
from rollouts import selectors
from rollouts.admin import words
from rollouts.domain.states import RampState
from rollouts.models import Ramp
from rollouts.selectors import StepStatus

MOST_RAMPS = 200
AHEAD = (StepStatus.NEXT, StepStatus.LATER)
LOOK = {
    RampState.PLANNED: ("mute", "schedule"),
    RampState.RUNNING: ("info", "trending_up"),
    RampState.HELD: ("warn", "pause_circle"),
}


def of_flags() -> dict[tuple[str, str], Note]:
    """The live ramp of each flag that has one."""
    return {(view.ramp.flag.key, view.ramp.environment.key): _note(view) for view in selectors.live()}


def _note(view: selectors.RampView) -> Note:
    ramp = view.ramp
    tone, icon = LOOK[RampState(ramp.state)]
    ahead = f"next {words.reach(view.next)}" if view.next else "no step left"
    return Note(
        text=f"ramp {ramp.state}, {ahead}",
        sentence=f"{ramp.name} is {ramp.state}: {ahead}. {view.waits_for}",
        url=page_of(str(ramp.pk), ""),
        tone=tone,
        icon=icon,
        warning="" if ramp.state == RampState.HELD else f"{ramp.name} is {ramp.state}: this change holds it.",
    )


def steps_between(since: datetime, until: datetime) -> list[Item]:
    """The steps of live ramps that are still to come, for the calendar: 2 queries."""
    return [
        Item(
            uid=f"ramp-{view.ramp.pk}-{each.step.position}",
            at=each.step.due_at,
            environment=view.ramp.environment.key,
            text=f"{view.ramp.flag.key} {words.reach(each.step)}",
            url=page_of(str(view.ramp.pk), ""),
            icon="trending_up",
        )
        for view in selectors.live()
        for each in view.steps
        if each.status in AHEAD and since <= each.step.due_at < until
    ]


def page_of(key: str, environment: str) -> str:
    """Where the events of a ramp lead."""
    return reverse("admin:rollouts_ramp_change", args=[key])


def safeguards() -> list[Safeguard]:
    """The ramps of the playbook, each as its newest run stands. Two queries."""
    newest = {ramp.template_key: ramp for ramp in reversed(selectors.ramps().prefetch_related(None)[:MOST_RAMPS])}
    return [_safeguard(row.key, row.name, newest.get(row.key)) for row in selectors.templates()]


def _safeguard(key: str, name: str, ramp: Ramp | None) -> Safeguard:
    if ramp is None:
        return Safeguard(key, name, "not started", "mute", "schedule", reverse("admin:rollouts_ramp_changelist"))
    tone, icon = LOOK.get(RampState(ramp.state), ("mute", "history"))
    return Safeguard(key, name, str(ramp.state), tone, icon, page_of(str(ramp.pk), ""), where=str(ramp.environment))


beside.add_flag_notes(of_flags)
beside.add_safeguards("ramp", safeguards)
planned.add_source(steps_between)
beside.add_page("ramp", page_of)
