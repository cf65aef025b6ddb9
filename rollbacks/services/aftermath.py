"""The steps after the taking back: what nctool still serves, the validation, the announcement."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import flags.selectors
import rollouts.selectors
from core.actors import Actor, ActorKind
from core.errors import Conflict
from flags.domain.acknowledging import Reach
from flags.selectors.instances import acknowledged
from rollbacks.domain.deciding import SERVED_LIMIT
from rollbacks.domain.outcome import Done, Failed, Outcome, Waiting
from rollbacks.domain.states import StepKind
from rollbacks.models import Rollback
from rollbacks.services.claiming import Claim
from rollouts.domain.states import MOVING, RampState
from rollouts.domain.validation import Check, failures
from rollouts.selectors.validation import validations
from rollouts.services import clock as ramps
from rollouts.services import validation

MOST_LOST = 3
LOOKING_BACK = {Check.PERFORMANCE: "ten minutes", Check.ATOMIC: "24 hours"}
LOOKS_BACK = " {} is told and not judged, for it looks back over {}, into what was rolled back: {} Validate again then."


def served(claim: Claim, *, now: datetime) -> Outcome:
    """The ramps of the flags are held, the flags are off, and every instance has been heard to serve that."""
    where, keys = claim.rollback.environment.key, claim.step.what["flags"]
    states = flags.selectors.states(where).filter(flag__key__in=keys)
    on = [state.flag.key for state in states if state.enabled]
    if on:
        return Failed(f"Switched on again since: {', '.join(on)}. See who did, then retry or abort.")
    ramps.follow(now=now)
    held, moving = _ramps(where, keys)
    if moving:
        return Failed(f"Not held: {moving}. Hold it by hand, then retry.")
    version, at = _off(claim.rollback)
    return _reached(acknowledged(where, version, at, now=now), at, held, now=now)


def validated(claim: Claim, *, now: datetime) -> Outcome:
    """A validation that was asked for after the flags went off; a worker runs it."""
    row = claim.rollback
    run_id = claim.step.journal.get("run")
    if run_id is None:
        try:
            run_id = validation.request(row.environment.key, actor=_asker(row), now=now).pk
        except Conflict:
            return Waiting("Another validation is under way here; ours comes after it.")
        claim.journal(run=run_id)
        return Waiting(f"Validation {run_id} is asked for.")
    run = validations(row.environment.key).filter(pk=run_id).first()
    if run is not None and run.finished_at is None:
        return Waiting(f"Validation {run_id} is under way.")
    if run is None or run.success is None:
        return _lost(claim, run_id)
    wrong = {check: run.results[check]["summary"] for check in failures(run.results)}
    before = [LOOKS_BACK.format(each, far, wrong.pop(each)) for each, far in LOOKING_BACK.items() if each in wrong]
    if wrong:
        told = " ".join(f"{check}: {summary}" for check, summary in wrong.items())
        return Failed(f"Validation {run_id} failed. {told}")
    passed = ", ".join(check for check, result in run.results.items() if result["success"])
    return Done(f"Validation {run_id} passed: {passed}.{''.join(before)}")


def _lost(claim: Claim, run_id: int) -> Outcome:
    """The process that ran it has ended, which says nothing of nctool: it is asked for again, a few times."""
    lost = claim.step.journal.get("lost", 0) + 1
    if lost > MOST_LOST:
        return Failed(
            f"Validation {run_id} and {MOST_LOST} before it were lost: see whether the worker runs, then retry."
        )
    claim.journal(run=None, lost=lost)
    return Waiting(f"Validation {run_id} was lost with its process; another one is asked for.")


def announced(claim: Claim) -> Outcome:
    """The note that all is done is what announcements are made of."""
    return Done("Announced with the end of this rollback; see Announcements for who was reached.")


def _reached(reach: Reach, at: datetime, held: str, *, now: datetime) -> Outcome:
    lagging = ", ".join(each.name for each in reach.lagging[:10])
    vanished = f" Not heard of since: {', '.join(each.name for each in reach.vanished[:10])}." if reach.vanished else ""
    if reach.lagging and now - at < SERVED_LIMIT:
        return Waiting(f"{reach.seen} of {reach.total} instances serve it; waiting for {lagging}.")
    if reach.lagging:
        return Failed(
            f"{len(reach.lagging)} of {reach.total} instances still serve the old configuration: {lagging}.{vanished} "
            "Restart them, or see why they do not listen; then retry."
        )
    if not reach.total:
        return Done(f"No instance of nctool reports here, so what it serves is not known.{vanished} {held}")
    return Done(f"All {reach.total} instances serve it.{vanished} {held}")


def _ramps(where: str, keys: list[str]) -> tuple[str, str]:
    """The ramps of these flags: those that stand still, and those that would go on, in words."""
    found = [view.ramp for view in rollouts.selectors.live() if view.ramp.environment.key == where]
    mine = [ramp for ramp in found if ramp.flag.key in keys]
    moving = [f"ramp {ramp.pk} of {ramp.flag.key}" for ramp in mine if RampState(ramp.state) in MOVING]
    held = [f"ramp {ramp.pk}" for ramp in mine if RampState(ramp.state) not in MOVING]
    return (f"Held: {', '.join(held)}." if held else "No ramp of them goes on."), ", ".join(moving)


def _off(row: Rollback) -> tuple[int, datetime]:
    """The configuration version that the flags went off with, and when. That step comes first and is never left out."""
    journal: dict[str, Any] = row.steps.get(kind=StepKind.FLAGS.value).journal
    return journal["configuration"], datetime.fromisoformat(journal["at"])


def _asker(row: Rollback) -> Actor:
    return Actor(row.confirmed_by, ActorKind.PERSON)
