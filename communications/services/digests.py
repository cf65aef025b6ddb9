"""The hourly digest: while a plan or a ramp is live, where it stands, with what happened since (seed: management)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

import plans.selectors
import rollouts.selectors
from communications.domain import merging, wording
from communications.domain.audiences import Frequency
from communications.domain.channels import LIMITS, ChannelKind
from communications.domain.states import AnnouncementState
from communications.models import Announcement
from communications.selectors.plan import Planned, plan
from communications.services.addressing import Letter, recipients
from core.moments import clock
from risk.selectors import stack
from rollouts.selectors import RampView


def make(*, now: datetime) -> int:
    """Make the digest of the last full hour for each recipient of an hourly audience; how many were made.

    None while nothing is deployed: what is held for the hour is then told by itself. Asked again, or by two at once,
    it makes none twice; hours that were missed are not made up for.
    """
    hourly = [planned for planned in plan() if planned.habits.frequency is Frequency.HOURLY]
    lines = _standing(now=now) if hourly else []
    if not lines:
        return 0
    hour = now.replace(minute=0, second=0, microsecond=0)
    letters = [letter for planned in hourly for letter in _letters(planned)]
    return sum(_make(letter, lines, hour, now=now) for letter in letters)


def _letters(planned: Planned) -> Iterable[Letter]:
    for route in planned.routes:
        if route.channel.enabled:
            yield from recipients(planned, route)


@transaction.atomic
def _make(letter: Letter, lines: Sequence[str], hour: datetime, *, now: datetime) -> bool:
    occasion = f"hourly:{hour:%Y-%m-%dT%H}"
    place = {"audience": letter.audience, "channel": letter.channel, "recipient": letter.recipient}
    if letter.problem or Announcement.objects.filter(occasion=occasion, **place).exists():
        return False
    held = Announcement.objects.select_for_update(skip_locked=True).filter(**place, due_at__lte=now)
    parts = list(held.filter(state=AnnouncementState.HELD.value).order_by("id"))
    limits = LIMITS[ChannelKind(letter.channel.kind)]
    told = "\n".join(lines)
    if parts:
        told += "\n\nSince the last hour:\n"
        told += merging.text([merging.Part(row.subject, row.made_at) for row in parts], limits.text)
    whole = Announcement(
        occasion=occasion,
        **place,
        subject=f"Deployment at {hour:%H:%M} UTC: {lines[0]}"[: limits.subject],
        text=wording.clip(told, limits.text),
        made_at=now,
        due_at=now,
    )
    if not Announcement.objects.bulk_create([whole], ignore_conflicts=True):
        return False
    whole = Announcement.objects.get(occasion=occasion, **place)
    Announcement.objects.filter(pk__in=[row.pk for row in parts]).update(
        state=AnnouncementState.MERGED.value, merged_into=whole, due_at=now
    )
    return True


def _standing(*, now: datetime) -> list[str]:
    """Where each live plan and ramp stands, in words for people who know none of our keys."""
    risks = stack.newest()
    lines = [_plan_line(row.name, str(row.environment), row.state) for row in plans.selectors.live()]
    lines += [_ramp_line(view, now=now) for view in rollouts.selectors.live()]
    if not lines:
        return []
    where = {view.ramp.environment_id for view in rollouts.selectors.live()}
    lines += [f"Risk in {risk.environment}: {risk.level}" for pk, risk in risks.items() if pk in where]
    return lines


def _plan_line(name: str, environment: str, state: str) -> str:
    return f"{name} in {environment}: {state}"


def _ramp_line(view: RampView, *, now: datetime) -> str:
    ramp, step = view.ramp, view.now
    stands = f"{ramp.flag.name} in {ramp.environment} is at {step.label}" if step else f"{ramp.flag.name} has not begun"
    if ramp.state == "held":
        return f"{stands}; held: {ramp.hold_reason}"
    if view.next is None:
        return stands
    waits = f", waits: {view.waits_for}" if view.waits_for else ""
    return f"{stands}; next {view.next.label} at {clock(view.next.due_at, now=now)}{waits}"
