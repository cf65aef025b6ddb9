"""Surveys: a link to a public page on which users give 1 to 5 and some words."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.db import transaction

from core import environments, events, tokens, visits
from core.actors import Actor, ActorKind
from core.errors import Conflict, Invalid, NotFound
from core.texts import need_reason
from improvement.domain.feedback import Given, Kind, State, read_line
from improvement.models import Survey
from improvement.services import feedback

LONGEST_LIFE = timedelta(days=366)
VISITOR = Actor("a user", ActorKind.MACHINE)


@transaction.atomic
def open_survey(environment: str, *, name: str, until: datetime, actor: Actor, now: datetime) -> tuple[Survey, str]:
    """A survey and its token, which is kept hashed and never told again.

    Args:
        until: when it ends by itself, at most 366 days from now.

    Raises Invalid with the field, NotFound.
    """
    if not now < until <= now + LONGEST_LIFE:
        raise Invalid("It ends after now, and at most 366 days from now.", field="until")
    token = tokens.new()
    row = Survey.objects.create(
        name=read_line(name, field="name", longest=120),
        environment=environments.get(environment),
        digest=tokens.digest(token),
        created_at=now,
        created_by=actor.name,
        expires_at=until,
    )
    _tell("survey.opened", row, actor, now, after={"name": row.name, "until": until.isoformat()})
    return row, token


@transaction.atomic
def end(survey_id: int, *, actor: Actor, reason: str, now: datetime) -> Survey:
    """Nobody can answer any more. Raises Conflict when it has ended, Invalid, NotFound."""
    row = Survey.objects.select_for_update().filter(pk=survey_id).first()
    if row is None:
        raise NotFound(f"There is no survey {survey_id}.")
    if row.ended_at is not None or row.expires_at <= now:
        raise Conflict("This survey has ended already.")
    row.ended_at = now
    row.save(update_fields=["ended_at"])
    _tell("survey.ended", row, actor, now, reason=need_reason(reason))
    return row


def find(token: str, *, now: datetime) -> Survey:
    """The survey that is open under this token. Raises NotFound, the same for every other token."""
    row = Survey.objects.select_related("environment").filter(digest=tokens.digest(token)).first()
    if row is None or row.ended_at is not None or row.expires_at <= now:
        raise NotFound("This survey has ended, or the link is damaged.")
    return row


def answer(token: str, *, rating: int | None, text: str, once: str, network: str, now: datetime) -> None:
    """Keep an answer. The same form sent twice (`once` is its own) is one answer.

    Args:
        network: who answers, as an address or a prefix; kept as a keyed digest for two hours.

    Raises Invalid with the field, NotFound, TooMany.
    """
    row = find(token, now=now)
    if rating is None:
        raise Invalid("Choose 1 to 5.", field="rating")
    visits.count("survey", network, why="Too many answers came from here. Try again in an hour.", now=now)
    key = f"survey-{row.pk}-{hashlib.sha256(once.encode()).hexdigest()[:40]}" if once else ""
    given = Given(Kind.USER.value, text, "", rating, "", key)
    feedback.receive(row.environment.key, given, actor=VISITOR, now=now, state=State.NOTED, survey_id=row.pk)


def _tell(kind: str, row: Survey, actor: Actor, now: datetime, **told: object) -> None:
    where = {"subject": f"survey:{row.pk}", "environment_id": row.environment_id}
    events.record(kind, actor=actor, now=now, **where, **told)  # type: ignore[arg-type]
