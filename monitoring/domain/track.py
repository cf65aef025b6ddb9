"""What the judged windows do to a trigger: breaches in a row, how long it passes, and when it fires."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from monitoring.domain.measures.rule import Rule
from monitoring.domain.verdict import TriggerState, Verdict
from monitoring.domain.windows import Window


@dataclass(frozen=True, slots=True)
class Track:
    """Where a trigger stands. Times are unix seconds.

    `breaches` counts the breaches in a row: a PASS sets it to zero; INSUFFICIENT and NO_DATA neither count
    nor reset, because they say nothing. `passing_since` is the start of the time through which every
    window passed; any other verdict, or a time that nobody judged, ends it. A window that ends before
    `cooling_until` counts, and does not fire.
    """

    state: TriggerState = TriggerState.ARMED
    judged_until: int = 0
    breaches: int = 0
    passing_since: int | None = None
    cooling_until: int = 0
    last: Window | None = None
    fired_by: Window | None = None


def follow(rule: Rule, track: Track, windows: Iterable[Window]) -> Track:
    """The track after these windows. `fired_by` is the window that fired it; a latched one does not fire again.

    One that only observes never latches: it "fires" once in every run of breaches.
    """
    track = replace(track, fired_by=None)
    for window in windows:
        track = _step(rule, track, window)
    return track


def _step(rule: Rule, track: Track, window: Window) -> Track:
    breaches, passing_since = track.breaches, track.passing_since
    if window.verdict is Verdict.PASS:
        breaches = 0
        unbroken = passing_since is not None and window.start <= track.judged_until
        passing_since = passing_since if unbroken else max(window.start, track.judged_until)
    else:
        passing_since = None
        breaches += window.verdict is Verdict.BREACH
    fires = _fires(rule, track, window, breaches)
    return Track(
        state=TriggerState.LATCHED if fires and not rule.observe else track.state,
        judged_until=window.end,
        breaches=breaches,
        passing_since=passing_since,
        cooling_until=track.cooling_until,
        last=window,
        fired_by=window if fires else track.fired_by,
    )


def _fires(rule: Rule, track: Track, window: Window, breaches: int) -> bool:
    if track.state is not TriggerState.ARMED or window.verdict is not Verdict.BREACH:
        return False
    if rule.observe:
        return breaches == rule.consecutive
    return breaches >= rule.consecutive and window.end >= track.cooling_until
