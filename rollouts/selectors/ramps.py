"""Reads of the ramps: what they are, what comes next, and what the decision about it depends on."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

import flags.selectors
from core import events
from core.errors import NotFound
from core.requirements import Requirement
from rollouts.domain.gate import before_step
from rollouts.domain.move import next_move
from rollouts.domain.news import FIRED, HOLDING, FlagNews, is_foreign
from rollouts.domain.situation import percent
from rollouts.domain.states import LIVE, MOVING, RampState
from rollouts.models import Level, Ramp, RampStep, RampTemplate
from rollouts.selectors.shown import RampView, last_taken, view_of
from rollouts.selectors.situations import situation


def templates() -> QuerySet[RampTemplate]:
    """The ramps of the playbook with their flag."""
    return RampTemplate.objects.select_related("flag").order_by("key")


def template(key: str) -> RampTemplate:
    """One ramp of the playbook, or NotFound with the ones there are."""
    found = templates().filter(key=key).first()
    if found is None:
        known = ", ".join(RampTemplate.objects.values_list("key", flat=True)) or "none yet: load a playbook"
        raise NotFound(f"There is no ramp template {key!r}. Known: {known}.")
    return found


def levels() -> dict[str, dict[str, Any]]:
    """What each monitoring level of the playbook asks for."""
    return dict(Level.objects.values_list("key", "values"))


def ramps() -> QuerySet[Ramp]:
    """All ramps, newest first, with flag and environment; steps are prefetched in one more query."""
    return Ramp.objects.select_related("flag", "environment").prefetch_related("steps").order_by("-id")


def due(*, now: datetime) -> QuerySet[Ramp]:
    """The ramps the clock looks at, oldest first: not those whose next step is not due, once that was said of them."""
    ahead = RampStep.objects.filter(ramp=OuterRef("pk"), position=OuterRef("position") + 1, due_at__gt=now)
    return ramps().filter(state__in=MOVING).exclude(Exists(ahead), ~Q(waiting_for="")).order_by("pk")


def live() -> list[RampView]:
    """Every ramp that has not ended, in the order of environments and flags, as the clock last saw it: 2 queries."""
    return [seen(ramp) for ramp in unended()]


def unended() -> QuerySet[Ramp]:
    """Every ramp that has not ended, in the order of environments and flags."""
    return ramps().filter(state__in=LIVE).order_by("environment__position", "flag__key")


def movers(flags: Collection[str], environment: str) -> dict[str, str]:
    """By flag, the ramp that has not ended there: `ramp 7 (held)`."""
    found = Ramp.objects.filter(state__in=LIVE, flag__key__in=flags, environment__key=environment)
    return {key: f"Ramp {pk} ({state})" for key, pk, state in found.values_list("flag__key", "pk", "state")}


def seen(ramp: Ramp) -> RampView:
    """A ramp of `ramps()` as the clock last saw it: no query."""
    return view_of(ramp, ramp.hold_reason or ramp.waiting_for)


def listed(
    *, environment: str | None = None, flag: str | None = None, states: Collection[str] = (), most: int = 50
) -> list[RampView]:
    """Ramps, newest first, as the clock last saw them: 2 queries."""
    return [seen(ramp) for ramp in chosen(environment=environment, flag=flag, states=states)[:most]]


def chosen(*, environment: str | None = None, flag: str | None = None, states: Collection[str] = ()) -> QuerySet[Ramp]:
    """The ramps that are asked for, as in `ramps`."""
    found = ramps()
    if environment is not None:
        found = found.filter(environment__key=environment)
    if flag is not None:
        found = found.filter(flag__key=flag)
    if states:
        found = found.filter(state__in=states)
    return found


def get(ramp_id: int, *, environment: str | None = None) -> Ramp:
    """One ramp with its steps, or NotFound; also when it is in another environment than the one that is asked for."""
    found = ramps().filter(pk=ramp_id).first()
    if found is None or environment not in (None, found.environment.key):
        raise NotFound(f"There is no ramp {ramp_id}{f' in {environment}' if environment else ''}.")
    return found


def timeline(ramp_id: int, *, now: datetime) -> RampView:
    """One ramp with what it waits for as of `now`, not as of the clock's last look."""
    ramp = get(ramp_id)
    if RampState(ramp.state) not in MOVING:
        return view_of(ramp, ramp.hold_reason)
    state = flags.selectors.state(ramp.flag.key, ramp.environment.key)
    move = next_move(situation(ramp, list(ramp.steps.all()), state, now=now), now=now)
    why = getattr(move, "why", "")
    return view_of(ramp, why if why else "The clock takes it at its next look.")


def gate(ramp_id: int, *, now: datetime) -> list[Requirement]:
    """What must be true before the clock takes the next step, each with how it stands; nothing where none is left."""
    ramp = get(ramp_id)
    state = flags.selectors.state(ramp.flag.key, ramp.environment.key)
    facts = situation(ramp, list(ramp.steps.all()), state, now=now)
    return list(before_step(facts, facts.next, now=now)) if facts.next and facts.state in LIVE else []


def resume_effect(ramp_id: int) -> str:
    """What a resume would do to the flag, for the form that asks for it."""
    ramp = get(ramp_id)
    state = flags.selectors.state(ramp.flag.key, ramp.environment.key)
    where = f"{ramp.flag.key} in {ramp.environment.key}"
    last = last_taken(ramp.steps.all())
    now = f"{'enabled' if state.enabled else 'disabled'} at {percent(state.percentage)}"
    if last is None:
        return f"{where} stays as it is ({now}); the clock goes on with the first step."
    if state.enabled and state.percentage == last.percentage:
        return f"{where} stays {now}; the clock goes on."
    back = "SETS IT BACK to" if state.percentage > last.percentage else "RAISES it to"
    verb = back if state.enabled else "ENABLES it at"
    return (
        f"{where} is {now}. Resuming {verb} {percent(last.percentage)} again, at once (step {last.position}: "
        f"{last.label}), and the time to the next step starts over."
    )


def news_for(ramp: Ramp) -> list[FlagNews]:
    """What others did that this ramp has not taken into account yet, oldest first: changes of its flag, and triggers
    that pause all ramps of the environment.

    A cursor over ids is safe here and only here: all events of the flags of one environment, and of triggers that
    fire in it, are written while its configuration row is locked, so they are committed in the order of their ids.
    """
    concerned = Q(subject=f"flag:{ramp.flag.key}", kind__in=list(HOLDING)) | Q(kind=FIRED)
    fresh = (
        events.recent().filter(concerned, environment_id=ramp.environment_id, id__gt=ramp.followed_event).order_by("id")
    )
    found = [FlagNews(row.pk, row.kind, row.actor, row.reason, row.after, row.data) for row in fresh]
    return [news for news in found if is_foreign(news, ramp_id=ramp.pk)]


def last_event_of(flag_key: str, environment_id: int) -> int:
    """The id of the newest event that a ramp of the flag follows in the environment, 0 when there is none."""
    concerned = Q(subject=f"flag:{flag_key}") | Q(kind=FIRED)
    found = events.recent().filter(concerned, environment_id=environment_id)
    return found.values_list("id", flat=True).first() or 0
