"""A trigger as an alert of a Prometheus: what can be told there of when it fires.

The shapes are those of docs/adr/0006-guard.md without what PromQL cannot say: windows that grow until they have their
samples, counting only while armed, and the tests of the canary and of a rise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHORTEST = 60  # seconds: a Prometheus that scrapes every 15 s has four samples in it


@dataclass(frozen=True, slots=True)
class Told:
    expr: str
    for_seconds: int


def expression(rule: Mapping[str, Any]) -> Told | None:
    """`rule` is as `Definition.as_dict` tells it. None for a measure that PromQL cannot say."""
    window = max(SHORTEST, rule["window"])
    top = _increase(rule["numerator"], window)
    threshold, least = rule["threshold"], rule["min_samples"]
    hold = (rule["consecutive"] - 1) * window
    match rule["measure"]:
        case "ratio":
            below = _increase(rule["denominator"], window)
            return Told(f"100 * {top} / {below} > {threshold:g} and on() {below} >= {least}", hold)
        case "mean":
            return Told(_mean(rule, window), hold)
        case "count":
            return Told(f"{top} > {threshold:g}", 0)
        case "drop":
            name = _selector(rule["numerator"])
            hour = f"sum(increase({name}[1h] offset {window}s)) / {3600 / window:g}"
            return Told(f"{top} < {1 - threshold / 100:g} * {hour} and on() {hour} >= {least}", hold)
        case "start":
            return Told(f"max(max_over_time({_selector(rule['numerator'])}[{window}s])) == 0", 0)
        case _:
            return None


def _mean(rule: Mapping[str, Any], window: int) -> str:
    total, count = (_increase(rule["numerator"], window, part) for part in ("_sum", "_count"))
    found = f"{total} / {count} > {rule['threshold']:g} and on() {count} >= {rule['min_samples']}"
    if rule.get("percentile"):
        buckets = f"sum by (le) (increase({_selector(rule['numerator'], '_bucket')}[{window}s]))"
        found += f" and on() histogram_quantile({rule['percentile'] / 100:g}, {buckets}) > {rule['threshold']:g}"
    return found


def _increase(selection: Mapping[str, Any], window: int, part: str = "") -> str:
    return f"sum(increase({_selector(selection, part)}[{window}s]))"


def _selector(selection: Mapping[str, Any], part: str = "") -> str:
    labels = ", ".join(f'{name}="{_escaped(value)}"' for name, value in sorted((selection.get("labels") or {}).items()))
    return f"{selection['metric']}{part}{{{labels}}}" if labels else f"{selection['metric']}{part}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
