"""Reads of the plans."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, F, Prefetch, Q, QuerySet
from django.db.models.functions import Coalesce

from core.errors import NotFound
from plans.domain.states import DONE, LIVE, ItemState
from plans.models import Attachment, Checklist, CommandRun, Item, Phase, Plan, PlanTemplate
from plans.selectors.gates import completion, facts_of, start

__all__ = [
    "attachment",
    "board",
    "checklist",
    "checklist_of",
    "checklists",
    "completion",
    "due_before",
    "facts_of",
    "item",
    "items_of",
    "live",
    "overdue",
    "phase",
    "phase_of",
    "plan",
    "plans",
    "run",
    "runs",
    "start",
    "template",
    "templates",
]


def templates() -> QuerySet[PlanTemplate]:
    """The plans of the playbook, in the order of their keys."""
    return PlanTemplate.objects.order_by("key")


def template(key: str) -> PlanTemplate:
    """One of them, or NotFound."""
    found = templates().filter(key=key).first()
    if found is None:
        raise NotFound(f"There is no plan {key!r}: load a playbook that has one.")
    return found


def plans(environment: str | None = None) -> QuerySet[Plan]:
    """All plans with their environment, newest first."""
    found = Plan.objects.select_related("environment").order_by("-pk")
    return found if environment is None else found.filter(environment__key=environment)


def live(environment: str | None = None) -> QuerySet[Plan]:
    """Those that run or are paused."""
    return plans(environment).filter(state__in=[state.value for state in LIVE])


def plan(plan_id: int) -> Plan:
    """One plan, or NotFound."""
    found = plans().filter(pk=plan_id).first()
    if found is None:
        raise NotFound(f"There is no plan {plan_id}.")
    return found


def phase(phase_id: int) -> Phase:
    """One phase with its plan and environment, or NotFound."""
    found = Phase.objects.select_related("plan__environment").filter(pk=phase_id).first()
    if found is None:
        raise NotFound(f"There is no phase {phase_id}.")
    return found


def phase_of(plan: Plan, key: str) -> Phase:
    """The phase of this key of the plan, or NotFound."""
    found = Phase.objects.select_related("plan__environment").filter(plan=plan, key=key).first()
    if found is None:
        known = ", ".join(plan.phases.order_by("position").values_list("key", flat=True))
        raise NotFound(f"The plan has no phase {key!r}; it has {known}.")
    return found


def checklist_of(plan: Plan, key: str) -> Checklist:
    """The checklist of this key of the plan with its items, or NotFound."""
    found = Checklist.objects.filter(plan=plan, key=key).values_list("pk", flat=True).first()
    if found is None:
        known = ", ".join(plan.checklists.order_by("position").values_list("key", flat=True))
        raise NotFound(f"The plan has no checklist {key!r}; it has {known}.")
    return checklist(found)


def checklists(plan_id: int) -> QuerySet[Checklist]:
    """The checklists of a plan with their items counted: `done`, `total`, `failed`, `unknown`; one query."""
    done = Count("items", filter=Q(items__state__in=[state.value for state in DONE]))
    pending = Q(items__state=ItemState.PENDING.value)
    return Checklist.objects.filter(plan=plan_id).annotate(
        done=done,
        total=Count("items"),
        failed=Count("items", filter=Q(items__state=ItemState.FAILED.value)),
        unknown=Count("items", filter=pending & ~Q(items__check_of={})),
    )


def checklist(checklist_id: int) -> Checklist:
    """One checklist with plan, phase and items, or NotFound."""
    items = Item.objects.order_by("position").prefetch_related(*_parts())
    rows = Checklist.objects.select_related("plan__environment", "phase").prefetch_related(Prefetch("items", items))
    found = rows.filter(pk=checklist_id).first()
    if found is None:
        raise NotFound(f"There is no checklist {checklist_id}.")
    return found


def item(item_id: int) -> Item:
    """One item with checklist, plan, environment, files and runs, or NotFound."""
    rows = Item.objects.select_related("checklist__plan__environment", "checklist__phase").prefetch_related(*_parts())
    found = rows.filter(pk=item_id).first()
    if found is None:
        raise NotFound(f"There is no item {item_id}.")
    return found


def _parts() -> tuple[Any, Any]:
    """The files of items without what is in them, and the runs of their commands without what they said."""
    files, runs = Attachment.objects.defer("content"), CommandRun.objects.defer("output").order_by("-pk")
    return Prefetch("attachments", files), Prefetch("runs", runs)


def attachment(attachment_id: int) -> Attachment:
    """One file with its content, or NotFound."""
    found = Attachment.objects.filter(pk=attachment_id).first()
    if found is None:
        raise NotFound(f"There is no attachment {attachment_id}.")
    return found


def runs() -> QuerySet[CommandRun]:
    """The commands that were run, newest first, each with its item, plan and environment."""
    return CommandRun.objects.select_related("item__checklist__plan__environment").order_by("-pk")


def run(run_id: int) -> CommandRun:
    """One of them, or NotFound."""
    found = runs().filter(pk=run_id).first()
    if found is None:
        raise NotFound(f"There is no command {run_id}.")
    return found


def board(plan_id: int) -> list[Phase]:
    """The phases of a plan in their order, with plan, environment and waivers: two queries."""
    rows = Phase.objects.select_related("plan__environment").prefetch_related("waivers")
    return list(rows.filter(plan=plan_id).order_by("position"))


def overdue(*, now: datetime) -> QuerySet[Item]:
    """Items of live plans that should have been done, the longest overdue first; `due` is when."""
    return _open().filter(due__lte=now).order_by("due", "pk")  # type: ignore[misc]  # annotated


def due_before(until: datetime) -> QuerySet[Item]:
    """Items of live plans that should be done by then, what is due first, first; `due` is when."""
    return _open().filter(due__lt=until).order_by("due", "pk")  # type: ignore[misc]  # annotated


def items_of(username: str) -> QuerySet[Item]:
    """The open items that wait for this person, what is due first, first; `due` is when, None: at no time."""
    return _open().filter(assignee=username).order_by(F("due").asc(nulls_last=True), "pk")


def _open() -> QuerySet[Item]:
    live = [state.value for state in LIVE]
    rows = Item.objects.select_related("checklist__plan__environment").annotate(
        due=Coalesce("due_at", "checklist__due_at")
    )
    return rows.filter(checklist__plan__state__in=live).exclude(state__in=[state.value for state in DONE])
