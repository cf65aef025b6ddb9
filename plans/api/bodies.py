"""What the doors of `/api/v1/plans` take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema

from flags.api.bodies import Body, RequirementOut
from flags.api.paging import Page
from plans.domain.command import CommandState
from plans.domain.states import ChecklistKind, ItemState, PhaseState, PlanState, Priority


class StartPlan(Body):
    """`plan` is the key of a plan of the playbook."""

    plan: str
    reason: str


class Steer(Body):
    """`version` is the one you saw: a request that is sent twice is refused the second time (409), never done twice."""

    reason: str
    version: int


class Stop(Body):
    """Stopping needs no version: it is done whatever else has changed."""

    reason: str
    version: int | None = None


class Mark(Body):
    """FAILED and SKIPPED need the comment."""

    state: ItemState
    comment: str = ""
    version: int | None = None


class Run(Body):
    """`onward`: the next items of the list follow, as long as each ends well."""

    reason: str = ""
    onward: bool = False
    version: int | None = None


class Filter(Page):
    state: PlanState | None = None


class PlanBrief(Schema):
    id: int
    key: str
    name: str
    environment: str
    state: PlanState
    version: int
    started_at: datetime
    started_by: str
    ended_at: datetime | None


class PhaseOut(Schema):
    """`gate` is what must be true to start it, or to complete it while it is active."""

    key: str
    name: str
    weeks: list[int]
    state: PhaseState
    version: int
    objectives: list[str]
    features: list[str]
    ramps: list[str]
    triggers: list[str]
    started_at: datetime | None
    started_by: str
    ended_at: datetime | None
    approved_by: str
    approved_at: datetime | None
    gate: list[RequirementOut]
    gate_open: bool


class ChecklistOut(Schema):
    """`phase` is the key of the one it belongs to; empty: the whole plan."""

    id: int
    key: str
    title: str
    kind: ChecklistKind
    phase: str
    done: int
    total: int
    failed: int
    opens_at: datetime | None
    due_at: datetime | None
    completed_at: datetime | None


class PlanOut(PlanBrief):
    phases: list[PhaseOut]
    checklists: list[ChecklistOut]


class FileOut(Schema):
    id: int
    name: str
    size: int
    sha256: str
    by: str
    at: datetime


class ItemOut(Schema):
    """`check` is what is measured; empty: a person says. `run` is the last run of its command."""

    id: int
    number: int
    text: str
    state: ItemState
    why: str
    by: str
    since: datetime | None
    owner: str
    assignee: str
    due_at: datetime | None
    priority: Priority
    command: str
    link: str
    runs_here: bool
    check: dict[str, Any]
    evidence: dict[str, Any]
    measured_at: datetime | None
    version: int
    attachments: list[FileOut]
    run: int | None


class CommandRunOut(Schema):
    """`output` is the end of what it said, without secrets; `code` what it returned."""

    id: int
    item: int
    argv: list[str]
    timeout: int
    onward: bool
    state: CommandState
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    code: int | None
    why: str
    output: str


class RolledBackOut(Schema):
    plan: PlanOut
    rollback_ids: list[str]
