"""What one npub is answered: by every flag and environment now, and by one flag over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from core import events
from flags.domain.configuration import EnvironmentConfig, FlagConfig, SegmentConfig
from flags.domain.decision import Decision
from flags.domain.replay import Answer, Identity, Then, Told, timeline
from flags.domain.snapshot import Snapshot
from flags.models import AllowedUser, DeniedUser, FlagState, Segment
from flags.selectors.listing import listed

MOST_EVENTS = 200
Context = Mapping[str, Any]
Listed = type[AllowedUser] | type[DeniedUser]


@dataclass(frozen=True, slots=True)
class Line:
    """One flag's answer in one environment."""

    state: FlagState
    decision: Decision


@dataclass(frozen=True, slots=True)
class Past:
    """An answer of long ago. `on`: it was one of having the feature."""

    decision: Decision
    on: bool


def answers(npub: str, context: Context, *, environment: str = "", flag: str = "", search: str = "") -> list[Line]:
    """What each flag answers, by the code that answers nctool, in the order of flags and environments.

    Args:
        context: attributes beside the npub, which targeting rules ask for.
        environment, flag: only these; empty: all. `search`: part of a key or name.

    Four queries, whatever the number of flags: no list is read, only whether this npub is on it.
    """
    rows = listed().order_by("flag__key", "-environment__position")
    here = _Here(list(rows.filter(environment__key=environment) if environment else rows), npub)
    return [
        Line(state, here.snapshot(state.environment_id).decide(state.flag.key, npub, context))
        for state in here.states
        if flag in ("", state.flag.key) and search.lower() in f"{state.flag.key} {state.flag.name}".lower()
    ]


def over_time(state: FlagState, npub: str, context: Context) -> list[Answer[Past | None]]:
    """What the npub got after each change of the flag in this environment, newest first; None while it was archived.

    The newest 200 changes are looked at.
    """
    here = _Here(list(listed().filter(environment_id=state.environment_id)), npub)
    subject = f"flag:{state.flag.key}"
    told = events.about(subject).filter(Q(environment_id=state.environment_id) | Q(environment_id=None))
    found = told.order_by("-id").values_list("id", "at", "kind", "actor", "reason", "before", "after", "data")

    def answer(then: Then) -> Past | None:
        if then.archived:
            return None
        snapshot = here.with_flag(state.environment_id, then.config())
        on = snapshot.is_on(state.flag.key, npub, context)
        return Past(snapshot.decide(state.flag.key, npub, context), on)

    return timeline(
        here.then(state),
        [Told(*row) for row in found[:MOST_EVENTS]],
        answer,
        told=lambda past: past and (past.decision.variant, past.decision.rule, past.on),
    )


class _Here:
    """The present of these states, as far as one npub can tell it from another. Reads three times, when it is made."""

    def __init__(self, states: list[FlagState], npub: str) -> None:
        self.states, self._npub = states, npub
        self._allowed = _on_list(AllowedUser, [state.pk for state in states if state.allow_count], npub)
        self._denied = _on_list(DeniedUser, [state.pk for state in states if state.deny_count], npub)
        self._segments: defaultdict[int, list[SegmentConfig]] = defaultdict(list)
        places = {state.environment_id for state in states}
        for row in Segment.objects.filter(environment_id__in=places):
            self._segments[row.environment_id].append(SegmentConfig(row.key, tuple(row.conditions)))
        self._configs: defaultdict[int, dict[str, FlagConfig]] = defaultdict(dict)
        for state in states:
            self._configs[state.environment_id][state.flag.key] = self.then(state).config()
        self._snapshots: dict[int, Snapshot] = {}

    def then(self, state: FlagState) -> Then:
        """The present as the start of the way back."""
        return _then(state, self._npub, listed=state.pk in self._allowed, denied=state.pk in self._denied)

    def snapshot(self, environment_id: int) -> Snapshot:
        found = self._snapshots.get(environment_id)
        if found is None:
            found = self._snapshots[environment_id] = self._compiled(
                environment_id, self._configs[environment_id].values()
            )
        return found

    def with_flag(self, environment_id: int, config: FlagConfig) -> Snapshot:
        """The present with one flag as it was, and only those flags that it needs."""
        known = self._configs[environment_id]
        needed: dict[str, FlagConfig] = {config.key: config}
        waiting = [config]
        while waiting:
            wanted = (row["flag"] for row in waiting.pop().targeting.get("prerequisites", ()))
            fresh = [known[key] for key in wanted if key in known and key not in needed]
            needed |= {each.key: each for each in fresh}
            waiting += fresh
        return self._compiled(environment_id, needed.values())

    def _compiled(self, environment_id: int, configs: Iterable[FlagConfig]) -> Snapshot:
        segments = tuple(self._segments[environment_id])
        return Snapshot(EnvironmentConfig(str(environment_id), 0, flags=tuple(configs), segments=segments))


def config_of(state: FlagState) -> FlagConfig:
    """The flag as evaluation reads it, without its lists."""
    return _then(state, "", listed=False, denied=False).config()


def _then(state: FlagState, npub: str, *, listed: bool, denied: bool) -> Then:
    flag = state.flag
    picture = {
        "enabled": state.enabled,
        "percentage": float(state.percentage),
        "parameters": state.parameters,
        "allow_count": state.allow_count,
        "deny_count": state.deny_count,
        "targeting": state.targeting,
    }
    identity = Identity(flag.key, flag.bucketing, flag.salt, flag.group, flag.value_type, flag.variants)
    return Then(npub, picture, identity, listed, denied)


def _on_list(model: Listed, state_ids: list[int], npub: str) -> set[int]:
    """Those of the states on whose list the npub is."""
    if not state_ids:
        return set()
    return set(model.objects.filter(state_id__in=state_ids, npub=npub).values_list("state_id", flat=True))
