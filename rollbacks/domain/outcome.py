"""What came of a step that was taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Done:
    """It is done. `journal` is what later steps work by."""

    output: str
    journal: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """It goes on: looked at again at the next tick."""

    output: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It needs a person."""

    error: str


Outcome = Done | Waiting | Failed
