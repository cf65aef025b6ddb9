"""The blast radius of a ramp's steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings

import flags.selectors
from flags.selectors import reach
from rollouts.domain.radius import DAYS, Radius
from rollouts.models import RampStep
from rollouts.selectors.shown import RampView

if TYPE_CHECKING:
    from flags.models import FlagState


def radius(state: FlagState, percentage: Decimal, *, now: datetime) -> Radius:
    """Who of the npubs seen in the last seven days gets the feature when the flag is on at this percentage, 0 to 100.

    The flag's own evaluation answers, with its lists, rules, prerequisites and bucketing as they are now.
    """
    units, seen = reach.seen_since(state.environment_id, now.astimezone(UTC).date() - timedelta(days=DAYS - 1))
    found = reach.moved(state, units, enabled=True, percentage=percentage)
    ruled = bool(state.targeting.get("rules"))
    return Radius(found.known, seen, settings.SEEN_UNITS, found.having, found.joining, found.leaving, ruled)


def next_radius(view: RampView, *, now: datetime) -> Radius | None:
    """Whom the ramp's next step reaches; None where no step comes any more."""
    return _radius(view, view.next, now=now)


def resume_radius(view: RampView, *, now: datetime) -> Radius | None:
    """Whom a resume reaches at once, by setting the flag to the last step taken; None where none was taken."""
    return _radius(view, view.now, now=now)


def _radius(view: RampView, step: RampStep | None, *, now: datetime) -> Radius | None:
    if step is None:
        return None
    state = flags.selectors.state(view.ramp.flag.key, view.ramp.environment.key)
    return radius(state, Decimal(step.percentage), now=now)
