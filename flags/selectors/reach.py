"""What a change of a flag would do to the npubs that have been asked about."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from flags.domain.configuration import EnvironmentConfig, FlagConfig, SegmentConfig
from flags.domain.membership import Preview, clustering, compare
from flags.domain.rebucketing import Draw
from flags.domain.snapshot import Snapshot
from flags.models import AllowedUser, DeniedUser, SeenUnit, Segment
from flags.selectors.listing import listed
from flags.selectors.why import Listed, config_of

if TYPE_CHECKING:
    from flags.models import FlagState

MOST_UNITS = 10_000  # the newest ones; both answers for all of them take about 30 ms
Sees = Callable[[str], bool]


def known_units(environment_id: int) -> list[str]:
    """The npubs that were asked about last, newest first, at most 10,000."""
    seen = SeenUnit.objects.filter(environment_id=environment_id).order_by("-seen_on", "-id")
    return list(seen.values_list("unit", flat=True)[:MOST_UNITS])


def seen_since(environment_id: int, since: date) -> tuple[list[str], int]:
    """The npubs that were asked about on this day or later, newest first, at most 10,000; and how many there are."""
    seen = SeenUnit.objects.filter(environment_id=environment_id, seen_on__gte=since).order_by("-seen_on", "-id")
    units = list(seen.values_list("unit", flat=True)[:MOST_UNITS])
    return units, len(units) if len(units) < MOST_UNITS else seen.count()


def moved(state: FlagState, units: Sequence[str], **fields: Any) -> Preview:
    """Which of these npubs get the feature and which lose it, as `preview` says; of the lists nothing changes."""
    before = _with_lists(state, units)
    return _between(state, before, replace(before, **fields), units)


def preview(
    state: FlagState,
    *,
    allow: Collection[str] = (),
    disallow: Collection[str] = (),
    deny: Collection[str] = (),
    undeny: Collection[str] = (),
    **fields: Any,
) -> Preview:
    """Which known npubs get the feature and which lose it when the state is changed like this. Nothing is written.

    Args:
        fields: of the flag's FlagConfig: `enabled`, `percentage` (0 to 100), `targeting`, `bucketing`, `salt`.
        allow, disallow: npubs that join and leave the allow-list; `deny`, `undeny`: the deny-list.

    Of known npubs nothing but the npub is known: rules on other attributes do not hold for them.
    """
    units = known_units(state.environment_id)
    before = _with_lists(state, units)
    after = replace(
        before,
        allowed=(before.allowed | set(allow)) - set(disallow),
        denied=(before.denied | set(deny)) - set(undeny),
        **fields,
    )
    draw = Draw(after.bucketing, after.salt)
    warning = clustering(units, draw, after.percentage) if after.enabled else ""
    return _between(state, before, after, units, warning=warning)


def _between(
    state: FlagState, before: FlagConfig, after: FlagConfig, units: Sequence[str], *, warning: str = ""
) -> Preview:
    """The flag before and after, beside all that it needs here."""
    both = (before,) if before.targeting == after.targeting else (before, after)
    others = [config for flag in both for config in _needed(state, flag, units)]
    segments = tuple(
        SegmentConfig(row.key, tuple(row.conditions))
        for row in Segment.objects.filter(environment_id=state.environment_id)
    )
    return compare(units, _sees(before, others, segments), _sees(after, others, segments), warning=warning)


def _sees(flag: FlagConfig, others: list[FlagConfig], segments: tuple[SegmentConfig, ...]) -> Sees:
    """Whether the flag is on for an npub, beside these others."""
    flags = {config.key: config for config in (*others, flag)}
    snapshot = Snapshot(EnvironmentConfig("", 0, flags=tuple(flags.values()), segments=segments))
    return lambda unit: snapshot.is_on(flag.key, unit)


def _needed(state: FlagState, flag: FlagConfig, units: Collection[str]) -> Iterator[FlagConfig]:
    """The flags that this one needs, also through others."""
    done, waiting = {flag.key}, [flag]
    while waiting:
        wanted = {row["flag"] for config in waiting for row in config.targeting.get("prerequisites", ())} - done
        rows = listed().filter(environment_id=state.environment_id, flag__key__in=wanted) if wanted else ()
        waiting = [_with_lists(row, units) for row in rows]
        done |= wanted
        yield from waiting


def _with_lists(state: FlagState, units: Collection[str]) -> FlagConfig:
    """The flag as it is, with those of these npubs that are on its lists."""
    return replace(
        config_of(state),
        allowed=_among(AllowedUser, state.pk, units) if state.allow_count else frozenset(),
        denied=_among(DeniedUser, state.pk, units) if state.deny_count else frozenset(),
    )


def _among(model: Listed, state_id: int, units: Collection[str]) -> frozenset[str]:
    return frozenset(model.objects.filter(state_id=state_id).values_list("npub", flat=True)).intersection(units)
