"""Plans for a machine: JSON values and times."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from core.requirements import Requirement
from plans import selectors
from plans.domain.gate import Facts
from plans.domain.states import LIVE, PhaseState, PlanState
from plans.models import Checklist, CommandRun, Item, Phase, Plan

_OF_PLAN = ("key", "name", "state", "version", "started_at", "started_by", "ended_at")
_OF_PHASE = (
    *("key", "name", "state", "version", "objectives", "features", "ramps", "triggers"),
    *("started_at", "started_by", "ended_at", "approved_by", "approved_at"),
)
_OF_LIST = ("key", "title", "kind", "opens_at", "due_at", "completed_at")
_OF_ITEM = (
    *("text", "state", "why", "by", "since", "owner", "assignee", "due_at", "priority", "command", "link"),
    *("runs_here", "evidence", "measured_at", "version"),
)
_OF_FILE = ("name", "size", "sha256", "by", "at")
_OF_RUN = (
    *("argv", "timeout", "onward", "state", "requested_by", "requested_at", "started_at", "ended_at"),
    *("code", "why", "output"),
)


def brief(plan: Plan) -> dict[str, Any]:
    """The plan without its parts."""
    return {**_taken(plan, _OF_PLAN), "id": plan.pk, "environment": plan.environment.key}


def shown(plan: Plan, *, now: datetime) -> dict[str, Any]:
    """The plan with the gate in front of each phase as it stands now, and its checklists counted."""
    facts, lists = selectors.facts_of(plan, now=now), list(selectors.checklists(plan.pk))
    phases = selectors.board(plan.pk)
    keys = {phase.pk: phase.key for phase in phases}
    return {
        **brief(plan),
        "phases": [_phase(phase, facts, lists, now=now) for phase in phases],
        "checklists": [_list(each, keys) for each in lists],
    }


def items(checklist: Checklist) -> list[dict[str, Any]]:
    """Its items, numbered from 1; from `selectors.checklist`."""
    return [item(each) for each in checklist.items.all()]


def item(row: Item) -> dict[str, Any]:
    last = next(iter(row.runs.all()), None)
    return {
        **_taken(row, _OF_ITEM),
        "id": row.pk,
        "number": row.position + 1,
        "check": row.check_of,
        "attachments": [{**_taken(file, _OF_FILE), "id": file.pk} for file in row.attachments.all()],
        "run": last.pk if last else None,
    }


def run(row: CommandRun) -> dict[str, Any]:
    return {**_taken(row, _OF_RUN), "id": row.pk, "item": row.item_id}


def _phase(phase: Phase, facts: Facts, lists: list[Checklist], *, now: datetime) -> dict[str, Any]:
    requirements: list[Requirement] = []
    state = PhaseState(phase.state)
    if PlanState(phase.plan.state) in LIVE and state is not PhaseState.COMPLETED:
        active = state is PhaseState.ACTIVE
        requirements = (
            selectors.completion(phase, facts, lists, now=now) if active else selectors.start(phase, facts, now=now)
        )
    return {
        **_taken(phase, _OF_PHASE),
        "weeks": [phase.first_week, phase.last_week],
        "gate": [{**asdict(each), "standing": each.standing.value} for each in requirements],
        "gate_open": all(each.open for each in requirements),
    }


def _list(row: Any, phases: dict[int, str]) -> dict[str, Any]:
    counted = {name: getattr(row, name) for name in ("done", "total", "failed")}
    return {**_taken(row, _OF_LIST), **counted, "id": row.pk, "phase": phases.get(row.phase_id, "")}


def _taken(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
