"""All that evaluation needs of an environment: read whole, or only what changed since it was read last.

Every change of what is read here raises the environment's configuration version in its own transaction, which locks
that row until it ends (flags/services/locking.py). So versions become visible in order, and what a picture of version
42 lacks stands in states whose `configuration` is above 42. That is what is read; and because a command may forget to
write it, the states are counted and their versions added up: where the sums differ, everything is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import Count, Sum

from flags.domain.bucketing import Bucketing
from flags.domain.configuration import EnvironmentConfig, FlagConfig, Mark, SegmentConfig, TokenConfig
from flags.domain.values import ValueType, variants_of
from flags.models import AllowedUser, ApiToken, DeniedUser, FlagState, Segment

Row = Mapping[str, Any]
_COLUMNS = (
    *("pk", "enabled", "percentage", "parameters", "targeting", "version"),
    *("allow_version", "allow_count", "deny_version", "deny_count"),
    *("flag__key", "flag__bucketing", "flag__salt", "flag__group", "flag__value_type", "flag__variants"),
    *("flag__version", "flag__archived_at"),
)


def configurations(
    marks: Mapping[str, Mark], known: Mapping[str, EnvironmentConfig] | None = None
) -> dict[str, EnvironmentConfig]:
    """The environments in `marks`, each as it is now and under its mark.

    `known` are environments as the caller read them earlier, at lower versions of the same database. What did not
    change is taken from there, the very same objects. Then it takes five queries, and one for each kind of list that
    changed, whatever the number of flags.
    """
    live: defaultdict[str, list[TokenConfig]] = defaultdict(list)
    tokens = ApiToken.objects.filter(environment__key__in=marks, revoked_at=None).select_related("environment")
    for token in tokens.order_by("-id"):
        live[token.environment.key].append(token_config(token))
    return {
        environment: _configuration(environment, mark, tuple(live[environment]), (known or {}).get(environment))
        for environment, mark in marks.items()
    }


def token_config(row: ApiToken) -> TokenConfig:
    return TokenConfig(row.digest, row.name, row.environment.key, frozenset(row.scopes))


def _configuration(
    environment: str, mark: Mark, tokens: tuple[TokenConfig, ...], known: EnvironmentConfig | None
) -> EnvironmentConfig:
    flags = None if known is None else _changed(environment, known)
    if flags is None:
        rows = _rows(environment).filter(flag__archived_at=None)
        flags = sorted(_flags(rows, () if known is None else known.flags), key=_key)
    segments = _segments(environment, () if known is None else known.segments)
    return EnvironmentConfig(environment, *mark, tuple(flags), tokens, segments)


def _key(flag: FlagConfig) -> str:
    """Sorted here: databases sort texts in their own ways."""
    return flag.key


def _rows(environment: str) -> Any:
    return FlagState.objects.filter(environment__key=environment).values(*_COLUMNS)


def _changed(environment: str, known: EnvironmentConfig) -> list[FlagConfig] | None:
    """The known flags with what changed since; None when that does not add up to what the database has."""
    rows = list(_rows(environment).filter(configuration__gt=known.version))
    news = {flag.state_id: flag for flag in _flags((row for row in rows if not row["flag__archived_at"]), known.flags)}
    gone = {row["pk"] for row in rows} - set(news)
    flags = [news.pop(flag.state_id, flag) for flag in known.flags if flag.state_id not in gone]
    if news:
        flags = sorted([*flags, *news.values()], key=_key)
    return flags if _sums_of(flags) == _sums(environment) else None


def _sums_of(flags: Sequence[FlagConfig]) -> tuple[int, int, int, int]:
    ids = sum(flag.state_id for flag in flags)
    return len(flags), ids, sum(flag.version for flag in flags), sum(flag.flag_version for flag in flags)


def _sums(environment: str) -> tuple[int, int, int, int]:
    """A state's version goes up with each change of it, a flag's with each change of the flag."""
    states = FlagState.objects.filter(environment__key=environment, flag__archived_at=None)
    found = states.aggregate(count=Count("pk"), ids=Sum("pk"), versions=Sum("version"), flags=Sum("flag__version"))
    return found["count"], found["ids"] or 0, found["versions"] or 0, found["flags"] or 0


def _flags(rows: Iterable[Row], known: Sequence[FlagConfig]) -> list[FlagConfig]:
    """A flag that is known at the same versions is taken as it is, a list by its own version."""
    held = {flag.state_id: flag for flag in known}
    kept: dict[int, FlagConfig] = {}
    fresh: dict[int, Row] = {}
    for row in rows:
        flag = held.get(row["pk"])
        if flag is not None and (flag.version, flag.flag_version) == (row["version"], row["flag__version"]):
            kept[row["pk"]] = flag
        else:
            fresh[row["pk"]] = row
            kept[row["pk"]] = flag or _UNKNOWN
    allowed = _lists(AllowedUser, [pk for pk, row in fresh.items() if _is_new(row, kept[pk].allow_version, "allow")])
    denied = _lists(DeniedUser, [pk for pk, row in fresh.items() if _is_new(row, kept[pk].deny_version, "deny")])
    for pk, row in fresh.items():
        before = kept[pk]
        kept[pk] = _flag(
            row,
            allowed.get(pk, frozenset()) if before.allow_version != row["allow_version"] else before.allowed,
            denied.get(pk, frozenset()) if before.deny_version != row["deny_version"] else before.denied,
        )
    return list(kept.values())


_UNKNOWN = FlagConfig("", allow_version=-1, deny_version=-1)


def _is_new(row: Row, version: int, kind: str) -> bool:
    return bool(row[f"{kind}_count"]) and row[f"{kind}_version"] != version


def _lists(model: type[AllowedUser] | type[DeniedUser], state_ids: Collection[int]) -> dict[int, frozenset[str]]:
    """Made from the rows directly: a copy of 100,000 npubs from set to set would keep other threads waiting."""
    if not state_ids:
        return {}
    rows = model.objects.filter(state_id__in=state_ids).order_by("state_id").values_list("state_id", "npub")
    return {state_id: frozenset(npub for _, npub in some) for state_id, some in groupby(rows, itemgetter(0))}


def _flag(row: Row, allowed: frozenset[str], denied: frozenset[str]) -> FlagConfig:
    bucketing = Bucketing(row["flag__bucketing"])
    salted = bucketing is Bucketing.MURMUR3
    return FlagConfig(
        key=row["flag__key"],
        bucketing=bucketing,
        salt=(row["flag__group"] or row["flag__salt"] or row["flag__key"]) if salted else "",
        enabled=row["enabled"],
        percentage=row["percentage"],
        allowed=allowed,
        parameters=row["parameters"],
        state_id=row["pk"],
        allow_version=row["allow_version"],
        denied=denied,
        deny_version=row["deny_version"],
        value_type=ValueType(row["flag__value_type"]),
        variants=variants_of(row["flag__variants"]),
        targeting=row["targeting"],
        version=row["version"],
        flag_version=row["flag__version"],
    )


def _segments(environment: str, known: tuple[SegmentConfig, ...]) -> tuple[SegmentConfig, ...]:
    """The segments; the very same tuple when none changed."""
    rows = Segment.objects.filter(environment__key=environment).order_by("pk")
    if [(segment.row, segment.version) for segment in known] == list(rows.values_list("pk", "version")):
        return known
    return tuple(
        SegmentConfig(key, tuple(conditions), pk, version)
        for key, conditions, pk, version in rows.values_list("key", "conditions", "pk", "version")
    )
