"""atomicOperations: every atomic melt of the last 24 hours is whole (seed: `validateAtomicOperations`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import flags.selectors
from core.errors import NotFound
from migrations_app.adapters import mongo, operations
from migrations_app.domain.atomic import Operation, Problem, Rule, is_under_way, problems
from monitoring.domain.melts import OPERATIONS, one_source, total
from monitoring.selectors.totals import totals
from rollouts.domain.validation import MOST_SHOWN, Findings, Result, Subject, failed, nothing

FLAG = "atomicMeltOperations"
ROLLED_BACK = "atomic_transaction_failures_total"
DAY = timedelta(hours=24)  # seed
PAUSE = 2.0  # seconds between two looks at what seems wrong
LOOKS = 3
MOST_SUSPECTS = 200  # looked at again; with more of them it is no melt caught in the middle
EXPECTED = 20  # melts with the flag on, of which none may be without an atomic operation
BROKEN = "Raise atomicMeltOperations no further, and look for the tokens of these melts by their ids, under Tokens."
DOUBLE = "Switch atomicMeltOperations off now: money is counted twice. Reconcile these wallets with the mint."
NO_MARK = (
    "See in nctool's log why no melt is made by the atomic path, and that the tokens it writes carry "
    "metadata.atomic_operation."
)


@dataclass
class Seen:
    """What was counted. `suspects` may be whole at the next look; `broken` stays so.

    Of both only some are kept, however many there are.
    """

    tokens: int = 0
    whole: int = 0
    under_way: int = 0
    failed: int = 0
    double: int = 0
    suspects: dict[str, list[Problem]] = field(default_factory=dict)
    broken: dict[str, list[Problem]] = field(default_factory=dict)

    @property
    def judged(self) -> int:
        return self.whole + self.failed

    def note(self, name: str, wrong: list[Problem]) -> None:
        """One that is broken for good."""
        self.failed += 1
        self.double += any(problem.double for problem in wrong)
        if len(self.broken) < MOST_SHOWN:
            self.broken[name] = wrong


@dataclass(frozen=True, slots=True)
class Reported:
    """What nctool reported of the same time: melts with the flag on, and rolled back transactions. None: nothing."""

    on: float | None
    rolled_back: float | None


def check(subject: Subject, *, pause: Callable[[float], None] = time.sleep) -> Result:
    """Memory stays the same however many melts there are: each is forgotten as soon as it was looked at."""
    try:
        with mongo.limited(operations.WORK):
            seen = _first_look(subject)
        for _ in range(1, LOOKS):
            if seen.suspects:
                pause(PAUSE)
                _look_again(seen, subject)
    except mongo.Unreachable as error:
        why = str(error).split(", Timeout:")[0][:200]
        return failed(
            f"nctool's MongoDB did not tell of its atomic operations: {why}",
            "See that MongoDB runs, that NCTOOL_MONGODB_URL is right, and that cashutokens has an index on "
            "metadata.operation_id; then validate again.",
        )
    for name, wrong in seen.suspects.items():
        seen.note(name, wrong)
    reported = _reported(subject)
    return _told(seen, reported) if seen.judged else _none(subject, reported)


def _first_look(subject: Subject) -> Seen:
    seen = Seen()
    for operation in operations.since(subject.now - DAY):
        seen.tokens += len(operation.written) + operation.more
        if is_under_way(operation, now=subject.now):
            seen.under_way += 1
            continue
        wrong = problems(operation)
        if not wrong:
            seen.whole += 1
        elif operation.id and len(seen.suspects) < MOST_SUSPECTS:
            seen.suspects[operation.id] = wrong
        else:
            seen.note(_name(operation), wrong)
    return seen


def _look_again(seen: Seen, subject: Subject) -> None:
    """A melt may have been caught in the middle, or while it was deleted: then it is whole now, or gone."""
    with mongo.limited(operations.AGAIN):
        now = {operation.id: operation for operation in operations.again(list(seen.suspects))}
    for name in list(seen.suspects):
        operation = now.get(name)
        wrong = problems(operation) if operation else []
        if wrong:
            seen.suspects[name] = wrong
        else:
            del seen.suspects[name]
            seen.whole += operation is not None


def _name(operation: Operation) -> str:
    return operation.id or f"of token {operation.written[0].id}"


def _reported(subject: Subject) -> Reported:
    """As the counters of this environment have it."""
    end = int(subject.now.timestamp())
    start = int((subject.now - DAY).timestamp())
    lines = totals(subject.environment_id, [OPERATIONS, ROLLED_BACK], start=start, end=end)
    on = [line for line in lines if line.name == OPERATIONS and line.labels.get("flag") == FLAG]
    on = one_source(line for line in on if line.labels.get("variant") == "on")
    back = one_source(line for line in lines if line.name == ROLLED_BACK)
    return Reported(total(on) if on else None, total(back) if back else None)


def _none(subject: Subject, reported: Reported) -> Result:
    """No atomic operation was completed: that shows nothing, and is wrong only where there should be some."""
    if not _is_on(subject.environment):
        return nothing(f"Nothing to validate: {FLAG} is off here, and no melt of the last 24 h was atomic.")
    if (reported.on or 0) >= EXPECTED:
        return failed(
            f"nctool reports {reported.on:,.0f} melts with {FLAG} on in the last 24 h, and none of them is in its "
            "database as an atomic operation.",
            NO_MARK,
        )
    return nothing(f"Nothing to validate yet: {FLAG} is on here, and no melt of the last 24 h was atomic.")


def _is_on(environment: str) -> bool:
    try:
        return flags.selectors.state(FLAG, environment).enabled
    except NotFound:
        return False


def _told(seen: Seen, reported: Reported) -> Result:
    """The counts as the seed names them, then what is wrong with the first few melts."""
    found = Findings()
    waiting = f"; {seen.under_way:,} more wait for the mint" if seen.under_way else ""
    found.tell("atomicOperationsCount", f"{seen.judged:,} in the last 24 h, in {seen.tokens:,} tokens{waiting}")
    found.tell("successfulOperations", f"{seen.whole:,}")
    listed = f"; the first {len(seen.broken)} are listed" if seen.failed > len(seen.broken) else ""
    todo = DOUBLE if seen.double else BROKEN
    found.judge("failedOperations", f"{seen.failed:,}{listed}", ok=not seen.failed, todo=todo)
    back = "not known: nctool does not report it" if reported.rolled_back is None else f"{reported.rolled_back:,.0f}"
    found.tell("rollbacksExecuted", f"{back} ({ROLLED_BACK})")
    found.tell("dataConsistencyChecks", f"{len(Rule) * seen.judged:,}: {len(Rule)} of each operation")
    prevented = f"no: in {seen.double:,} of them money is counted twice" if seen.double else "yes"
    found.judge("doubleCountingPrevented", prevented, ok=not seen.double)
    for name, wrong in seen.broken.items():
        found.judge(f"Melt {name}", "; ".join(problem.what for problem in wrong), ok=False)
    return found.result(
        f"All {seen.whole:,} atomic melts of the last 24 h are whole, and no token is counted twice.",
        f"{seen.failed:,} of {seen.judged:,} atomic melts of the last 24 h are not whole, at {LOOKS} looks in a row.",
    )
