"""The page in one word: what stands at its top, and what programs read as `status.indicator`."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from statuspage.domain.states import ComponentState, Impact, worst


class Indicator(StrEnum):
    """In the order in which they outdo each other."""

    NONE = "none"
    MAINTENANCE = "maintenance"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


RANK = {indicator: rank for rank, indicator in enumerate(Indicator)}
OF_COMPONENT = {
    ComponentState.OPERATIONAL: Indicator.NONE,
    ComponentState.UNDER_MAINTENANCE: Indicator.MAINTENANCE,
    ComponentState.DEGRADED: Indicator.MINOR,
    ComponentState.PARTIAL: Indicator.MAJOR,
    ComponentState.MAJOR: Indicator.CRITICAL,
}
OF_IMPACT = {
    Impact.NONE: Indicator.NONE,
    Impact.MINOR: Indicator.MINOR,
    Impact.MAJOR: Indicator.MAJOR,
    Impact.CRITICAL: Indicator.CRITICAL,
}


def overall(components: Iterable[ComponentState], impacts: Iterable[Impact]) -> Indicator:
    """The worst that a component or an open incident says."""
    found = [OF_COMPONENT[worst(components)], *(OF_IMPACT[impact] for impact in impacts)]
    return max(found, key=RANK.__getitem__)
