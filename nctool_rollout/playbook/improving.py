"""The sections `lessons`, `nextPhases` and `roadmap` of a playbook: wanted, standing, exported, loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from django.utils.text import slugify
from pydantic import Field

import improvement.selectors.future
import improvement.selectors.lessons
from core.errors import Invalid
from improvement.domain.future import CheckKind, read_phase
from improvement.domain.lessons import Area, Sort
from improvement.services import future, lessons
from nctool_rollout.playbook.fields import Part, Text
from nctool_rollout.playbook.problems import Path
from risk.domain.levels import Level

if TYPE_CHECKING:
    from nctool_rollout.playbook.model import Playbook
    from nctool_rollout.playbook.work import Load

Item = tuple[str, ...]
Sentence = Annotated[str, Field(min_length=1, max_length=200)]


class Lessons(Part):
    """Of one area: what went well, what was hard, what to do better."""

    successes: list[Sentence] = []
    challenges: list[Sentence] = []
    improvements: list[Sentence] = []


class AllLessons(Part):
    deployment: Lessons = Lessons()
    technical: Lessons = Lessons()


class Prerequisite(Part):
    """What must be so before the phase begins. docs/improvement.md explains the checks."""

    text: Sentence
    check: CheckKind = CheckKind.SAID
    of: Text = ""


class RiskAssessment(Part):
    technical: Level
    operational: Level
    business: Level


class NextPhase(Part):
    phase: Sentence
    timeline: Text = ""
    objectives: Annotated[list[Sentence], Field(max_length=30)] = []
    prerequisites: Annotated[list[Prerequisite], Field(max_length=30)] = []
    risk_assessment: RiskAssessment


class Quarter(Part):
    focus: Sentence
    deliverables: Annotated[list[Sentence], Field(max_length=30)] = []


def wanted(part: Playbook) -> dict[Item, Any]:
    quarters = enumerate(part.roadmap.items())
    return {
        **{("lessons", key): value for key, value in _lessons(part.lessons)},
        **{("nextPhases", key): _phase(each) for key, each in part.next_phases.items()},
        **{
            ("roadmap", key): {"focus": each.focus, "deliverables": each.deliverables, "position": position}
            for position, (key, each) in quarters
        },
    }


def standing() -> dict[Item, Any]:
    """What there is of it. What people added to a lesson, and how far a deliverable is, is theirs and in no file."""
    return {
        **{
            ("lessons", row.key or ""): {"area": row.area, "sort": row.sort, "text": row.text}
            for row in improvement.selectors.lessons.of_playbooks()
        },
        **{("nextPhases", row.key): future.as_dict(row) for row in improvement.selectors.future.phases()},
        **{
            ("roadmap", row.key): {
                "focus": row.focus,
                "deliverables": [one["text"] for one in row.deliverables],
                "position": row.position,
            }
            for row in improvement.selectors.future.quarters()
        },
    }


def exported(items: Mapping[Item, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {"lessons": {}, "nextPhases": {}, "roadmap": {}}
    for (section, *rest), value in items.items():
        if section == "lessons":
            kept["lessons"].setdefault(value["area"], {}).setdefault(value["sort"], []).append(value["text"])
        elif section == "nextPhases":
            kept["nextPhases"][rest[0]] = _exported_phase(value)
        elif section == "roadmap":
            kept["roadmap"][rest[0]] = {"focus": value["focus"], "deliverables": value["deliverables"]}
    return kept


def flaws(part: Playbook) -> Iterator[tuple[Path, str]]:
    """What is wrong with it, and where."""
    seen: dict[str, str] = {}
    for key, value in _lessons(part.lessons):
        if key in seen:
            yield ("lessons", value["area"], value["sort"]), f"{value['text']!r} says the same as {seen[key]!r}."
        seen[key] = value["text"]
    for key, each in part.next_phases.items():
        try:
            read_phase(_phase(each))
        except Invalid as error:
            yield ("nextPhases", key, error.field or "phase"), str(error)


def load(work: Load) -> None:
    for (_, key), decision in work.writes("lessons").items():
        with work.part("lessons", decision.wanted["area"], decision.wanted["sort"], items=[("lessons", key)]):
            lessons.define(key, decision.wanted, **work.who)
    for (_, key), decision in work.writes("nextPhases").items():
        with work.part("nextPhases", key):
            future.define_phase(key, decision.wanted, **work.who)
    for (_, key), decision in work.writes("roadmap").items():
        with work.part("roadmap", key):
            _define_quarter(key, decision.wanted, work)


def _define_quarter(key: str, value: Mapping[str, Any], work: Load) -> None:
    """How far its deliverables are stays as people said, by their texts."""
    row = improvement.selectors.future.quarters().filter(key=key).first()
    said = {one["text"]: one["state"] for one in row.deliverables} if row else {}
    deliverables = [{"text": text, **({"state": said[text]} if text in said else {})} for text in value["deliverables"]]
    future.define_quarter(key, {**value, "deliverables": deliverables}, **work.who)


def _lessons(part: AllLessons) -> Iterator[tuple[str, dict[str, str]]]:
    """Each lesson under the words it begins with, so that it may be moved in the file."""
    for area in Area:
        for sort in Sort:
            for text in getattr(getattr(part, area.value), sort.value):
                yield slugify(text)[:80], {"area": area.value, "sort": sort.value, "text": text}


def _phase(each: NextPhase) -> dict[str, Any]:
    risks = each.risk_assessment
    return {
        "title": each.phase,
        "timeline": each.timeline,
        "objectives": list(each.objectives),
        "prerequisites": [{"text": one.text, "check": one.check.value, "of": one.of} for one in each.prerequisites],
        "risks": {name: getattr(risks, name).value for name in ("technical", "operational", "business")},
    }


def _exported_phase(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "phase": value["title"],
        "timeline": value["timeline"],
        "objectives": value["objectives"],
        "prerequisites": [
            {name: word for name, word in one.items() if word not in ("", CheckKind.SAID.value)}
            for one in value["prerequisites"]
        ],
        "riskAssessment": value["risks"],
    }
