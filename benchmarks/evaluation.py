"""How long one evaluation takes, beside the GrowthBook SDK: `python -m benchmarks.evaluation`.

CPU time of one thread, all contestants interleaved in one run, the median of many rounds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from growthbook import GrowthBook

from benchmarks.table import show
from flags.domain.bucketing import Bucketing
from flags.domain.configuration import EnvironmentConfig, FlagConfig
from flags.domain.snapshot import Snapshot

ROUNDS = 40
UNITS = 2_000
LISTED = [f"npub1listed{number}" for number in range(10)]
LONG = frozenset(f"npub1{number:058d}" for number in range(10**9, 10**9 + 100_000))
DECIDE = "one flag, fresh npub: decide, with the reason"
CONTEXT = {"country": "US", "version": "2.3.1", "email": "alice@example.com", "plan": "pro"}
RULES = [
    {"name": "EU", "when": [{"attribute": "country", "op": "in", "values": ["DE", "FR", "IT", "ES", "NL"]}]},
    {"name": "old", "when": [{"attribute": "version", "op": "semver_lt", "values": ["2.0.0"]}]},
    {"name": "staff", "when": [{"attribute": "email", "op": "prefix", "values": ["alice@", "bob@"]}], "percentage": 50},
]


def config(flags: int, allowed: frozenset[str] = frozenset(LISTED)) -> EnvironmentConfig:
    """That many js31 flags at 1 to 99 percent, each with an allow-list, of ten npubs if nothing is said."""
    return EnvironmentConfig(
        environment="production",
        version=1,
        flags=tuple(
            FlagConfig(
                key=f"feature{number}",
                bucketing=Bucketing.JS31,
                salt="",
                enabled=True,
                percentage=Decimal(1 + number % 99),
                allowed=allowed,
                parameters={"transactionTimeout": 30000},
            )
            for number in range(flags)
        ),
    )


def single(**fields: Any) -> Snapshot:
    """One salted flag at 50 percent."""
    flag = FlagConfig("feature0", Bucketing.MURMUR3, "salt", enabled=True, percentage=Decimal(50), **fields)
    return Snapshot(EnvironmentConfig("production", 1, flags=(flag,)))


def growthbook(npub: str, features: dict[str, object], **context: str) -> GrowthBook:
    return GrowthBook(attributes={"id": npub, **context}, features=features)


def features_with_rules() -> dict[str, object]:
    """The three rules as GrowthBook has them; it has no prefix, only patterns."""
    conditions = [
        {"country": {"$in": ["DE", "FR", "IT", "ES", "NL"]}},
        {"version": {"$vlt": "2.0.0"}},
        {"email": {"$regex": "^(alice@|bob@)"}},
    ]
    shares = (1, 1, 0.5)
    rules: list[dict[str, object]] = [
        {"condition": condition, "coverage": share, "hashAttribute": "id", "force": True}
        for condition, share in zip(conditions, shares, strict=True)
    ]
    return {"feature0": {"defaultValue": False, "rules": rules}}


def features(flags: int) -> dict[str, object]:
    """The same flags as GrowthBook has them."""
    return {
        f"feature{number}": {
            "defaultValue": False,
            "rules": [
                {"condition": {"id": {"$in": LISTED}}, "force": True},
                {"coverage": (1 + number % 99) / 100, "hashAttribute": "id", "force": True},
            ],
        }
        for number in range(flags)
    }


class Fresh:
    """npubs of 63 characters that nobody has seen before."""

    def __init__(self) -> None:
        self._next = 0

    def units(self) -> list[str]:
        self._next += UNITS
        return [f"npub1{number:058d}" for number in range(self._next, self._next + UNITS)]


def timed(work: Callable[[str], object], units: list[str]) -> float:
    """Nanoseconds of CPU for each unit, the loop itself taken off."""
    start = time.thread_time_ns()
    for unit in units:
        work(unit)
    spent = time.thread_time_ns() - start
    start = time.thread_time_ns()
    for _ in units:
        pass
    return (spent - (time.thread_time_ns() - start)) / len(units)


def main() -> None:
    one, hundred = Snapshot(config(1)), Snapshot(config(100))
    ruled, ruled_features = single(targeting={"rules": RULES}), features_with_rules()
    many = Snapshot(config(1, LONG))
    known, known_features = Fresh().units(), features(1)
    all_features = features(100)
    fresh = Fresh()
    for unit in known:
        one.is_on("feature0", unit)
    scale: dict[str, object] = dict.fromkeys(known)
    contestants: dict[str, tuple[Callable[[str], object], Callable[[], list[str]]]] = {
        "for scale: one look into a dict, by a method call": (partial(dict.get, scale), lambda: known),
        "one flag, fresh npub: is_on": (partial(one.is_on, "feature0"), fresh.units),
        DECIDE: (partial(one.decide, "feature0"), fresh.units),
        "one flag, seen npub: is_on": (partial(one.is_on, "feature0"), lambda: known),
        "one flag, seen npub: decide, with the reason": (partial(one.decide, "feature0"), lambda: known),
        "all of 100 flags, fresh npub: decide_all": (hundred.decide_all, fresh.units),
        "all of 100 flags, seen npub: decide_all": (hundred.decide_all, lambda: known),
        "three rules on four attributes, fresh npub: decide": (
            lambda unit: ruled.decide("feature0", unit, CONTEXT),
            fresh.units,
        ),
        "three rules on four attributes, fresh npub: is_on": (
            lambda unit: ruled.is_on("feature0", unit, CONTEXT),
            fresh.units,
        ),
        "one flag, 100,000 on its allow-list, fresh npub: decide": (partial(many.decide, "feature0"), fresh.units),
        "GrowthBook: three rules": (
            lambda unit: growthbook(unit, ruled_features, **CONTEXT).is_on("feature0"),
            fresh.units,
        ),
        "GrowthBook: one flag": (lambda unit: growthbook(unit, known_features).is_on("feature0"), fresh.units),
        "GrowthBook: all of 100 flags": (
            lambda unit: (client := growthbook(unit, all_features), [client.is_on(key) for key in all_features]),
            lambda: fresh.units()[:50],
        ),
    }
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, (work, units) in contestants.items():
            times[name].append(timed(work, units()))
    rows = [(name, f"{statistics.median(spent) / 1000:,.3f} µs") for name, spent in times.items()]
    show("Evaluation in the process", ("what", "median CPU time"), rows)
    middle = {name: statistics.median(spent) for name, spent in times.items()}
    ours = {
        "One flag": "one flag, fresh npub: is_on",
        "Three rules": "three rules on four attributes, fresh npub: is_on",
    }
    for what, name in ours.items():
        theirs = middle[f"GrowthBook: {what.lower()}"]
        print(f"\n{what}, fresh npub: {theirs / middle[name]:.1f} times faster than GrowthBook {_version()}")
    long, short = middle["one flag, 100,000 on its allow-list, fresh npub: decide"], middle[DECIDE]
    print(f"\nAn allow-list of 100,000 costs {100 * (long / short - 1):+.0f} % against one of 10")


def _version() -> str:
    from importlib.metadata import version

    return version("growthbook")


if __name__ == "__main__":
    main()
