"""What values and parameters must be: a JSON Schema (draft 2020-12), as far as it is safe to check one in a request.

A schema here stands on its own and takes a time that grows with schema and value only: no references (they may
lead to the network, to themselves, or to each other), and no regular expressions (a bad one never ends).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError

from core.errors import Invalid
from flags.domain.values import holds_nul

MAX_BYTES = 16 * 1024  # of a schema, of a value, of all parameters
MAX_DEPTH = 16
DRAFT = "https://json-schema.org/draft/2020-12/schema"

_REFUSED = {
    "pattern": "regular expressions can take for ever; list the values with enum, or bound the length",
    "patternProperties": "regular expressions can take for ever; name the properties",
    "$ref": "a schema here stands on its own; write the part in its place",
    "$dynamicRef": "a schema here stands on its own; write the part in its place",
    "format": "formats are not checked; a rule that checks nothing would be believed",
}
_MAPS = frozenset({"properties", "dependentSchemas"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SINGLE = frozenset({"additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"})
_PLAIN = frozenset(
    {"$comment", "$schema", "const", "default", "dependentRequired", "deprecated", "description", "enum", "examples"}
    | {"exclusiveMaximum", "exclusiveMinimum", "maxContains", "maxItems", "maxLength", "maxProperties", "maximum"}
    | {"minContains", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "required", "title", "type"}
    | {"uniqueItems"}
)
_KNOWN = _MAPS | _LISTS | _SINGLE | _PLAIN


def check_json(value: object, what: str, *, field: str) -> Any:
    """The value, if it is JSON that every client and database can hold, of at most 16 KiB.

    Args:
        what: how the sentence of a refusal begins, for example `Parameters`.
    """
    try:
        json.dumps(value, allow_nan=False)
        text = orjson.dumps(value)  # also refuses integers beyond 64 bits, which no client could read
    except (TypeError, ValueError, RecursionError) as error:
        raise Invalid(f"{what} must be JSON: {error}.", field=field) from error
    if holds_nul(text):
        raise Invalid(f"{what} hold the character NUL, which cannot be stored.", field=field)
    if len(text) > MAX_BYTES:
        raise Invalid(f"{what} are {len(text)} bytes; at most {MAX_BYTES} fit.", field=field)
    return value


def check_schema(schema: object, *, field: str) -> dict[str, Any]:
    """A schema that can be kept; {} accepts anything. Invalid names the place and what to write instead."""
    if not isinstance(schema, Mapping):
        raise Invalid('A schema is a JSON object, for example {"type": "string"}.', field=field)
    check_json(schema, "Schemas", field=field)
    for place, message in _flaws(schema, "", 0):
        raise Invalid(f"{place or 'The schema'}: {message}", field=field)
    if schema.get("$schema", DRAFT) != DRAFT:
        raise Invalid(f"Only draft 2020-12 is understood: leave $schema out, or write {DRAFT}.", field=field)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise Invalid(f"{_place(error) or 'The schema'}: {_short(error.message)}.", field=field) from error
    return dict(schema)


def check_fits(value: object, schema: Mapping[str, Any], *, what: str, field: str) -> None:
    """Raise Invalid with the first place where the value is not what the schema, which was checked, says."""
    if not schema:
        return
    errors = sorted(Draft202012Validator(schema).iter_errors(value), key=lambda error: list(map(str, error.path)))
    if errors:
        raise Invalid(f"{_place(errors[0]) or what} {_words(errors[0])}.", field=field)


def _flaws(schema: object, place: str, depth: int) -> Iterator[tuple[str, str]]:
    """What we do not take although JSON Schema has it, and keywords that it does not have."""
    if depth > MAX_DEPTH:
        yield place, f"a schema may be {MAX_DEPTH} parts deep."
    elif isinstance(schema, Mapping):
        for keyword, value in schema.items():
            here = f"{place}.{keyword}".lstrip(".")
            if keyword in _REFUSED:
                yield here, f"is not taken: {_REFUSED[keyword]}."
            elif keyword not in _KNOWN:
                yield here, "is no keyword that is understood here."
            for name, inner in _parts(keyword, value):
                yield from _flaws(inner, f"{here}{name}", depth + 1)


def _parts(keyword: str, value: object) -> list[tuple[str, Any]]:
    """The schemas that a keyword holds, each with how its place goes on."""
    if keyword in _MAPS and isinstance(value, Mapping):
        return [(f".{name}", inner) for name, inner in value.items()]
    if keyword in _LISTS and isinstance(value, list):
        return [(f".{index}", inner) for index, inner in enumerate(value)]
    return [("", value)] if keyword in _SINGLE else []


def _place(error: ValidationError | SchemaError) -> str:
    return ".".join(map(str, error.absolute_path))


def _words(error: ValidationError) -> str:
    """What a value must be, in words; what it is, short."""
    limit: Any = error.validator_value
    found = _short(json.dumps(error.instance, ensure_ascii=False))
    if error.validator == "enum":
        return f"must be one of {', '.join(_said(option) for option in limit)}, not {found}"
    if error.validator == "type":
        return f"must be of type {limit if isinstance(limit, str) else ' or '.join(limit)}, not {found}"
    if error.validator in ("minimum", "maximum"):
        return f"must be at {'least' if error.validator == 'minimum' else 'most'} {limit}, not {found}"
    if error.validator == "additionalProperties" and limit is False:
        known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
        instance: Any = error.instance
        unknown = [name for name in instance if name not in known]
        return f"cannot have {', '.join(map(repr, unknown[:3]))}; known are {', '.join(known) or 'none'}"
    return f"is not as its schema says: {_short(error.message)}"


def _said(option: object) -> str:
    return option if isinstance(option, str) else json.dumps(option, ensure_ascii=False)


def _short(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:157]}…"
