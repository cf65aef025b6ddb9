"""The rules of docs/targeting.md once more, written as they read and not for speed: what the fast code is held against.

It works on the snapshot document, which is what every client library gets.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flags.domain.bucketing import js31_bucket, murmur3_bucket

Document = Mapping[str, Any]
Answer = dict[str, Any]


def decide(document: Document, key: str, context: Mapping[str, Any]) -> Answer:
    """`value` (left out where the caller's default holds), `variant`, `reason` and `rule`."""
    flag = next(flag for flag in document["flags"] if flag["key"] == key)
    unit = context.get("targetingKey") or ""
    if not flag["enabled"]:
        return {"variant": flag["off"], "reason": "DISABLED", "rule": "disabled"}
    if not all(meets(document, flag, wanted, context) for wanted in flag["prerequisites"]):
        return answer(flag, flag["off"], "TARGETING_MATCH", "prerequisite")
    if unit in flag["deny"]:
        return answer(flag, flag["off"], "TARGETING_MATCH", "deny-list")
    if unit in flag["allow"]:
        return serve(flag, unit, flag["serve"], "TARGETING_MATCH", "allow-list")
    for rule in flag["rules"]:
        if all(holds(document, condition, context) for condition in rule["when"]):
            reason = "TARGETING_MATCH" if rule["percentage"] == 100 else "SPLIT"
            return share(flag, unit, rule["percentage"], rule["serve"], reason, "rule")
    certain = flag["percentage"] == 0 or (flag["percentage"] == 100 and isinstance(flag["serve"], str))
    return share(flag, unit, flag["percentage"], flag["serve"], "STATIC" if certain else "SPLIT", "percentage")


def meets(document: Document, flag: Mapping[str, Any], wanted: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
    keys = {other["key"] for other in document["flags"]}
    if wanted["flag"] not in keys or leads_into_a_circle(document, flag["key"]):
        return False
    found = decide(document, wanted["flag"], context)
    return "value" in found and found["variant"] in wanted["variants"]


def leads_into_a_circle(document: Document, key: str) -> bool:
    """A disabled flag asks for nothing, so no way leads on from it."""
    enabled = [flag for flag in document["flags"] if flag["enabled"]]
    needs = {flag["key"]: {wanted["flag"] for wanted in flag["prerequisites"]} for flag in enabled}

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        ahead = {start}
        while ahead:
            ahead = {name for flag in ahead for name in needs.get(flag, ())} - found
            found |= ahead
        return found

    return any(name in reached(name) for name in {key} | reached(key))


def share(flag: Mapping[str, Any], unit: str, percentage: float, served: Any, reason: str, rule: str) -> Answer:
    if percentage == 0:
        return answer(flag, flag["off"], reason, rule)
    if percentage < 100:
        if flag["bucketing"] == "js31":
            inside = js31_bucket(unit) < percentage
        elif not unit:
            return {"variant": flag["off"], "reason": "SPLIT", "rule": "no-key"}
        else:
            inside = murmur3_bucket(unit, flag["salt"]) < round(percentage * 100)
        if not inside:
            return answer(flag, flag["off"], reason, rule)
    return serve(flag, unit, served, reason, rule)


def serve(flag: Mapping[str, Any], unit: str, served: Any, reason: str, rule: str) -> Answer:
    if isinstance(served, str):
        return answer(flag, served, reason, rule)
    if not unit:
        return {"variant": flag["off"], "reason": "SPLIT", "rule": "no-key"}
    bucket = murmur3_bucket(unit, f"{flag['salt'] or flag['key']}:variant")
    end = 0
    for variant, weight in served:
        end += round(weight * 100)
        if bucket < end:
            return answer(flag, variant, reason, rule)
    raise AssertionError("the weights do not add up to 100")


def answer(flag: Mapping[str, Any], variant: str, reason: str, rule: str) -> Answer:
    return {"value": flag["variants"][variant], "variant": variant, "reason": reason, "rule": rule}


def holds(document: Document, condition: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
    for name, inside in (("segment", True), ("not_segment", False)):
        if name in condition:
            conditions = document["segments"].get(condition[name])
            return conditions is not None and inside == all(holds(document, one, context) for one in conditions)
    found = context.get(condition["attribute"])
    if condition["attribute"] == "targetingKey" and found == "":
        return False
    return compare(condition["op"], found, condition["values"])


def compare(op: str, found: Any, values: list[Any]) -> bool:
    if op in {"equals", "in"}:
        return any(kind(found) == kind(value) and found == value for value in values)
    if op == "not_in":
        return kind(found) in {kind(value) for value in values} and found not in [
            value for value in values if kind(value) == kind(found)
        ]
    if op == "prefix":
        return kind(found) == "text" and any(found.startswith(value) for value in values)
    family, _, how = op.rpartition("_")
    if family == "number":
        return kind(found) == "number" and ordered(how, found, values[0])
    if family == "semver":
        return is_version(found) and ordered(how, order(found, values[0]), 0)
    moment, bound = seconds(found), seconds(values[0])
    return moment is not None and (moment < bound if op == "before" else moment > bound)


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return "number"
    return "text" if isinstance(value, str) else "other"


def ordered(how: str, left: float, right: float) -> bool:
    return {"eq": left == right, "lt": left < right, "le": left <= right, "gt": left > right, "ge": left >= right}[how]


def is_version(text: Any) -> bool:
    if not isinstance(text, str) or len(text) > 200:
        return False
    core, plus, build = text.partition("+")
    numbers, minus, early = core.partition("-")
    return (
        (not plus or all(re.fullmatch("[0-9A-Za-z-]+", part) for part in build.split(".")))
        and (not minus or all(re.fullmatch("0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*", p) for p in early.split(".")))
        and re.fullmatch(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}", numbers) is not None
    )


def order(one: str, other: str) -> int:
    """-1, 0 or 1: section 11 of semver.org, sentence by sentence."""
    one, other = one.partition("+")[0], other.partition("+")[0]
    (numbers, _, early), (numbers_of_other, _, early_of_other) = one.partition("-"), other.partition("-")
    for left, right in zip(numbers.split("."), numbers_of_other.split("."), strict=True):
        if left != right:
            return 1 if int(left) > int(right) else -1
    if not early or not early_of_other:
        return bool(early_of_other) - bool(early)
    parts, parts_of_other = early.split("."), early_of_other.split(".")
    for left, right in zip(parts, parts_of_other, strict=False):
        if left == right:
            continue
        if left.isdigit() and right.isdigit():
            return 1 if int(left) > int(right) else -1
        if left.isdigit() != right.isdigit():
            return -1 if left.isdigit() else 1
        return 1 if left > right else -1
    return (len(parts) > len(parts_of_other)) - (len(parts) < len(parts_of_other))


def seconds(found: Any) -> Any:
    if kind(found) == "number":
        return found
    if not isinstance(found, str):
        return None
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)"
    if re.fullmatch(form, found, re.ASCII) is None:
        return None
    decimals = re.search(r"\.(\d+)", found)
    milliseconds = int((decimals[1] + "00")[:3]) if decimals else 0
    try:
        whole = datetime.fromisoformat(re.sub(r"\.\d+", "", found).replace("Z", "+00:00"))
        return (round(whole.timestamp()) * 1000 + milliseconds) / 1000
    except (ValueError, OverflowError):
        return None
