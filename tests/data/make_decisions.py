"""Golden vectors of decisions, for the server and every client library: `python -m tests.data.make_decisions`.

The answers are the naive evaluator's (tests/flags/naive.py), which reads as docs/targeting.md does.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

from tests.flags import naive

FILE = Path(__file__).with_name("decisions.json")
UNITS = ["npub1alice", "npub1bob", "user-1", "user-42", "user-123", "507f1f77bcf86cd799439011", "Zoë", "😀user", "नमस्ते"]
COLOURS = {"blue": "#00f", "red": "#f00", "none": ""}


def flag(key: str, **fields: Any) -> dict[str, Any]:
    """A murmur3 flag, enabled at 0 %, boolean, unless said otherwise."""
    variants = fields.get("variants", {"on": True, "off": False})
    return {
        "key": key,
        "type": "boolean",
        "enabled": True,
        "bucketing": "murmur3",
        "salt": f"salt-of-{key}",
        "percentage": 0,
        "variants": variants,
        "serve": "on",
        "off": "off",
        "allow": [],
        "deny": [],
        "prerequisites": [],
        "rules": [],
        "parameters": {},
        **fields,
    }


def rule(*when: dict[str, Any], name: str = "rule", percentage: float = 100, serve: Any = "on") -> dict[str, Any]:
    return {"name": name, "when": list(when), "percentage": percentage, "serve": serve}


def when(attribute: str, op: str, *values: Any) -> dict[str, Any]:
    return {"attribute": attribute, "op": op, "values": list(values)}


VERSIONS = [
    *("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1"),
    *("1.0.0", "1.0.0+build.5", "1.0.1", "1.10.0", "2.0.0-0", "2.0.0--", "10.0.0", "99999999999999999999.0.0"),
    *("1.0.0-99999999999999999999", "1.0.0-A", "1.0.0-a", "1.0", "v1.0.0", "01.0.0", "1.0.0-01", "1.0.0-", "1.0.0+"),
    *("", " 1.0.0", "1.0.0\n", f"1.0.0-{'a' * 194}", f"1.0.0-{'a' * 195}", 1, 1.0, True, None, ["1.0.0"], "１.0.0"),
]
TIMES = [
    *("2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-03-29T01:00:01Z", "2026-03-29T03:00:00+02:00"),
    *(
        "2026-03-29T01:00Z",
        "2026-03-29T01:00:00.001Z",
        "2026-03-29T01:00:00.0009Z",
        "2026-03-28T23:59:59.999999999-01:00",
    ),
    *(1774746000, 1774745999, 1774746000.5, 1774745999.9995, 0, -1, "1774746001", "2026-03-29T02:00:00", "2026-03-29"),
    *(
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-04-01T24:00:00Z",
        "2026-04-01T23:59:60Z",
        "2026-04-01 00:00Z",
    ),
    *(
        "2026-04-01T00:00:00z",
        "2026-04-01T00:00:00+0200",
        "2026-04-01T00:00:00+24:00",
        "2026-04-01T00:00:00,5Z",
        True,
        None,
    ),
    *("2028-02-29T12:00:00Z", "2027-02-29T12:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", {"at": 5}),
    *("٢٠٢٦-04-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "2026-04-01T00:00.5Z"),
]
NUMBERS = [
    0,
    -0.0,
    1,
    1.0,
    1.5,
    0.1,
    -1,
    17.999,
    18,
    18.0,
    18.001,
    9007199254740991,
    1e300,
    "18",
    True,
    False,
    None,
    [18],
    "",
]
SCALARS = [
    *("DE", "de", "DE ", "D", "", "FR", "é", "e\u0301", "😀", "1", "true"),
    *(1, 1.0, 0, 0.0, 2, -0.0, True, False, None, [], ["DE"], {"DE": 1}, 0.30000000000000004, 0.3),
]
STARTS = [
    "npub1alice",
    "npub1",
    "npub",
    "NPUB1",
    "",
    "é",
    "étage",
    "e\u0301tage",
    "😀",
    "😀x",
    1,
    True,
    None,
    ["npub1"],
]

OPERATORS: list[tuple[str, str, list[Any], list[Any]]] = [
    ("equals-text", "equals", ["DE"], SCALARS),
    ("equals-number", "equals", [1], SCALARS),
    ("equals-true", "equals", [True], SCALARS),
    ("equals-empty", "equals", [""], SCALARS),
    ("in-texts", "in", ["DE", "FR", "é", "😀"], SCALARS),
    ("in-mixed", "in", ["DE", 1, False], SCALARS),
    ("not-in-texts", "not_in", ["DE", "FR"], SCALARS),
    ("not-in-mixed", "not_in", ["DE", 1, False], SCALARS),
    ("prefix", "prefix", ["npub1", "é", "😀"], STARTS),
    ("number-eq", "number_eq", [18], NUMBERS),
    ("number-lt", "number_lt", [18], NUMBERS),
    ("number-le", "number_le", [18.0], NUMBERS),
    ("number-gt", "number_gt", [1.5], NUMBERS),
    ("number-ge", "number_ge", [0], NUMBERS),
    ("semver-eq", "semver_eq", ["1.0.0"], VERSIONS),
    ("semver-lt", "semver_lt", ["1.0.0-beta.11"], VERSIONS),
    ("semver-le", "semver_le", ["1.0.0-alpha.beta"], VERSIONS),
    ("semver-gt", "semver_gt", ["1.0.0-99999999999999999998"], VERSIONS),
    ("semver-ge", "semver_ge", ["1.10.0+other"], VERSIONS),
    ("before", "before", ["2026-03-29T03:00:00+02:00"], TIMES),
    ("after", "after", ["2026-03-29T01:00:00Z"], TIMES),
]
SEGMENTS = {
    "beta": [when("email", "in", "a@example.com", "b@example.com"), when("version", "semver_ge", "2.0.0")],
    "europe": [when("country", "in", "DE", "FR", "IT")],
    "insiders": [when("targetingKey", "prefix", "npub1")],
}
EU = when("country", "in", "DE", "FR")
OLD = when("version", "semver_lt", "2.0.0")
FLAGS = [
    *(flag(f"op-{name}", rules=[rule(when("a", op, *values))]) for name, op, values, _ in OPERATORS),
    flag("js31-0", bucketing="js31", salt=""),
    flag("js31-26", bucketing="js31", salt="", percentage=26),
    flag("js31-100", bucketing="js31", salt="", percentage=100),
    flag("murmur3-0.01", percentage=0.01),
    flag("murmur3-33.33", percentage=33.33),
    flag("murmur3-99.99", percentage=99.99),
    flag("murmur3-100", percentage=100),
    flag("group-one", salt="shared", percentage=50),
    flag("group-two", salt="shared", percentage=50),
    flag("disabled", enabled=False, percentage=100, allow=["npub1alice"]),
    flag("disabled-string", enabled=False, type="string", variants=COLOURS, serve="blue", off="none", percentage=100),
    flag("listed", allow=["Zoë", "both", "npub1alice"], deny=["both", "npub1bob"], percentage=100),
    flag("listed-only", allow=["npub1alice"]),
    flag("denied-before-rule", deny=["npub1bob"], rules=[rule(EU)]),
    flag("allowed-before-rule", allow=["npub1alice"], rules=[rule(EU, percentage=0)]),
    flag("string", type="string", variants=COLOURS, serve="blue", off="none", percentage=100),
    flag("string-rule", type="string", variants=COLOURS, serve="blue", off="none", rules=[rule(EU, serve="red")]),
    flag("number", type="number", variants={"slow": 1, "fast": 250}, serve="fast", off="slow", percentage=50),
    flag("float", type="number", variants={"slow": 1.0, "fast": 2.5}, serve="fast", off="slow", percentage=100),
    flag(
        "json",
        type="json",
        variants={"a": {"limit": 5, "list": [1, None, True]}, "b": {}, "c": [1, "é"]},
        serve="a",
        off="b",
        rules=[rule(EU, serve="c")],
        percentage=100,
    ),
    flag("inverted", variants={"keep": True, "drop": False}, serve="drop", off="keep", percentage=50),
    flag("split", type="string", variants=COLOURS, serve=[["blue", 50], ["red", 50]], off="none", percentage=100),
    flag(
        "split-uneven",
        type="string",
        variants=COLOURS,
        serve=[["blue", 0], ["red", 99.99], ["none", 0.01]],
        off="none",
        percentage=60,
    ),
    flag(
        "split-js31",
        bucketing="js31",
        salt="",
        type="string",
        variants=COLOURS,
        serve=[["blue", 33.33], ["red", 66.67]],
        off="none",
        percentage=76,
    ),
    flag(
        "split-listed",
        type="string",
        variants=COLOURS,
        serve=[["blue", 10], ["red", 90]],
        off="none",
        allow=["npub1alice", "user-1", "user-42"],
    ),
    flag(
        "split-rule",
        type="string",
        variants=COLOURS,
        serve="none",
        off="none",
        rules=[rule(EU, serve=[["blue", 40], ["red", 60]]), rule(OLD, name="old", percentage=50, serve=[["red", 100]])],
    ),
    flag("rule-30", rules=[rule(EU, percentage=30)], percentage=100),
    flag("rule-0", rules=[rule(EU, percentage=0)], percentage=100),
    flag("rule-js31", bucketing="js31", salt="", rules=[rule(EU, percentage=76)], percentage=10),
    flag("first-rule-decides", rules=[rule(EU, name="eu", percentage=0), rule(OLD, name="old")]),
    flag("all-conditions", rules=[rule(EU, OLD, when("plan", "equals", "pro"))]),
    flag("attribute-unit", rules=[rule(when("targetingKey", "in", "npub1alice", "Zoë"))]),
    flag("in-segment", rules=[rule({"segment": "beta"})]),
    flag("not-in-segment", rules=[rule({"not_segment": "beta"})]),
    flag("two-segments", rules=[rule({"segment": "europe"}, {"not_segment": "beta"})]),
    flag("unit-segment", rules=[rule({"segment": "insiders"})]),
    flag("not-unit-segment", rules=[rule({"not_segment": "insiders"})]),
    flag("lost-segment", rules=[rule({"segment": "gone"})]),
    flag("lost-not-segment", rules=[rule({"not_segment": "gone"})]),
    flag("needs-split", prerequisites=[{"flag": "split", "variants": ["red"]}], percentage=100),
    flag("needs-needs-split", prerequisites=[{"flag": "needs-split", "variants": ["on"]}], percentage=100),
    flag("needs-off", prerequisites=[{"flag": "needs-split", "variants": ["off"]}], percentage=100, allow=["npub1bob"]),
    flag("needs-disabled", prerequisites=[{"flag": "disabled", "variants": ["on", "off"]}], percentage=100),
    flag("needs-missing", prerequisites=[{"flag": "gone", "variants": ["on"]}], percentage=100),
    flag(
        "needs-two",
        prerequisites=[{"flag": "in-segment", "variants": ["on"]}, {"flag": "js31-26", "variants": ["on"]}],
        percentage=100,
        deny=["npub1bob"],
    ),
    flag("circle-one", prerequisites=[{"flag": "circle-two", "variants": ["on", "off"]}], percentage=100),
    flag("circle-two", prerequisites=[{"flag": "circle-one", "variants": ["on", "off"]}], percentage=100),
    flag("circle-self", prerequisites=[{"flag": "circle-self", "variants": ["on", "off"]}], percentage=100),
    flag("behind-circle", prerequisites=[{"flag": "circle-one", "variants": ["on", "off"]}], percentage=100),
    flag("needs-disabled-itself", enabled=False, prerequisites=[{"flag": "gone", "variants": ["on"]}], percentage=100),
]
CONTEXTS: list[dict[str, Any]] = [
    {"country": "DE", "version": "1.9.9", "plan": "pro", "email": "a@example.com"},
    {"country": "US", "version": "2.1.0", "email": "a@example.com"},
    {"country": "FR", "version": "2.0.0-rc.1", "email": "b@example.com"},
    {"country": None, "version": 2, "plan": True, "email": ["a@example.com"]},
    {},
]
NO_UNIT: list[dict[str, Any]] = [{}, {"targetingKey": ""}, {"targetingKey": None}]


def asked() -> list[tuple[str, dict[str, Any]]]:
    """Which flag with which context."""
    found = [(f"op-{name}", {"a": value}) for name, _, _, values in OPERATORS for value in values]
    found += [(f"op-{name}", {"b": "DE"}) for name, *_ in OPERATORS]
    others = [flag["key"] for flag in FLAGS if not flag["key"].startswith("op-")]
    for key, (place, unit) in product(others, enumerate([*UNITS, "both"])):
        found.append((key, {"targetingKey": unit, **CONTEXTS[place % len(CONTEXTS)]}))
    for key, (place, nobody) in product(others, enumerate(NO_UNIT)):
        found.append((key, {**CONTEXTS[place], **nobody}))
    return found


def document() -> dict[str, Any]:
    head = {"format": 1, "environment": "production", "version": 42, "changedAt": "2026-03-01T09:00:00+00:00"}
    return {**head, "segments": SEGMENTS, "flags": FLAGS}


def main() -> None:
    snapshot = document()
    cases = [{"flag": key, "context": context, **naive.decide(snapshot, key, context)} for key, context in asked()]
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    FILE.write_text(f'{{"snapshot": {json.dumps(snapshot, ensure_ascii=False, indent=1)},\n"cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
