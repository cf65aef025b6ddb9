"""A load under way: what is to be written, by whom, and what turned out to need other people's approval."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from approvals import selectors
from approvals.services import requests
from core.actors import Actor
from core.asking import ApprovalNeeded, Change
from core.errors import DomainError
from nctool_rollout.playbook.plan import WRITES, Decision, Outcome
from nctool_rollout.playbook.problems import Path, PlaybookError, Problem
from nctool_rollout.playbook.source import Source
from nctool_rollout.playbook.wanted import Item

HOW = "Load it with --request to load the rest and ask for this."


@dataclass(frozen=True, slots=True)
class Asked:
    """A part that a service refused for want of approval, where the file has it, and the items it would write."""

    path: Path
    items: Collection[Item]
    needed: ApprovalNeeded


@dataclass(frozen=True, slots=True)
class Load:
    """Who loads what, and when."""

    by_item: dict[Item, Decision]
    source: Source
    file: str
    actor: Actor
    reason: str
    now: datetime
    asked: list[Asked] = field(default_factory=list)

    @property
    def who(self) -> dict[str, Any]:
        return {"actor": self.actor, "reason": self.reason, "now": self.now}

    def writes(self, *start: str) -> dict[Item, Decision]:
        """What has to be written below this path."""
        return {
            item: decision
            for item, decision in self.by_item.items()
            if item[: len(start)] == start and decision.outcome in WRITES
        }

    def keys(self, *start: str) -> Iterable[str]:
        """The next part of each path that goes on below this one, in the order of the file."""
        found = (item[len(start)] for item in self.by_item if item[: len(start)] == start)
        return list(dict.fromkeys(found))

    def value(self, *item: str) -> Any:
        """The item as it will be."""
        decision = self.by_item[item]
        return decision.wanted if decision.outcome in (*WRITES, Outcome.SAME) else decision.current

    def place(self, environment: str, flag: str) -> Path:
        """Where the file says how the flag stands there."""
        here: Path = ("environments", environment, "flags", flag)
        return here if here in self.source.lines else ("deploymentConfig", "features", flag)

    def part(self, *path: str | int, items: Collection[Item] = ()) -> _Part:
        """Around the call of a service: its refusal is told with the line of this path."""
        return _Part(self, path, items)

    def ask(self) -> dict[Item, int]:
        """Open one request in each environment for what needs approval; its number for each item.

        A live request of an earlier load for the same changes is the one that counts.
        """
        found: dict[Item, int] = {}
        for environment in dict.fromkeys(part.needed.environment for part in self.asked):
            parts = [part for part in self.asked if part.needed.environment == environment]
            changes = [change for part in parts for change in part.needed.changes]
            number = self._request(environment, changes)
            found |= {item: number for part in parts for item in part.items}
        return found

    def refuse_asked(self) -> None:
        """Raise PlaybookError with everything that needs approval, when anything does."""
        if self.asked:
            problems = [Problem(self.source.line(part.path), part.path, f"{part.needed} {HOW}") for part in self.asked]
            raise PlaybookError(problems, file=self.file)

    def _request(self, environment: str, changes: list[Change]) -> int:
        twin = selectors.twin(environment, changes)
        if twin is not None:
            return twin
        opened = requests.open_request(
            environment,
            changes,
            title=f"Load {self.reason}"[:200],
            reason=f"Loaded from {self.file}.",
            actor=self.actor,
            now=self.now,
        )
        return opened.pk


class _Part:
    def __init__(self, work: Load, path: Path, items: Collection[Item]) -> None:
        self.work, self.path, self.items = work, path, items

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, ApprovalNeeded):
            self.work.asked.append(Asked(self.path, self.items, error))
            return True
        if isinstance(error, DomainError):
            problem = Problem(self.work.source.line(self.path), self.path, str(error))
            raise PlaybookError([problem], file=self.work.file) from error
        return False
