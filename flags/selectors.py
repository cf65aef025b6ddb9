"""Reads of the flags."""

from __future__ import annotations

from django.db.models import QuerySet

from core.errors import NotFound
from flags.domain.configuration import TokenConfig
from flags.models import AllowedUser, ApiToken, Configuration, Flag, FlagState


def states(environment: str | None = None) -> QuerySet[FlagState]:
    """Flag states with flag and environment loaded, in the order of environments and keys."""
    found = FlagState.objects.select_related("flag", "environment").order_by("environment__position", "flag__key")
    return found if environment is None else found.filter(environment__key=environment)


def state(key: str, environment: str) -> FlagState:
    """One flag in one environment, or NotFound."""
    found = states(environment).filter(flag__key=key).first()
    if found is None:
        raise NotFound(f"There is no flag {key!r} in environment {environment!r}.")
    return found


def flags() -> QuerySet[Flag]:
    return Flag.objects.order_by("key")


def allowed_users(state_id: int) -> QuerySet[AllowedUser]:
    """The allow-list in the order in which it was filled."""
    return AllowedUser.objects.filter(state_id=state_id).order_by("id")


def tokens() -> QuerySet[ApiToken]:
    return ApiToken.objects.select_related("environment").order_by("-id")


def live_token(digest: str) -> TokenConfig | None:
    """The token with this digest, unless it was revoked or never was."""
    found = tokens().filter(digest=digest, revoked_at=None).first()
    return None if found is None else _token(found)


def _token(row: ApiToken) -> TokenConfig:
    return TokenConfig(row.digest, row.name, row.environment.key, frozenset(row.scopes))


def configuration_versions() -> dict[str, int]:
    """The configuration version of each environment."""
    return dict(Configuration.objects.values_list("environment__key", "version"))
