"""API tokens: made, shown once, revoked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from django.db import transaction

from core import environments, events, tokens
from core.actors import Actor
from core.errors import Conflict, Invalid, NotFound
from core.texts import need_text
from flags.models import ApiToken
from flags.services.locking import bump


class Scope(StrEnum):
    """What a token opens: ask for flags, read them all with their lists, report metrics, change flags, or the calendar.

    A calendar token travels in an address, so it opens nothing else.
    """

    EVALUATE = "evaluate"
    SNAPSHOT = "snapshot"
    REPORT = "report"
    OPERATE = "operate"
    CALENDAR = "calendar"


@transaction.atomic
def create(
    name: str, environment: str, scopes: Collection[str], *, actor: Actor, now: datetime
) -> tuple[ApiToken, str]:
    """Make a token; the text is returned here and never again."""
    where = environments.get(environment)
    known = {scope.value for scope in Scope}
    if not scopes or not set(scopes) <= known:
        raise Invalid(f"A token needs a scope out of {', '.join(sorted(known))}.", field="scope")
    if Scope.CALENDAR in scopes and len(set(scopes)) > 1:
        raise Invalid("A token for the calendar stands in an address: make it a token of its own.", field="scope")
    name = need_text(name, "A token needs a name that tells who uses it.", field="name", longest=80)
    text = tokens.new("nct_")
    token = ApiToken.objects.create(
        name=name,
        environment=where,
        scopes=sorted(set(scopes)),
        prefix=text[:10],
        digest=tokens.digest(text),
        created_at=now,
        created_by=actor.name,
    )
    _tell("token.created", token, actor=actor, now=now)
    bump(where.pk, environment, now=now)
    return token, text


@transaction.atomic
def revoke(token_id: int, *, actor: Actor, now: datetime) -> ApiToken:
    """End the token; every process refuses it as soon as it takes the new configuration."""
    token = ApiToken.objects.select_for_update(of=("self",)).select_related("environment").filter(pk=token_id).first()
    if token is None:
        raise NotFound(f"There is no token {token_id}.")
    if token.revoked_at is not None:
        raise Conflict(f"{token.name} was revoked already.")
    token.revoked_at = now
    token.save(update_fields=["revoked_at"])
    _tell("token.revoked", token, actor=actor, now=now)
    bump(token.environment_id, token.environment.key, now=now)
    return token


def _tell(kind: str, token: ApiToken, *, actor: Actor, now: datetime) -> None:
    events.record(
        kind,
        subject=f"token:{token.pk}",
        actor=actor,
        now=now,
        environment_id=token.environment_id,
        after={"name": token.name, "scopes": token.scopes, "prefix": token.prefix},
    )
