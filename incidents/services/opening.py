"""An incident is opened: by a person, by an event, or by what is measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

import flags.selectors
from core import environments
from core.actors import Actor
from core.errors import Conflict
from core.texts import check_text, need_text
from flags.services.locking import lock_configuration
from incidents import selectors
from incidents.domain import telling
from incidents.domain.states import Cause, Level
from incidents.models import Incident, Link
from incidents.services import levelling, paging, vouching
from incidents.services.locking import save

if TYPE_CHECKING:
    from core.models import Environment

MOST_TITLE = 200
MOST_SUMMARY = 5_000


@transaction.atomic
def declare(
    environment: str,
    title: str,
    level: int,
    *,
    summary: str = "",
    flag_keys: Collection[str] = (),
    components: Sequence[str] = (),
    separate: bool = False,
    actor: Actor,
    now: datetime,
) -> Incident:
    """A person says that something is wrong.

    Args:
        separate: there is an open one, and this is another thing: what happens by itself is linked to the first.

    Raises Conflict when one is open there and this is not said to be separate, Invalid and NotFound for what there is
    not.
    """
    where, wanted = environments.get(environment), levelling.read(level)
    title, summary = _texts(title, summary)
    shown = telling.components(components)
    for key in flag_keys:
        flags.selectors.state(key, environment)
    lock_configuration(where.key)
    known = selectors.gathering(where.pk)
    if known is not None and not separate:
        raise Conflict(
            f"Incident {known.pk} is open in {where}: {known.title}. Work on that one, or say that this is separate."
        )
    row = _row(where, Cause.PERSON, wanted, title, began_at=now, actor=actor, now=now)
    row.summary, row.components, row.gathers = summary, shown, known is None
    vouching.vouch(row, actor)
    return open_row(row, [f"flag:{key}" for key in flag_keys], why=summary or title, actor=actor, now=now)


def open_by_itself(
    where: Environment,
    cause: Cause,
    level: Level,
    title: str,
    subjects: Sequence[str],
    *,
    why: str,
    began_at: datetime,
    actor: Actor,
    now: datetime,
    data: Mapping[str, Any] | None = None,
) -> Incident:
    """The caller holds the configuration of the environment and has seen that none is open there."""
    row = _row(where, cause, level, title, began_at=min(began_at, now), actor=actor, now=now)
    row.confirmed = level is Level.CRITICAL
    return open_row(row, subjects, why=why, actor=actor, now=now, data=data)


def open_row(
    row: Incident,
    subjects: Sequence[str],
    *,
    why: str,
    actor: Actor,
    now: datetime,
    data: Mapping[str, Any] | None = None,
) -> Incident:
    """Save a new incident with its list, its links and its event, and call people."""
    known = selectors.policies()
    levelling.begin(row, known, now=now)
    try:
        with transaction.atomic():
            told = {"cause": row.cause, "subjects": list(subjects)[:20], **(data or {})}
            save(row, "opened", {}, actor=actor, reason=why, now=now, data=told)
    except IntegrityError:
        raise Conflict(f"An incident has just been opened in {row.environment}. Look at that one first.") from None
    policy = known[Level(row.level)]
    levelling.add_actions(row, policy)
    Link.objects.bulk_create(
        Link(incident=row, subject=subject[:160], first_at=now, last_at=now, by=actor.name) for subject in subjects
    )
    paging.start(row, policy.chain, actor=actor, now=now)
    return row


def _row(
    where: Environment, cause: Cause, level: Level, title: str, *, began_at: datetime, actor: Actor, now: datetime
) -> Incident:
    return Incident(
        environment=where,
        title=title[:MOST_TITLE],
        cause=cause.value,
        level=level.value,
        highest=level.value,
        began_at=began_at,
        opened_at=now,
        opened_by=actor.name,
        opened_by_kind=actor.kind.value,
    )


def _texts(title: str, summary: str) -> tuple[str, str]:
    found = need_text(" ".join(title.split()), "Say what is wrong.", field="title", longest=MOST_TITLE)
    return found, check_text(summary, field="summary", longest=MOST_SUMMARY)
