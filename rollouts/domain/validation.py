"""The six checks of a deployment, and what each of them says (seed: Automated Validation)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

LEASE = timedelta(minutes=3)  # a run that has not ended by then was lost with its process
MOST_SHOWN = 10  # of the things that are wrong with one thing


class Check(StrEnum):
    HEALTH = "applicationHealth"
    DATABASE = "databaseIntegrity"
    FEATURES = "featureFunctionality"
    PERFORMANCE = "performanceRegression"
    SECURITY = "securityCompliance"
    ATOMIC = "atomicOperations"

    @property
    def limit(self) -> timedelta:
        """How long it may take. The atomic operations of a day may be millions, and each of them is looked at."""
        return timedelta(seconds=150 if self is Check.ATOMIC else 30)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a check is about: an environment at one moment, in the run with this number."""

    environment: str
    environment_id: int
    run: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was looked at. `ok` is None where it is only told."""

    name: str
    value: str
    ok: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "value": self.value, "ok": self.ok}


@dataclass(frozen=True, slots=True)
class Result:
    """What a check says: in a sentence, with its evidence, and what to do about it.

    `success` is None where there was nothing to look at: it shows nothing, and nothing is wrong.
    """

    success: bool | None
    summary: str
    evidence: tuple[Evidence, ...] = ()
    todo: tuple[str, ...] = ()
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """As it is stored and answered."""
        return {
            "success": self.success,
            "summary": self.summary,
            "evidence": [each.as_dict() for each in self.evidence],
            "todo": list(self.todo),
            "seconds": round(self.seconds, 2),
        }


@dataclass
class Findings:
    """Evidence as it is gathered. What is wrong says at once what to do about it."""

    evidence: list[Evidence] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)

    def tell(self, name: str, value: str) -> None:
        """Something that is neither good nor bad."""
        self.evidence.append(Evidence(name, value))

    def judge(self, name: str, value: str, *, ok: bool, todo: str = "") -> None:
        """Something that is as it should be, or is not; then `todo` says what to do."""
        self.evidence.append(Evidence(name, value, ok))
        if not ok and todo and todo not in self.todo:
            self.todo.append(todo)

    def result(self, good: str, bad: str) -> Result:
        """Success when nothing is wrong. `bad` may hold `{}` for how many things are."""
        wrong = sum(each.ok is False for each in self.evidence)
        summary = bad.format(f"{wrong} thing is" if wrong == 1 else f"{wrong} things are") if wrong else good
        return Result(not wrong, summary, tuple(self.evidence), tuple(self.todo))


def failed(sentence: str, todo: str) -> Result:
    """A check that could not be made has failed: nothing was shown."""
    return Result(False, sentence, (), (todo,))


def nothing(sentence: str, evidence: tuple[Evidence, ...] = ()) -> Result:
    """There was nothing to look at, and nothing was to be expected."""
    return Result(None, sentence, evidence)


def overall(results: Mapping[str, Mapping[str, Any]]) -> bool:
    """Every check was made, and none failed. Where there was nothing to look at, the others decide."""
    return all(results.get(check, {}).get("success", False) is not False for check in Check)


def failures(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The checks that failed, by name."""
    return [check for check, result in results.items() if result["success"] is False]


def few(items: list[str]) -> str:
    """The first ten, and how many more there are."""
    shown = ", ".join(items[:MOST_SHOWN])
    more = len(items) - MOST_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
