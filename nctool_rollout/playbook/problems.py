"""What is wrong with a playbook: where, and what was expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import Invalid

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """`line` counts from 1, `path` leads to the value that is wrong."""

    line: int
    path: Path
    message: str

    def told(self, file: str) -> str:
        """As a compiler would: `file:line: path: what was expected`."""
        where = ".".join(str(part) for part in self.path)
        return f"{file}:{self.line}: {f'{where}: ' if where else ''}{self.message}"


class PlaybookError(Invalid):
    """Everything that is wrong with a playbook, in the order of its lines."""

    def __init__(self, problems: Sequence[Problem], *, file: str = "playbook") -> None:
        self.problems = sorted(problems, key=lambda problem: (problem.line, [str(part) for part in problem.path]))
        super().__init__("\n".join(problem.told(file) for problem in self.problems))
