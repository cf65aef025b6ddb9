"""How long an evaluation takes, beside a bare dictionary look-up in the same loop: `python bench/evaluation.py`.

Read the ratios; the times are this machine's. GrowthBook's client is measured too where it is installed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from nctool_flags import Evaluator

UNITS = [f"npub1{number:058x}" for number in range(1_000)]
ROUNDS = 200


def flag(key: str, **told: Any) -> dict[str, Any]:
    plain = {
        "type": "boolean",
        "enabled": True,
        "bucketing": "js31",
        "salt": "9f86d081884c7d65",
        "percentage": 25,
        "variants": {"on": True, "off": False},
        "serve": "on",
        "off": "off",
    }
    lists: dict[str, Any] = {name: [] for name in ("allow", "deny", "prerequisites", "rules")}
    return {"key": key, **plain, **lists, **told}


RULES = [
    {"name": f"rule {number}", "when": [when], "percentage": 50, "serve": "on"}
    for number, when in enumerate(
        [
            {"attribute": "country", "op": "in", "values": ["DE", "FR"]},
            {"attribute": "version", "op": "semver_ge", "values": ["3.0.0"]},
            {"attribute": "balance", "op": "number_gt", "values": [1_000]},
        ]
    )
]
SPLIT = [["a", 50], ["b", 50]]
DOCUMENT = {
    "format": 1,
    "environment": "production",
    "version": 1,
    "changedAt": "",
    "segments": {},
    "flags": [
        flag("js31", allow=UNITS[:3]),
        flag("murmur3", bucketing="murmur3"),
        flag("everybody", percentage=100),
        flag("rules", bucketing="murmur3", rules=RULES),
        flag("split", type="string", percentage=100, variants={"a": "x", "b": "y"}, serve=SPLIT, off="a"),
        *(flag(f"other{number}") for number in range(1_000)),
    ],
}


def nanoseconds(ask: Callable[[str], object], rounds: int = ROUNDS) -> float:
    """The median over rounds of the time of one call, with its loop."""
    for unit in UNITS:
        ask(unit)
    taken = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        for unit in UNITS:
            ask(unit)
        taken.append((time.perf_counter_ns() - start) / len(UNITS))
    return median(taken)


def growthbook() -> Callable[[str], object] | None:
    try:
        from growthbook import GrowthBook
    except ImportError:
        return None
    rule = {"coverage": 0.25, "force": True, "hashAttribute": "id"}
    features = {"js31": {"defaultValue": False, "rules": [rule]}}

    def ask(unit: str) -> object:
        return GrowthBook(attributes={"id": unit}, features=features).is_on("js31")

    return ask


def main() -> None:
    flags = Evaluator(DOCUMENT)
    known = dict.fromkeys(UNITS, True)
    context = {"country": "AT", "version": "2.9.1", "balance": 5}
    asked: dict[str, Callable[[str], object]] = {
        "is_on, js31 25 %": lambda unit: flags.is_on("js31", unit),
        "is_on, murmur3 25 %": lambda unit: flags.is_on("murmur3", unit),
        "is_on, 100 %": lambda unit: flags.is_on("everybody", unit),
        "is_on, three rules": lambda unit: flags.is_on("rules", {"targetingKey": unit, **context}),
        "value, split in two": lambda unit: flags.value("split", unit, "a"),
        "why, js31 25 %": lambda unit: flags.why("js31", unit, False),
    }
    bare = nanoseconds(lambda unit: known[unit])
    print(f"{'bare dictionary look-up':28}{bare:9.0f} ns")
    for name, ask in asked.items():
        took = nanoseconds(ask)
        print(f"{name:28}{took:9.0f} ns{took / bare:9.1f} times the look-up")
    peer = growthbook()
    if peer is not None:
        took = nanoseconds(peer, rounds=5)
        print(f"{'GrowthBook, 25 %':28}{took:9.0f} ns{took / bare:9.1f} times the look-up")


if __name__ == "__main__":
    main()
