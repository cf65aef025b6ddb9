"""From one evaluation to the next: pending, firing, resolved. No data resolves nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerting.domain.states import AlertState

INTERVAL = timedelta(seconds=15)  # between two evaluations
GAP = 2 * INTERVAL + timedelta(seconds=5)  # who did not look for this long does not know that it held meanwhile


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one alert stands.

    `starts_at` is when its condition began to hold, `last_true_at` when it was last seen to hold. `absent_since`:
    since then there is no data that would tell.
    """

    state: AlertState
    starts_at: datetime
    last_true_at: datetime
    value: float | None = None
    fired_at: datetime | None = None
    absent_since: datetime | None = None
    resolved_at: datetime | None = None


def step(
    before: Standing | None,
    value: float | None,
    *,
    has_data: bool,
    hold: timedelta,
    keep: timedelta,
    now: datetime,
) -> Standing | None:
    """The alert after an evaluation; None when there is none (any more).

    Args:
        value: of the element; None when the result has no such element.
        has_data: there is data from which the condition can be said not to hold.
        hold: how long the condition must hold before it fires (`for`).
        keep: how long it fires on after it ceased to hold (`keep_firing_for`).
    """
    if value is not None:
        return _true(before, value, hold=hold, now=now)
    if before is None:
        return None
    if before.state is AlertState.PENDING and (has_data or now - before.last_true_at > GAP):
        return None  # it never fired, and would have to begin anew
    if not has_data:
        return replace(before, absent_since=before.absent_since or now)
    if now - before.last_true_at < keep:
        return replace(before, absent_since=None)
    return replace(before, state=AlertState.RESOLVED, resolved_at=now, absent_since=None)


def _true(before: Standing | None, value: float, *, hold: timedelta, now: datetime) -> Standing:
    if before is None:
        after = Standing(AlertState.PENDING, starts_at=now, last_true_at=now, value=value)
    elif before.state is AlertState.PENDING and now - before.last_true_at > GAP:
        after = replace(before, starts_at=now, last_true_at=now, value=value, absent_since=None)
    else:
        after = replace(before, last_true_at=now, value=value, absent_since=None)
    if after.state is AlertState.PENDING and now - after.starts_at >= hold:
        return replace(after, state=AlertState.FIRING, fired_at=now)
    return after


def fingerprint(labels: Mapping[str, str]) -> str:
    """The same for the same labels, in whatever order."""
    return hashlib.sha256(json.dumps(sorted(labels.items())).encode()).hexdigest()
