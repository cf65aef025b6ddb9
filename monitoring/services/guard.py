"""The guard: judges every trigger, and acts by itself.

Locks are taken in one order, by everybody: the environment's configuration, the trigger, the flag's state. A
playbook that is loaded goes the same way (flags, then triggers); ramps and people stop at the flag.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from flags.services import locking
from monitoring.domain.rule import Definition
from monitoring.domain.track import Track, follow
from monitoring.domain.verdict import TriggerState, Verdict
from monitoring.domain.windows import CODE_VERSION, Window, begin, horizon, judge
from monitoring.models import Judgement, Trigger
from monitoring.services import attention, firing, silence
from monitoring.services.reading import Reader, Reading
from monitoring.services.triggers import hold, rule_of, standing

log = logging.getLogger(__name__)


def judge_all(*, now: datetime) -> int:
    """Judge every enabled trigger whose turn it is up to now, each in its own transaction; how many fired.

    A trigger that fails is logged and does not keep the others from being judged. Two guards at once do
    the work once: the second finds it done. Whether data comes at all is looked at last: it never keeps a
    trigger from firing.
    """
    fired = 0
    reader = Reader()
    enabled = (
        Trigger.objects.filter(enabled=True)
        .exclude(pk__in=attention.resting(now=now))
        .order_by("environment__position", "key")
    )
    for key, environment in enabled.values_list("key", "environment__key"):
        try:
            fired += _judge(key, environment, reader, now=now)
        except Exception:
            log.exception("trigger %s in %s", key, environment)
    try:
        silence.watch(now=now)
    except Exception:
        log.exception("watching for silence")
    return fired


@transaction.atomic
def _judge(key: str, environment: str, reader: Reader, *, now: datetime) -> bool:
    """One look at one trigger: judgements, standing and, when it fires, what it does and its events, or nothing."""
    locking.lock_configuration(environment)
    row = hold(key, environment)
    definition = Definition.read(key, rule_of(row))
    rule, until = definition.rule, horizon(now.timestamp())
    since = begin(rule, row.judged_until, until=until)
    if not row.enabled or since >= until:
        return False
    reading = reader.read(
        row.environment_id, definition, since=since, until=until, armed_from=row.armed_from, progress=row.progress
    )
    windows = judge(rule, reading.data, since=since, until=until, armed_from=row.armed_from, progress=row.progress)
    if not windows:
        return False
    track = follow(rule, _track(row), windows)
    before = standing(row)
    _store(row, definition, track, windows, reading, now=now)
    if track.fired_by:
        act = firing.observe if rule.observe else firing.fire
        act(row, definition, track.fired_by, before, sources=reading.sources, now=now)
    row.save()
    return track.fired_by is not None and not rule.observe


def _track(row: Trigger) -> Track:
    return Track(
        state=TriggerState(row.state),
        judged_until=row.judged_until,
        breaches=row.breaches,
        passing_since=int(row.passing_since.timestamp()) if row.passing_since else None,
        cooling_until=int(row.cooling_until.timestamp()) if row.cooling_until else 0,
    )


def _store(
    row: Trigger, definition: Definition, track: Track, windows: list[Window], reading: Reading, *, now: datetime
) -> None:
    asked = {"sources": dict(reading.sources), "armed_from": row.armed_from}
    Judgement.objects.bulk_create(_judgement(row, definition, window, asked, now=now) for window in windows)
    last, passing = windows[-1], track.passing_since
    row.state, row.judged_until, row.breaches = track.state.value, track.judged_until, track.breaches
    row.verdict, row.value, row.samples, row.judged_at = last.verdict.value, last.value, last.samples, now
    row.detail, row.progress = dict(last.detail), dict(last.after)
    row.passing_since = None if passing is None else datetime.fromtimestamp(passing, UTC)


def _judgement(
    row: Trigger, definition: Definition, window: Window, asked: dict[str, Any], *, now: datetime
) -> Judgement:
    """With the rule itself only where it breached: of all others, the history of the trigger has it (`replaying`)."""
    rule = {"rule": definition.as_dict()} if window.verdict is Verdict.BREACH else {}
    return Judgement(
        trigger=row,
        window_start=window.start,
        window_end=window.end,
        verdict=window.verdict.value,
        value=window.value,
        samples=window.samples,
        threshold=definition.rule.limit,
        detail=dict(window.detail),
        query={**asked, **rule, "progress": dict(window.before)},
        code_version=CODE_VERSION,
        at=now,
    )
