"""What a rule would have done: evaluated over what is still kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerting.domain import state
from alerting.domain.definition import Definition
from alerting.domain.state import Standing
from alerting.domain.states import AlertState
from alerting.services.computing import over
from monitoring.adapters.ports import Track
from monitoring.services import promql

MOST_STEPS = 2_016  # a week in steps of five minutes


@dataclass(frozen=True, slots=True)
class Firing:
    """It would have fired for these labels, from `since` to `until` (None: it would still), at most at `value`."""

    labels: Mapping[str, str]
    since: datetime
    until: datetime | None
    value: float


@dataclass(frozen=True, slots=True)
class Past:
    """`step` is how far apart the looks were, in seconds; `looks` how many of them found data."""

    firings: Sequence[Firing]
    step: int
    looks: int


def would_have(environment: str, definition: Definition, *, since: datetime, now: datetime) -> Past:
    """Evaluate the rule from `since` to `now`, by its source where it has one; when it would have fired, oldest first.

    Raises Invalid for an expression that cannot be computed, NotFound for an unknown environment or source, and
    Unavailable when the source gives no answer.
    """
    length = (now - since).total_seconds()
    step = next(one for one in (15, 60, 300, 3_600, 86_400) if length / one <= MOST_STEPS)
    now = now.replace(microsecond=0)  # a server answers in milliseconds
    start = now.timestamp() - int(length // step) * step
    drawn = over(environment, definition, start=start, end=now.timestamp(), step=step)
    hold, keep = timedelta(seconds=definition.for_seconds), timedelta(seconds=definition.keep_firing_seconds)
    firings = [firing for line in drawn for firing in _of(line, start, now, step, hold=hold, keep=keep)]
    looks = len({at for line in drawn for at, _ in line.points})
    return Past(sorted(firings, key=lambda firing: firing.since), step, looks)


def _of(
    line: promql.Drawn | Track, start: float, now: datetime, step: int, *, hold: timedelta, keep: timedelta
) -> list[Firing]:
    values = dict(line.points)
    labels = {name: text for name, text in line.labels.items() if name not in ("__name__", "source")}
    found: list[Firing] = []
    standing: Standing | None = None
    worst = 0.0
    for number in range(int((now.timestamp() - start) // step) + 1):
        at = start + number * step
        moment = datetime.fromtimestamp(at, UTC)
        before, value = standing, values.get(at)
        if before is not None and before.state is AlertState.PENDING:  # looks are as far apart as the step is long
            before = Standing(before.state, before.starts_at, moment, before.value)
        standing = state.step(before, value, has_data=True, hold=hold, keep=keep, now=moment)
        if standing is None:
            continue
        if standing.state is AlertState.RESOLVED:
            found.append(Firing(labels, standing.fired_at or standing.starts_at, moment, worst))
            standing = None
        elif value is not None:
            worst = value if before is None else max(worst, value, key=abs)
    if standing is not None and standing.state is AlertState.FIRING:
        found.append(Firing(labels, standing.fired_at or standing.starts_at, None, worst))
    return found
