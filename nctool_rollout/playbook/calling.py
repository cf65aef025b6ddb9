"""The parts of a playbook about who has to come: schedules and escalation chains. docs/on-call.md explains them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from nctool_rollout.playbook.fields import Name, Part, as_text

PlanKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Username = Annotated[str, Field(pattern=r"^[\w.@+-]{1,150}$")]


class OnCallHours(Part):
    """The times of the day and days of the week in which a layer counts."""

    from_: Annotated[str, Field(alias="from", description="Time of day, like 09:00.")]
    to: Annotated[str, Field(description="Not after `from`: on the next day; the same: the whole day.")]
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = ["mon", "tue", "wed", "thu", "fri"]
    zone: Annotated[str, Field(max_length=60, description="IANA name. None: the schedule's.")] = ""


class Layer(Part):
    """People in turns. The uppermost layer of a schedule is the first."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    people: Annotated[list[Username], Field(min_length=1, max_length=50, description="In the order of their turns.")]
    starts: Annotated[
        str, BeforeValidator(as_text), Field(max_length=19, description="The first hand-over, local: 2025-08-04T09:00.")
    ]
    turn: Annotated[str, Field(max_length=20, description="How long one has it: 1w, 2d or 12h.")]
    hours: Annotated[OnCallHours | None, Field(description="Left out: all day, every day.")] = None


class Schedule(Part):
    """Who is on call at any time."""

    name: Name
    zone: Annotated[str, Field(max_length=60, description="IANA name.")] = "UTC"
    layers: Annotated[list[Layer], Field(max_length=8, description="The uppermost first; it wins.")] = []
    feed: Annotated[str, Field(max_length=500, description="The address of a calendar to import.")] = ""


class Told(Part):
    """Whom a step notifies: exactly one of these."""

    people: list[Username] | None = None
    schedule: Annotated[PlanKey | None, Field(description="Whoever is on call in it then.")] = None
    role: Annotated[Username | None, Field(description="Everybody who has it.")] = None
    audience: Annotated[Username | None, Field(description="Of the communication plan.")] = None


class ChainStep(Part):
    """Exactly one of notify, wait (minutes) and repeat (from the start, at most so many times)."""

    notify: Told | None = None
    wait: Annotated[int | None, Field(ge=1, le=1440, description="Minutes for an acknowledgement.")] = None
    repeat: Annotated[int | None, Field(ge=1, le=10)] = None
    from_level: Annotated[int, Field(ge=1, le=3, description="Left out below this level.")] = 1


class Chain(Part):
    """Who is told in which order, until somebody acknowledges."""

    name: Name
    description: Annotated[str, Field(max_length=500)] = ""
    steps: Annotated[list[ChainStep], Field(min_length=1, max_length=30)]


class OnCall(Part):
    """Who has to come, and how long we wait for them."""

    schedules: dict[PlanKey, Schedule] = {}
    chains: dict[PlanKey, Chain] = {}
