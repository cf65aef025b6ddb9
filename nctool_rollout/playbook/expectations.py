"""What the format expects at a path, in words, from its JSON Schema."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from nctool_rollout.playbook.model import Playbook

_TYPES = {
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list",
    "object": "a mapping",
}


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a playbook, as published."""
    found = Playbook.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": "Playbook, format 1"}


def at(path: Sequence[str | int]) -> dict[str, Any]:
    """The part of the schema that a path leads to; empty where anything goes."""
    node = _resolved(schema())
    for part in path:
        inner = node.get("items") if isinstance(part, int) else _member(node, part)
        node = _resolved(inner) if isinstance(inner, dict) else {}
    return node


def known_keys(node: dict[str, Any]) -> list[str]:
    return list(node.get("properties", {}))


def expected(node: dict[str, Any]) -> str:
    """In words: `a whole number from 1 to 7`."""
    if "const" in node:
        return f"{node['const']}"
    if "enum" in node:
        return f"one of {', '.join(node['enum'])}"
    words = _TYPES.get(node.get("type", ""), "another value")
    low = node.get("minimum", node.get("minLength", node.get("minItems")))
    high = node.get("maximum", node.get("maxLength", node.get("maxItems")))
    unit = {"string": " characters", "array": " entries"}.get(node.get("type", ""), "")
    joint = " of" if unit else ""
    if low is not None and high is not None:
        words += f"{joint or ' from'} {low:g} to {high:g}{unit}"
    elif high is not None:
        words += f" of at most {high:g}{unit}"
    elif low is not None:
        words += f"{joint or ' from'} {low:g}{' or more' if unit else ' up'}{unit}"
    if "multipleOf" in node:
        words += f" in steps of {node['multipleOf']:g}"
    if "pattern" in node:
        words += f" like {node['pattern'].strip('^$')}"
    return words


def _member(node: dict[str, Any], key: str) -> Any:
    if key in node.get("properties", {}):
        return node["properties"][key]
    for inner in node.get("patternProperties", {}).values():
        return inner
    return node.get("additionalProperties")


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Without references, and without the alternative of leaving it out."""
    for option in node.get("anyOf", ()):
        if option.get("type") != "null":
            return _resolved(option)
    if "$ref" in node:
        return _resolved(schema()["$defs"][node["$ref"].rsplit("/", 1)[-1]])
    return node
