"""The part of a playbook about incidents: what each level means and what is done then."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.alias_generators import to_camel

from incidents.domain.levels import LONGEST, MEASURES, MOST_ACTIONS, Policy
from incidents.domain.states import Does
from incidents.services.policies import read_key
from nctool_rollout.playbook.fields import Name, Part

LevelKey = Literal["level1", "level2", "level3"]


class Limit(Part):
    """Where a level begins. One of the two."""

    from_: Annotated[float | None, Field(alias="from", ge=0, description="At this value and above.")] = None
    above: Annotated[float | None, Field(ge=0, description="Only above this value.")] = None


class Action(Part):
    action: Annotated[str, Field(min_length=1, max_length=200)]
    does: Annotated[
        Does | None, Field(description="What of the product does it or sees that it is done; none: people, by hand.")
    ] = None


class IncidentLevel(Part):
    """What a level of an incident means. docs/incidents.md explains it."""

    name: Name
    triggers: Annotated[list[Name], Field(max_length=10, description="When it is this level, in words.")] = []
    error_rate: Annotated[Limit | None, Field(description="Percent.")] = None
    response_time: Annotated[Limit | None, Field(description="Milliseconds.")] = None
    complaints: Annotated[Limit | None, Field(description="Users within ten minutes.")] = None
    unavailable: Annotated[bool, Field(description="That the system does not answer is this level.")] = False
    corruption: Annotated[bool, Field(description="That data is wrong is this level.")] = False
    actions: Annotated[list[Action], Field(min_length=1, max_length=MOST_ACTIONS)]
    escalation_minutes: Annotated[
        int, Field(ge=0, le=LONGEST, description="Unacknowledged it becomes the next level; 0: people come at once.")
    ] = 0
    chain: Annotated[str, Field(max_length=60, description="The escalation chain that calls people; none: nobody.")] = (
        ""
    )


def policy_of(key: str, level: IncidentLevel) -> dict[str, Any]:
    """The level as `incidents.services.policies.define` takes it, whole. Raises Invalid with the field."""
    values = level.model_dump(exclude_none=True)
    limits = {name: _limit(values[name]) for name in MEASURES if name in values}
    return Policy.read(read_key(key), {**values, **limits}).as_dict()


def exported_level(stored: dict[str, Any]) -> dict[str, Any]:
    """A level as a file has it, without what is empty."""
    actions = [{name: value for name, value in todo.items() if value} for todo in stored["actions"]]
    told = {**stored, "actions": actions}
    return {to_camel(name): value for name, value in told.items() if value not in ("", [])}


def _limit(stored: dict[str, float]) -> dict[str, float]:
    return {name.rstrip("_"): value for name, value in stored.items()}
