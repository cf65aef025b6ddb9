"""Which revision the application goes back to: the one that is proposed, or one that somebody chose.

A choice is made by number, for that is what people read, and kept by pod template: Kubernetes gives a number to one
template only and never again, but a template may get another number until the undo (docs/adr/0016-rollbacks.md).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.errors import Invalid
from rollbacks.domain.deployment import Deployed, Revision

NOTHING_OLDER = "The deployment has no older revision to go back to that was not rolled back already."


class RevisionStanding(StrEnum):
    """What is to be known of a revision before it is chosen."""

    LIVE = "live"
    PROPOSED = "proposed"
    LEFT = "left"  # an earlier rollback went away from it
    OLDER = "older"


@dataclass(frozen=True, slots=True)
class Choice:
    """The revision that somebody chose, as it was then. `template` is empty until the cluster was asked."""

    number: int
    template: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """One revision that the deployment still knows. `created_at` is when its template was deployed first."""

    number: int
    image: str
    created_at: datetime | None
    standing: RevisionStanding

    def as_dict(self) -> dict[str, Any]:
        """The revision for a machine."""
        return {**asdict(self), "standing": self.standing.value}


def offers(deployed: Deployed, left: Collection[str]) -> list[Offer]:
    """Every revision, the newest first. `left`: the templates that earlier rollbacks went away from."""
    proposed = deployed.target(left)

    def standing(each: Revision) -> RevisionStanding:
        if each.template == deployed.template:
            return RevisionStanding.LIVE
        if each == proposed:
            return RevisionStanding.PROPOSED
        return RevisionStanding.LEFT if each.template in left else RevisionStanding.OLDER

    return [Offer(each.number, each.image, each.created_at, standing(each)) for each in deployed.history]


def target(deployed: Deployed, choice: Choice | None, left: Collection[str]) -> Revision:
    """Where the deployment goes back to.

    Raises Invalid when a chosen revision is what runs, or is not kept any more; and when there is nothing to propose.
    """
    if choice is None:
        proposed = deployed.target(left)
        if proposed is None:
            raise Invalid(NOTHING_OLDER, field="component")
        return proposed
    found = deployed.of_template(choice.template) if choice.template else deployed.of_number(choice.number)
    if found is None:
        image = f" ({choice.image})" if choice.image else ""
        others = [each for each in deployed.history if each.template != deployed.template]
        kept = ", ".join(f"{each.number} ({each.image})" for each in others) or "none but what runs"
        raise Invalid(
            f"The deployment does not keep revision {choice.number}{image}. It keeps {kept}.", field="revision"
        )
    if found.template == deployed.template:
        raise Invalid(f"Revision {found.number} ({found.image}) is what runs now: choose another.", field="revision")
    return found
