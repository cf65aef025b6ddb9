"""Targeting as a form holds it: every field a text, under the name that refusals call its place by.

`fields_of` and `targeting_of` undo each other. A form that is only half filled in is a draft as well: it is kept as
it was typed, whatever is wrong with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

TEXT, NUMBER, BOOLEAN, MIXED = "text", "number", "boolean", "json"
TYPES = {TEXT: "as text", NUMBER: "as number", BOOLEAN: "as true or false", MIXED: "as JSON, one a line"}
SPLIT = "…split"  # no variant is called so
LIKE_FLAG = ""  # a rule that serves what the flag serves

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


@dataclass
class Condition:
    """On an attribute, or on a segment (`segment` is not None)."""

    attribute: str = ""
    op: str = "in"
    type: str = TEXT
    values: str = ""
    segment: str | None = None
    outside: bool = False
    path: str = ""


@dataclass
class Serving:
    """A variant, or SPLIT with the `weights` of the variants."""

    serve: str = LIKE_FLAG
    weights: dict[str, str] = field(default_factory=dict)


@dataclass
class Rule(Serving):
    name: str = ""
    percentage: str = ""  # all whom the rule is about
    when: list[Condition] = field(default_factory=list)
    path: str = ""


@dataclass
class Needed:
    """A prerequisite; `variants` separated by commas."""

    flag: str = ""
    variants: str = ""
    path: str = ""


@dataclass
class Draft(Serving):
    off: str = ""
    rules: list[Rule] = field(default_factory=list)
    prerequisites: list[Needed] = field(default_factory=list)

    def numbered(self) -> Draft:
        """Itself, with the place of every part."""
        for number, needed in enumerate(self.prerequisites):
            needed.path = f"prerequisites[{number}]"
        for number, rule in enumerate(self.rules):
            rule.path = f"rules[{number}]"
            _at(rule.when, f"{rule.path}.when")
        return self


def of_targeting(data: Mapping[str, Any]) -> Draft:
    """What is stored, for a form."""
    draft = Draft(off=data.get("off", ""), **_serving(data))
    for item in data.get("prerequisites", ()):
        draft.prerequisites.append(Needed(item["flag"], ", ".join(item["variants"])))
    for rule in data.get("rules", ()):
        when = [_condition(condition) for condition in rule["when"]]
        percentage = _plain(rule["percentage"]) if "percentage" in rule else ""
        draft.rules.append(Rule(name=rule["name"], percentage=percentage, when=when, **_serving(rule)))
    return draft.numbered()


def of_fields(fields: Mapping[str, str], variants: Iterable[str]) -> Draft:
    """What was posted. Fields that are not there are empty, so nothing that is sent can be too strange."""
    variants = list(variants)
    draft = Draft(off=fields.get("off", ""), **_posted_serving(fields, "", variants))
    for path in _places(fields, "prerequisites"):
        draft.prerequisites.append(Needed(fields.get(f"{path}.flag", ""), fields.get(f"{path}.variants", "")))
    for path in _places(fields, "rules"):
        rule = Rule(
            name=fields.get(f"{path}.name", ""),
            percentage=fields.get(f"{path}.percentage", ""),
            when=[_posted_condition(fields, place) for place in _places(fields, f"{path}.when")],
            **_posted_serving(fields, f"{path}.", variants),
        )
        draft.rules.append(rule)
    return draft.numbered()


def of_conditions(data: Iterable[Mapping[str, Any]]) -> list[Condition]:
    """A segment's conditions, for a form."""
    return _at([_condition(condition) for condition in data], "conditions")


def of_condition_fields(fields: Mapping[str, str]) -> list[Condition]:
    """The conditions of a segment that were posted."""
    return _at([_posted_condition(fields, place) for place in _places(fields, "conditions")], "conditions")


