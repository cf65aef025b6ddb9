"""One run in the hands of one worker, from wherever it is to its end, there or back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from migrations_app.adapters.lease import LeaseLost
from migrations_app.domain.migration import PhaseName
from migrations_app.domain.states import LogStatus, RunState, Wish
from migrations_app.domain.steps import Kind, Point, Step, steps_of
from migrations_app.services import forward, undoing, validating
from migrations_app.services.work import Shutdown, Stop, Work

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """How far a worker brought a run: its next state, and what is told of it."""

    state: RunState
    why: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)


def drive(work: Work) -> Ending:
    """Bring a run forward until it is done, waits for a person, or fails.

    Raises LeaseLost and Shutdown; the run then stays as it is, for the next worker.
    """
    steps = steps_of(work.migration, work.phases, canary=work.canary)
    while work.journal.state["step"] < len(steps):
        step = steps[work.journal.state["step"]]
        try:
            work.breathe(force=True)
            if step.kind is Kind.HOLD:
                _advance(work)
                return Ending(RunState.HELD, "The canary is done and validated; the rest waits for a person.")
            _do(work, step)
        except Stop as stop:
            return _stopped(work, stop, step)
        except (LeaseLost, Shutdown):
            raise
        except Exception as error:  # nobody knows what it is: what was done is taken back, and a person told
            log.exception("%s", work.uid)
            return _stopped(work, Stop(_told(error)), step)
        _advance(work)
    work.at(Point.COMPLETED)
    return Ending(RunState.COMPLETED, result=_done(work))


def take_back(work: Work, phases: tuple[str, ...]) -> Ending:
    """Take everything of a run back. Ends as ROLLED_BACK, ROLLBACK_FAILED or, by a person's wish, PAUSED."""
    work.undoing = True
    try:
        fates = undoing.undo(work, phases)
    except Stop as stop:
        if stop.wish is Wish.PAUSE:
            return Ending(RunState.PAUSED)
        return Ending(RunState.ROLLBACK_FAILED, stop.why or "Stopped by a person.", stop.named)
    except (LeaseLost, Shutdown):
        raise
    except Exception as error:  # nobody knows what it is: a person looks, and lets it go on
        log.exception("%s", work.uid)
        return Ending(RunState.ROLLBACK_FAILED, _told(error))
    for phase in phases:
        work.tell(lambda phase=phase: work.desk.phase(PhaseName(phase), LogStatus.ROLLED_BACK, result={}))  # type: ignore[misc]
    return Ending(RunState.ROLLED_BACK, result={name: value for name, value in fates.items() if name != "at"})


def _done(work: Work) -> dict[str, Any]:
    """How many documents each operation has changed, and the size of their journal."""
    return {"changed": _changed(work), "journal_bytes": work.journal.state.get("bytes", 0)}


def _changed(work: Work) -> dict[str, int]:
    return {key.replace("_", "."): count for key, count in work.journal.state.get("changed", {}).items()}


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _do(work: Work, step: Step) -> None:
    if step.kind is Kind.BEFORE:
        _validate_before(work)
    elif step.kind in (Kind.CHECK, Kind.AFTER):
        _validate_after(work, whole=step.kind is Kind.AFTER)
    elif step.kind is Kind.OPERATION:
        forward.operate(work, step)
    elif step.phase is not None:
        _mark(work, step, step.phase)


def _mark(work: Work, step: Step, phase: PhaseName) -> None:
    """The log of a phase: STARTED is written before anything of it is done."""
    begun = step.kind is Kind.BEGIN
    result = {} if begun else {"changed": work.journal.state.get("changed", {})}
    status = LogStatus.STARTED if begun else LogStatus.COMPLETED
    work.tell(lambda: work.desk.phase(phase, status, result=result))
    work.at(Point.PHASE_BEGUN if begun else Point.PHASE_ENDED)


def _advance(work: Work) -> None:
    fresh: dict[str, Any] = {"pass": 1, "found": 0, "cursor": None}
    work.steady(lambda: work.journal.checkpoint(step=work.journal.state["step"] + 1, **fresh))


def _validate_before(work: Work) -> None:
    look = lambda: validating.before(work.database, work.migration, work.uid)  # noqa: E731
    results = work.steady(lambda: work.meanwhile("Everything is looked at before the run", look))
    work.tell(lambda: work.desk.found("before", results))
    work.steady(lambda: work.journal.checkpoint(before=results))
    work.at(Point.VALIDATED_BEFORE)


def _validate_after(work: Work, *, whole: bool) -> None:
    def look() -> dict[str, Any]:
        return validating.after(
            work.database,
            work.migration,
            work.uid,
            earlier=work.journal.state["before"],
            traffic=work.traffic,
            changed=_changed(work),
            phases=work.phases,
            whole=whole,
        )

    results = work.steady(lambda: work.meanwhile("Everything is looked at after the run", look))
    work.tell(lambda: work.desk.found("after", results))
    work.at(Point.VALIDATED_AFTER)
    wrong = validating.failures(results)
    if wrong:
        raise Stop(f"The validation failed: {'; '.join(wrong)}")


def _stopped(work: Work, stop: Stop, step: Step) -> Ending:
    """A wish of a person, or a failure: which is taken back when anything was done."""
    if stop.wish is Wish.PAUSE:
        _log(work, step, LogStatus.PAUSED, "")
        return Ending(RunState.PAUSED)
    if stop.wish is Wish.LEAVE:
        _log(work, step, LogStatus.ABANDONED, "Ended by a person; what it has changed is left.")
        return Ending(RunState.ABANDONED, "Ended by a person; what it has changed is left.", _done(work))
    why = stop.why or "Aborted by a person."
    _log(work, step, LogStatus.FAILED, why)
    if step.kind is Kind.BEFORE:
        return Ending(RunState.FAILED, why, stop.named)
    return Ending(RunState.ROLLING_BACK, why, stop.named)


def _log(work: Work, step: Step, status: LogStatus, why: str) -> None:
    if step.phase is not None:
        phase = step.phase
        work.tell(lambda: work.desk.phase(phase, status, result={}, error=why))
