"""The part of a playbook about the weekly report (seed, Performance Monitoring). docs/reports.md explains it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from pydantic.alias_generators import to_camel

from core.errors import Invalid
from nctool_rollout.playbook.fields import Key, LongKey, Part
from nctool_rollout.playbook.problems import Path
from nctool_rollout.playbook.telling import TimeOfDay
from reports.domain.rules import Against, Urgency, When
from reports.domain.setup import MOST_RULES, MOST_WEEKS, Release, Setup

if TYPE_CHECKING:
    from nctool_rollout.playbook.model import Playbook

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Recommendation(Part):
    """A condition on a measure of the report, and what is then to be done."""

    measure: Annotated[str, Field(max_length=40, description="Of docs/reports.md; actions: what was asked for before.")]
    when: When
    limit: Annotated[float | None, Field(description="Of above and below, in the measure's unit.")] = None
    against: Annotated[Against, Field(description="What worse and better are held against.")] = Against.BEFORE
    samples: Annotated[int, Field(ge=1, description="Of fewer a limit says nothing.")] = 1
    text: Annotated[str, Field(min_length=1, max_length=200, description="What is to be done.")]
    urgency: Urgency = Urgency.WEEK
    link: Annotated[str, Field(max_length=20, description="A page: errors, flags, ramps, incidents, …")] = ""
    owner: Annotated[str, Field(max_length=150, description="Account who does it. None: it is advice only.")] = ""
    days: Annotated[int, Field(ge=1, le=90, description="After the period, until when.")] = 7


class Report(Part):
    """When weekly reports are made, and what they recommend."""

    environments: Annotated[list[Key], Field(max_length=20, description="Of which one is made by the clock.")]
    zone: Annotated[str, Field(max_length=60, description="IANA name. None: the environment's.")] = ""
    weekday: Weekday = "monday"
    at: TimeOfDay = "07:00"
    release: Annotated[Release, Field(description="draft: a person reads it first.")] = Release.DRAFT
    baseline_weeks: Annotated[int, Field(ge=1, le=MOST_WEEKS, description="Before the period.")] = 4
    catch_up_weeks: Annotated[int, Field(ge=0, le=MOST_WEEKS, description="Made up for after a pause.")] = 4
    recommendations: Annotated[dict[LongKey, Recommendation], Field(max_length=MOST_RULES)] = {}


def items_of(report: Report | None) -> dict[tuple[str, ...], Any]:
    """What the playbook wants, as `wanted.items` has it."""
    return {} if report is None else {("report", "weekly"): Setup.read(_values(report)).as_dict()}


def flaws(playbook: Playbook) -> Iterator[tuple[Path, str]]:
    """What is wrong with it as a whole, and where."""
    report = playbook.report
    if report is None:
        return
    for key in report.environments:
        if key not in playbook.environments:
            yield ("report", "environments"), f"There is no environment {key!r} in this playbook."
    try:
        Setup.read(_values(report))
    except Invalid as error:
        yield ("report", to_camel(error.field or "")), str(error)


def exported(items: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    """The section of a playbook that loads to these items; none where nothing is set up."""
    stored = items.get(("report", "weekly"))
    if stored is None:
        return {}
    told = {**stored, "catch_up_weeks": stored["catch_up"]}
    rules = {rule["key"]: _told({**rule, "key": ""}) for rule in stored["recommendations"]}
    named = {name: value for name, value in told.items() if name not in ("catch_up", "recommendations")}
    return {"report": {**_told(named), "environments": stored["environments"], "recommendations": rules}}


def _values(report: Report) -> dict[str, Any]:
    values = report.model_dump(mode="json", exclude={"recommendations", "catch_up_weeks"})
    rules = [{"key": key, **rule.model_dump(mode="json")} for key, rule in report.recommendations.items()]
    return {**values, "catch_up": report.catch_up_weeks, "recommendations": rules}


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    return {to_camel(name): value for name, value in values.items() if value not in ("", None)}
