"""Try changes out: everything is done as it would be, and rolled back. What it would do is told by its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction

from approvals.domain import payloads
from approvals.domain.approving import Terms, terms
from approvals.services.performing import By, perform
from core import events
from core.asking import Change
from core.errors import Invalid
from flags.domain.permit import Permit

if TYPE_CHECKING:
    from core.models import Event


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the changes would do, and what the rules ask for it.

    `effects` has one entry for each subject that changes: `subject` (`flag:<key>`, `ramp:new`, ...), `events` (their
    kinds), `before` and `after` (pictures, as events tell them), and `data` (a long list as `{"count", "first"}`).
    """

    effects: list[dict[str, Any]]
    terms: Terms


@transaction.atomic
def rehearse(environment: str, changes: Sequence[Change], by: By) -> Rehearsal:
    """Try the changes out on what there is now; the caller holds the locks, if it has any.

    A freeze does not forbid a rehearsal. Raises whatever a service refuses, and Invalid when nothing would change.
    """
    permit = Permit("request", 0, rehearsal=True)
    with events.collecting() as told, transaction.atomic():
        perform(environment, changes, By(by.actor, by.reason, by.now, permit))
        transaction.set_rollback(True)
    if not told:
        raise Invalid("Everything is like this already: there is nothing to ask for.", field="changes")
    return Rehearsal(effects(told), terms(permit.needs))


def effects(told: Iterable[Event]) -> list[dict[str, Any]]:
    """The events folded by their subject: before the first, after the last."""
    found: dict[str, dict[str, Any]] = {}
    for event in told:
        subject = "ramp:new" if event.kind == "ramp.started" else event.subject
        entry = found.setdefault(subject, {"subject": subject, "events": [], "before": event.before, "data": {}})
        entry["events"].append(event.kind)
        entry["after"] = event.after
        entry["data"] |= payloads.shown(_worth_telling(event.data))
    return list(found.values())


def _worth_telling(data: Mapping[str, Any]) -> dict[str, Any]:
    internal = {"configuration", "request", "ramp", "approved"}
    return {name: value for name, value in data.items() if name not in internal}
