"""The parts of a playbook about the plan: its phases and checklists."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from nctool_rollout.playbook.fields import FlagKey, Key, LongKey, Name, Part
from plans.domain.command import LONGEST, USUAL
from plans.domain.states import ChecklistKind, Priority
from plans.domain.template import MOST_ITEMS
from risk.domain.levels import Level

PlanKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
ListKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9.-]{0,79}$")]
Kind = Literal[ChecklistKind.BEFORE, ChecklistKind.VALIDATION, ChecklistKind.AFTER, ChecklistKind.MANUAL]


class Item(Part):
    """One thing to do or to find out. Without a check a person says how it is."""

    item: Annotated[str, Field(min_length=1, max_length=300)]
    check: Annotated[
        dict[str, Any] | None,
        Field(description="What ticks it, by its kind (rule, steady, validation, …): docs/plans.md."),
    ] = None
    command: Annotated[str, Field(max_length=500, description="Shown and copied; a person runs it.")] = ""
    commands: Annotated[
        dict[Key, Annotated[str, Field(max_length=500)]],
        Field(description="Of environments where it is another one; empty: there is none there."),
    ] = {}
    run: Annotated[bool, Field(description="The runner may run it: a program with its arguments, no shell.")] = False
    timeout: Annotated[int, Field(ge=1, le=LONGEST, description="Of the command, in seconds.")] = USUAL
    link: Annotated[str, Field(pattern=r"^(https?://\S+)?$", max_length=500)] = ""
    owner: Annotated[str, Field(max_length=120)] = ""
    priority: Priority = Priority.MEDIUM


Items = Annotated[list[Item], Field(max_length=MOST_ITEMS)]


class Checklist(Part):
    title: Annotated[str, Field(min_length=1, max_length=160)]
    kind: Kind
    items: Annotated[list[Item], Field(min_length=1, max_length=MOST_ITEMS)]
    phase: Annotated[str, Field(max_length=40, description="It belongs to; none: to the whole plan.")] = ""
    ordered: Annotated[bool, Field(description="Each item waits for those before it.")] = False
    opens_after: Annotated[str, Field(max_length=80, description="The checklist whose end opens this one.")] = ""
    opens_after_hours: Annotated[int, Field(ge=0, le=2160)] = 0
    due_after_hours: Annotated[int, Field(ge=0, le=2160, description="After that end; 0: whenever.")] = 0


class Needs(Part):
    """What must be true before a phase starts."""

    after: Annotated[list[PlanKey] | None, Field(description="Phases; the one before, when left out.")] = None
    checklists: list[ListKey] = []
    flags: Annotated[list[FlagKey], Field(description="Those that everybody must have.")] = []
    risk: Annotated[Level | None, Field(description="The highest level at which it may start.")] = None
    validation: Annotated[int, Field(ge=0, le=720, description="Hours within which a validation succeeded.")] = 0
    approval: Annotated[bool, Field(description="By another person than the one who starts it.")] = False


class Phase(Part):
    name: Name
    weeks: Annotated[list[Annotated[int, Field(ge=1, le=52)]], Field(min_length=2, max_length=2)]
    objectives: list[Annotated[str, Field(min_length=1, max_length=300)]] = []
    activities: Annotated[Items, Field(description="Done in order.")] = []
    criteria: Annotated[Items, Field(description="When it is a success.")] = []
    features: Annotated[list[FlagKey], Field(description="What a rollback of the phase switches off.")] = []
    ramps: list[LongKey] = []
    triggers: list[LongKey] = []
    needs: Needs = Needs()


class Plan(Part):
    name: Name
    phases: Annotated[dict[PlanKey, Phase], Field(min_length=1)]
    checklists: dict[PlanKey, Checklist] = {}


def document_of(plan: Plan) -> dict[str, Any]:
    """As the table has it, and a file: without what is left out."""
    return plan.model_dump(mode="json", by_alias=True, exclude_defaults=True)
