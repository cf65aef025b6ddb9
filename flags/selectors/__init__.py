"""Reads of the flags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from django.db.models import QuerySet

from core.errors import NotFound
from flags.domain.bucketing import Bucketing
from flags.domain.configuration import EnvironmentConfig, FlagConfig, Mark, TokenConfig
from flags.models import AllowedUser, ApiToken, Configuration, Flag, FlagState


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


def live_token(digest: str) -> TokenConfig | None:
    """The token with this digest, unless it was revoked or never was."""
    found = tokens().filter(digest=digest, revoked_at=None).first()
    return None if found is None else _token(found)


def _token(row: ApiToken) -> TokenConfig:
    return TokenConfig(row.digest, row.name, row.environment.key, frozenset(row.scopes))


def configuration_versions() -> dict[str, int]:
    """The configuration version of each environment."""
    return dict(Configuration.objects.values_list("environment__key", "version"))


def configuration_marks() -> dict[str, Mark]:
    """What tells one configuration of an environment from any other, in one query.

    The time is part of it: a restored database may count up to a version that was there before.
    """
    rows = Configuration.objects.values_list("environment__key", "version", "changed_at")
    return {environment: (version, changed_at.isoformat()) for environment, version, changed_at in rows}


def configurations(marks: Mapping[str, Mark], known: Mapping[int, FlagConfig]) -> dict[str, EnvironmentConfig]:
    """All that evaluation needs of the environments in `marks`: three queries, or two when no allow-list is read.

    `known` are flags the caller has already, by their state id: a list whose version is the same is not read again.
    """
    rows = list(states().filter(environment__key__in=marks))
    kept = {
        row.pk: known[row.pk].allowed
        for row in rows
        if row.pk in known and known[row.pk].allow_version == row.allow_version
    }
    lists = kept | _allow_lists([row.pk for row in rows if row.pk not in kept and row.allow_count])
    flags: defaultdict[str, list[FlagConfig]] = defaultdict(list)
    for row in rows:
        flags[row.environment.key].append(_flag(row, lists.get(row.pk, frozenset())))
    live: defaultdict[str, list[TokenConfig]] = defaultdict(list)
    for token in tokens().filter(environment__key__in=marks, revoked_at=None):
        live[token.environment.key].append(_token(token))
    return {
        environment: EnvironmentConfig(environment, *mark, tuple(flags[environment]), tuple(live[environment]))
        for environment, mark in marks.items()
    }


def _allow_lists(state_ids: Collection[int]) -> dict[int, frozenset[str]]:
    if not state_ids:
        return {}
    lists: defaultdict[int, set[str]] = defaultdict(set)
    for state_id, npub in AllowedUser.objects.filter(state_id__in=state_ids).values_list("state_id", "npub"):
        lists[state_id].add(npub)
    return {state_id: frozenset(npubs) for state_id, npubs in lists.items()}


def _flag(row: FlagState, allowed: frozenset[str]) -> FlagConfig:
    return FlagConfig(
        key=row.flag.key,
        bucketing=Bucketing(row.flag.bucketing),
        salt=row.flag.salt,
        enabled=row.enabled,
        percentage=row.percentage,
        allowed=allowed,
        parameters=row.parameters,
        state_id=row.pk,
        allow_version=row.allow_version,
    )