def conditions_of(conditions: Iterable[Condition]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """What the conditions of a segment say, and what cannot be read of them: sentences by place."""
    wrong: dict[str, str] = {}
    return [_condition_of(condition, wrong) for condition in conditions], wrong


def targeting_of(draft: Draft) -> tuple[dict[str, Any], dict[str, str]]:
    """The targeting that the draft says, and what cannot be read of it: sentences by place."""
    wrong: dict[str, str] = {}
    found: dict[str, Any] = {
        "prerequisites": [
            {"flag": needed.flag.strip(), "variants": _split(needed.variants)} for needed in draft.prerequisites
        ],
        "rules": [_rule_of(rule, wrong) for rule in draft.rules],
    }
    _put_serve(found, draft, "serve", wrong)
    if draft.off:
        found["off"] = draft.off
    return {name: value for name, value in found.items() if value}, wrong


def place_of(message: str) -> tuple[str, str]:
    """The place that a refusal of `check_targeting` names, as a field of the form, and its sentence."""
    place, separator, sentence = message.partition(": ")
    if not separator or " " in place:
        return "", message
    return re.sub(r"(\.values|\.variants|serve)\[.*$", r"\1", place), sentence


def _at(conditions: list[Condition], noun: str) -> list[Condition]:
    for number, condition in enumerate(conditions):
        condition.path = f"{noun}[{number}]"
    return conditions


def _rule_of(rule: Rule, wrong: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": rule.name.strip(), "when": [_condition_of(each, wrong) for each in rule.when]}
    if rule.percentage.strip():
        found["percentage"] = _number(rule.percentage)
        if found["percentage"] is None:
            wrong[f"{rule.path}.percentage"] = "Write a number from 0 to 100."
    _put_serve(found, rule, f"{rule.path}.serve", wrong)
    return found


def _condition_of(condition: Condition, wrong: dict[str, str]) -> dict[str, Any]:
    if condition.segment is not None:
        return {"not_segment" if condition.outside else "segment": condition.segment}
    values: list[Any] = []
    kind = _type_for(condition.op, condition.type)
    for line in (line.strip() for line in condition.values.splitlines()):
        if line:
            value = _READ[kind](line)
            if value is None:
                wrong.setdefault(f"{condition.path}.values", f"{line[:40]!r} cannot be read {TYPES[kind]}.")
            values.append(value)
    return {"attribute": condition.attribute.strip(), "op": condition.op, "values": values}


def _type_for(op: str, chosen: str) -> str:
    """Operators on numbers take numbers, those on versions and times texts; only the others leave a choice."""
    if op.startswith("number_"):
        return NUMBER
    return chosen if op in ("equals", "in", "not_in", "prefix") and chosen in TYPES else TEXT


def _json_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


_READ = {
    TEXT: lambda text: text,
    NUMBER: lambda text: _number(text),
    BOOLEAN: lambda text: {"true": True, "false": False}.get(text.lower()),
    MIXED: _json_value,
}


def _put_serve(found: dict[str, Any], serving: Serving, place: str, wrong: dict[str, str]) -> None:
    if serving.serve != SPLIT:
        if serving.serve:
            found["serve"] = serving.serve
        return
    shares: list[list[Any]] = []
    for variant, text in serving.weights.items():
        weight = _number(text)
        if weight is None:
            wrong[place] = f"{text[:40]!r} is no percent."
        shares.append([variant, weight])
    found["serve"] = shares


def _serving(data: Mapping[str, Any]) -> dict[str, Any]:
    serve = data.get("serve", LIKE_FLAG)
    if isinstance(serve, str):
        return {"serve": serve}
    return {"serve": SPLIT, "weights": {variant: _plain(percent) for variant, percent in serve}}


def _condition(data: Mapping[str, Any]) -> Condition:
    if "segment" in data or "not_segment" in data:
        return Condition(segment=data.get("segment", data.get("not_segment")), outside="not_segment" in data)
    kinds = {TEXT if isinstance(v, str) else BOOLEAN if isinstance(v, bool) else NUMBER for v in data["values"]}
    simple = kinds == {TEXT} and all(v == v.strip() and len(v.splitlines()) == 1 for v in data["values"])
    kind = TEXT if simple else kinds.pop() if kinds in ({NUMBER}, {BOOLEAN}) else MIXED
    lines = data["values"] if kind == TEXT else [json.dumps(value, ensure_ascii=False) for value in data["values"]]
    return Condition(data["attribute"], data["op"], kind, "\n".join(lines))


def _posted_condition(fields: Mapping[str, str], path: str) -> Condition:
    if f"{path}.segment" in fields:
        return Condition(segment=fields[f"{path}.segment"], outside=fields.get(f"{path}.outside") == "yes")
    attribute, op, kind, values = (fields.get(f"{path}.{name}", "") for name in ("attribute", "op", "type", "values"))
    return Condition(attribute, op, kind, values)


def _posted_serving(fields: Mapping[str, str], prefix: str, variants: list[str]) -> dict[str, Any]:
    """The weights in the order of the fields: it decides who gets which variant."""
    start = f"{prefix}weight."
    given = {name.removeprefix(start): text for name, text in fields.items() if name.startswith(start) and text.strip()}
    weights = {variant: text for variant, text in given.items() if variant in variants}
    return {"serve": fields.get(f"{prefix}serve", ""), "weights": weights}


def _places(fields: Mapping[str, str], noun: str) -> list[str]:
    """The places below `noun` that have fields, in their order."""
    start = re.compile(re.escape(noun) + r"\[(\d{1,4})\]")
    numbers = {int(found[1]) for name in fields if (found := start.match(name))}
    return [f"{noun}[{number}]" for number in sorted(numbers)]


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _number(text: str) -> int | float | None:
    text = text.strip()
    if not _NUMBER.fullmatch(text) or len(text) > 40:
        return None
    number = float(text)
    return int(number) if number.is_integer() else number


def _plain(number: float) -> str:
    return f"{number:g}" if number == round(number, 2) else repr(number)
