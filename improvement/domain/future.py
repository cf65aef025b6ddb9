"""What comes after this rollout: the next phase and the roadmap (seed: Future Planning)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.errors import Invalid
from improvement.domain.feedback import read_line, read_text

KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")
MOST = 30
LONGEST = 200
RISKS = ("technical", "operational", "business")
LEVELS = ("LOW", "MEDIUM", "HIGH", "CRITICAL")


class Progress(StrEnum):
    PLANNED = "planned"
    UNDER_WAY = "under way"
    DONE = "done"
    DROPPED = "dropped"


class CheckKind(StrEnum):
    """What a prerequisite may be measured by. `said`: a person says so."""

    SAID = "said"
    PLAN = "plan"  # the newest plan of this environment is completed
    FLAG = "flag"  # everybody has this flag there
    INCIDENTS = "incidents"  # no incident of level 2 or worse is open
    FEEDBACK = "feedback"  # at least so many answers to the survey were given in the last 90 days


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """`of` names what the check is about: an environment, `flag in environment`, or a number of answers."""

    text: str
    check: str = CheckKind.SAID.value
    of: str = ""

    def as_dict(self) -> dict[str, str]:
        return {"text": self.text, "check": self.check, "of": self.of}


@dataclass(frozen=True, slots=True)
class NextPhase:
    """`timeline` in words, such as 3 months. `risks` is a level for each of the seed's three."""

    title: str
    timeline: str
    objectives: Sequence[str]
    prerequisites: Sequence[Prerequisite]
    risks: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "timeline": self.timeline,
            "objectives": list(self.objectives),
            "prerequisites": [one.as_dict() for one in self.prerequisites],
            "risks": dict(self.risks),
        }


def read_key(given: str) -> str:
    """Raises Invalid."""
    if not KEY.fullmatch(given):
        raise Invalid("Letters, digits and dashes, such as enhanced-features-v2-1.", field="key")
    return given


def read_phase(given: Mapping[str, Any]) -> NextPhase:
    """Raises Invalid with the field."""
    risks = {name: str(given.get("risks", {}).get(name, "")) for name in RISKS}
    for name, level in risks.items():
        if level not in LEVELS:
            raise Invalid(f"The {name} risk is {', '.join(LEVELS)}.", field="risks")
    return NextPhase(
        read_line(str(given.get("title", "")), field="title", longest=LONGEST),
        read_text(str(given.get("timeline", "")), field="timeline", longest=LONGEST),
        read_lines(given.get("objectives", ()), field="objectives"),
        _prerequisites(given.get("prerequisites", ())),
        risks,
    )


def read_lines(given: Sequence[str], *, field: str) -> list[str]:
    """What is not empty, in order. Raises Invalid."""
    lines = [read_line(str(one), field=field, longest=LONGEST) for one in given if str(one).strip()]
    if len(lines) > MOST:
        raise Invalid(f"At most {MOST} lines.", field=field)
    return lines


def _prerequisites(given: Sequence[Mapping[str, Any]]) -> list[Prerequisite]:
    found = [_prerequisite(one) for one in given]
    if len(found) > MOST:
        raise Invalid(f"At most {MOST} prerequisites.", field="prerequisites")
    if len({one.text for one in found}) < len(found):
        raise Invalid("Two prerequisites say the same.", field="prerequisites")
    return found


def _prerequisite(given: Mapping[str, Any]) -> Prerequisite:
    text = read_line(str(given.get("text", "")), field="prerequisites", longest=LONGEST)
    check, of = str(given.get("check", CheckKind.SAID)), str(given.get("of", "")).strip()
    if check not in list(CheckKind):
        raise Invalid(f"A prerequisite is checked by one of {', '.join(CheckKind)}.", field="prerequisites")
    if check == CheckKind.FLAG and " in " not in of:
        raise Invalid(f"{text}: write the flag as atomicMeltOperations in production.", field="prerequisites")
    if check == CheckKind.FEEDBACK and not (of.isdecimal() and len(of) < 10 and int(of)):
        raise Invalid(f"{text}: write how many answers are enough, such as 30.", field="prerequisites")
    if check == CheckKind.PLAN and not of:
        raise Invalid(f"{text}: write the environment of the plan, such as production.", field="prerequisites")
    return Prerequisite(text, check, of)
