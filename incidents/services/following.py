"""Events that tell of trouble open an incident, or are linked to the one that is open there.

What the rows `Followed` do not know yet is taken, in batches, each in one transaction for its environment: two workers
at once open one incident, and a worker that dies leaves nothing half done.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from django.db import transaction

from core import events
from core.actors import Actor, ActorKind
from flags.services.locking import lock_configuration
from incidents import selectors
from incidents.domain import causes
from incidents.domain.causes import News
from incidents.domain.states import Level
from incidents.models import Followed, Incident, Link
from incidents.services import acting, levelling, opening, steering, vouching
from incidents.services.locking import hold, tell

if TYPE_CHECKING:
    from core.models import Event

log = logging.getLogger(__name__)
INCIDENTS = Actor("incidents", ActorKind.MACHINE)
BATCH = 200
MOST_BATCHES = 25  # of one call: more is left to the next
NAMED = 10  # subjects that an event names


def follow(*, now: datetime) -> int:
    """Take every event that is not older than an hour and was not looked at yet; how many were."""
    done = 0
    for _ in range(MOST_BATCHES):
        found = events.without("incident_followed", kinds=causes.FOLLOWED)
        fresh = list(found.filter(at__gt=now - causes.HORIZON).select_related("environment")[:BATCH])
        taken = sum(_try(list(some), now=now) for _, some in groupby(fresh, key=lambda event: event.environment_id))
        done += taken
        if len(fresh) < BATCH or not taken:
            break
    return done


def _try(fresh: Sequence[Event], *, now: datetime) -> int:
    try:
        return _take(fresh, now=now)
    except Exception:
        log.exception("following %d events from %s on", len(fresh), fresh[0].pk)
        return 0


@transaction.atomic
def _take(fresh: Sequence[Event], *, now: datetime) -> int:
    """Events of one environment: all that comes of them, or nothing."""
    where = fresh[0].environment
    if where is not None:
        lock_configuration(where.key)
    taken = set(Followed.objects.filter(event__in=fresh).values_list("event_id", flat=True))
    mine = [event for event in fresh if event.pk not in taken]
    row = None if where is None or not mine else _incident(mine, now=now)
    Followed.objects.bulk_create(Followed(event=event, incident=row) for event in mine)
    return len(mine)


def _incident(fresh: Sequence[Event], *, now: datetime) -> Incident | None:
    """The incident that these events belong to; opened, opened again or raised by them. None: they are none."""
    where, policies = fresh[0].environment, selectors.policies()
    assert where is not None  # noqa: S101 - the caller has looked
    told = [(event, News(event.kind, event.subject, event.reason, event.data)) for event in fresh]
    levels = [(level, event, news) for event, news in told if (level := causes.level(news, policies)) is not None]
    row = _current(where.pk, opens=bool(levels), now=now)
    if row is None:
        if not levels or where.pk not in {each.pk for each in selectors.watched()}:
            return None
        level, event, news = max(levels, key=lambda each: each[0])
        cause, title = causes.OPENING[event.kind], causes.title(news)
        row = opening.open_by_itself(
            where, cause, level, title, (), why=event.reason, began_at=event.at, actor=INCIDENTS, now=now
        )
        _vouch(row, event)
    elif levels:
        _lift(row, *max(levels, key=lambda each: each[0]), now=now)
    _link(row, told, now=now)
    for event in fresh:
        acting.of_event(row, event, now=now)
    return row


def _current(environment_id: int, *, opens: bool, now: datetime) -> Incident | None:
    """The locked incident that gathers there; one that was resolved a moment ago is opened again."""
    known = selectors.gathering(environment_id)
    if known is not None:
        return hold(known.pk)
    recent = selectors.resolved_since(environment_id, now - causes.BACK_WITHIN) if opens else None
    if recent is None:
        return None
    row = hold(recent.pk)
    why = (
        f"It has come back {int((now - row.resolved_at).total_seconds() // 60)} min after it was resolved."
        if row.resolved_at
        else ""
    )
    steering.reopen(row, why=why, actor=INCIDENTS, now=now)
    return row


def _lift(row: Incident, level: Level, event: Event, news: News, *, now: datetime) -> None:
    why = f"{causes.title(news)}. {event.reason}"[:2000]
    if level > max(row.level, row.accepted):
        _vouch(row, event)
        levelling.lift(row, level, why=why, actor=INCIDENTS, now=now, confirmed=True)
    else:
        vouching.confirm(row, level, why=why, actor=INCIDENTS, now=now, data={"event": event.pk})


def _vouch(row: Incident, event: Event) -> None:
    """Whoever did what made it so bad has said so by that."""
    vouching.vouch(row, Actor(event.actor, ActorKind(event.actor_kind)))
    row.save(update_fields=["vouchers"])


def _link(row: Incident, told: Sequence[tuple[Event, News]], *, now: datetime) -> None:
    """Count what each subject had, and tell once of those that are new."""
    times: Counter[str] = Counter()
    for _, news in told:
        times.update(subject[:160] for subject in causes.subjects(news))
    known = {link.subject: link for link in row.links.filter(subject__in=times)}
    for subject, link in known.items():
        link.times, link.last_at = link.times + times[subject], now
    Link.objects.bulk_update(known.values(), ["times", "last_at"])
    new = [subject for subject in times if subject not in known]
    Link.objects.bulk_create(
        Link(incident=row, subject=subject, times=times[subject], first_at=now, last_at=now, by=INCIDENTS.name)
        for subject in new
    )
    if new:
        more = f" and {len(new) - NAMED} more" if len(new) > NAMED else ""
        why = f"Linked: {', '.join(new[:NAMED])}{more}."
        tell(row, "linked", actor=INCIDENTS, reason=why, now=now, data={"subjects": new[:NAMED], "count": len(new)})
