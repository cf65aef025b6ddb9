"""Reads of the flags."""

from __future__ import annotations

from django.db.models import QuerySet

from core.actors import Actor, ActorKind
from core.errors import Invalid, NotFound
from flags.domain.configuration import Mark, TokenConfig
from flags.models import AllowedUser, ApiToken, Configuration, Flag, FlagState
from flags.selectors.configuration import configurations, token_config

__all__ = [
    "allowed_users",
    "archived",
    "configuration_marks",
    "configuration_versions",
    "configurations",
    "flags",
    "live_token",
    "people_behind",
    "state",
    "states",
    "tokens",
]


def states(environment: str | None = None) -> QuerySet[FlagState]:
    """Flag states with flag and environment loaded, in the order of environments and keys; none of archived flags."""
    every = FlagState.objects.filter(flag__archived_at=None).select_related("flag", "environment")
    found = every.order_by("environment__position", "flag__key")
    return found if environment is None else found.filter(environment__key=environment)


def state(key: str, environment: str) -> FlagState:
    """One flag in one environment, or NotFound."""
    found = states(environment).filter(flag__key=key).first()
    if found is None:
        raise NotFound(f"There is no flag {key!r} in environment {environment!r}.")
    return found


def check_known(key: str, environment: str) -> None:
    """Raises Invalid with the field `flag` where somebody names a flag that is not there."""
    try:
        state(key, environment)
    except NotFound:
        words = f"There is no flag {key!r:.110}. Leave it out when you do not know which feature it is about."
        raise Invalid(words, field="flag") from None


def flags() -> QuerySet[Flag]:
    """Flags that are in use."""
    return Flag.objects.filter(archived_at=None).order_by("key")


def archived() -> QuerySet[Flag]:
    """Flags that were put away, the last one first."""
    return Flag.objects.exclude(archived_at=None).order_by("-archived_at")


def allowed_users(state_id: int) -> QuerySet[AllowedUser]:
    """The allow-list in the order in which it was filled."""
    return AllowedUser.objects.filter(state_id=state_id).order_by("id")


def tokens() -> QuerySet[ApiToken]:
    return ApiToken.objects.select_related("environment").order_by("-id")


def people_behind(actor: Actor, environment: str) -> list[str]:
    """Who answers for what this actor does: itself, and of a token everybody who made one of its name here."""
    if actor.kind is not ActorKind.TOKEN:
        return [actor.name]
    makers = tokens().filter(name=actor.name, environment__key=environment)
    return sorted({actor.name, *makers.values_list("created_by", flat=True)})


def live_token(digest: str) -> TokenConfig | None:
    """The token with this digest, unless it was revoked or never was."""
    found = tokens().filter(digest=digest, revoked_at=None).first()
    return None if found is None else token_config(found)


def configuration_versions() -> dict[str, int]:
    """The configuration version of each environment."""
    return dict(Configuration.objects.values_list("environment__key", "version"))


def configuration_marks() -> dict[str, Mark]:
    """What tells one configuration of an environment from any other, in one query.

    The time is part of it: a restored database may count up to a version that was there before.
    """
    rows = Configuration.objects.values_list("environment__key", "version", "changed_at")
    return {environment: (version, changed_at.isoformat()) for environment, version, changed_at in rows}
