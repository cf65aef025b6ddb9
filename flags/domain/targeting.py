"""Whom a flag is for: what an operator may write, checked before it is stored. The form is in docs/targeting.md.

Every refusal names the place, for example `rules[2].when[0].op`, and says what would be right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any, NoReturn

import orjson

from core.errors import Invalid
from flags.domain.bucketing import Bucketing
from flags.domain.conditions import OPERATORS
from flags.domain.prerequisites import MAX_PREREQUISITES
from flags.domain.values import MAX_EXACT, holds_nul, is_number

MAX_BYTES = 64 * 1024  # of a flag's targeting, or of a segment's conditions, as JSON
MAX_RULES = 50
MAX_CONDITIONS = 20
MAX_TEXT = 200
MAX_NAME = 80
MAX_SEGMENTS = 200  # in one environment
_STEPS = {Bucketing.JS31: Decimal(1), Bucketing.MURMUR3: Decimal("0.01")}
_PATTERNS = frozenset({"regex", "regexp", "matches", "match", "like", "pattern", "glob"})

Known = Mapping[str, Collection[str]]


def check_targeting(
    data: object,
    *,
    variants: Collection[str],
    known_flags: Known,
    segments: Collection[str],
    bucketing: Bucketing = Bucketing.MURMUR3,
) -> dict[str, Any]:
    """The targeting as it is stored: the same, without what is empty.

    Args:
        data: JSON as read, or its text; more than 64 KiB are refused before anything is read.
        variants: the keys of the flag's variants.
        known_flags: the variants of every other flag that may be a prerequisite, by its key.
        segments: the keys of the environment's segments.
        bucketing: js31 flags move in whole percents.

    Raises:
        Invalid: naming the first place that is wrong, with field `targeting`.
    """
    read = _object(_read(data, "targeting"), "targeting", ("prerequisites", "rules", "serve", "off"))
    found: dict[str, Any] = {
        "prerequisites": [
            _prerequisite(item, path, known_flags)
            for item, path in _items(read.get("prerequisites", []), "prerequisites", MAX_PREREQUISITES)
        ],
        "rules": [
            _rule(item, path, variants, segments, bucketing)
            for item, path in _items(read.get("rules", []), "rules", MAX_RULES)
        ],
    }
    _once((item["flag"] for item in found["prerequisites"]), "prerequisites", "the flag")
    _once((rule["name"] for rule in found["rules"]), "rules", "the name")
    found["serve"] = _serve(read["serve"], "serve", variants) if "serve" in read else None
    found["off"] = _variant(read["off"], "off", variants) if "off" in read else None
    return {name: value for name, value in found.items() if value}


def check_conditions(data: object) -> list[dict[str, Any]]:
    """The conditions of a segment as they are stored. Raises Invalid with field `conditions`."""
    read = _read(data, "conditions")
    return [_condition(item, path, None) for item, path in _items(read, "conditions", MAX_CONDITIONS, least=1)]


def _read(data: object, place: str) -> object:
    """JSON, of at most 64 KiB. orjson refuses what cannot be stored or read again: lone surrogates, deep nesting."""
    if isinstance(data, str | bytes):
        if len(data) > MAX_BYTES:
            _too_large(place, len(data))
        try:
            data = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            _refuse(place, f"This is not JSON: {error}.")
    try:
        text = orjson.dumps(data)
    except (TypeError, ValueError, RecursionError) as error:
        _refuse(place, f"This is not JSON: {error}.")
    if len(text) > MAX_BYTES:
        _too_large(place, len(text))
    if holds_nul(text):
        _refuse(place, "A text holds the character NUL, which cannot be stored.")
    return data


def _too_large(place: str, size: int) -> NoReturn:
    _refuse(place, f"{size:,} bytes are too many: at most {MAX_BYTES:,} fit. Use a segment or an allow-list.")


def _rule(
    data: object, path: str, variants: Collection[str], segments: Collection[str], bucketing: Bucketing
) -> dict[str, Any]:
    read = _object(data, path, ("name", "when", "percentage", "serve"), needs=("name", "when"))
    name = read["name"]
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        _refuse(f"{path}.name", f"Give the rule a name of 1 to {MAX_NAME} characters: answers tell it.")
    conditions = [
        _condition(item, place, segments)
        for item, place in _items(read["when"], f"{path}.when", MAX_CONDITIONS, least=1)
    ]
    rule: dict[str, Any] = {"name": name.strip(), "when": conditions}
    if "percentage" in read:
        rule["percentage"] = _percent(read["percentage"], f"{path}.percentage", _STEPS[bucketing])
    if "serve" in read:
        rule["serve"] = _serve(read["serve"], f"{path}.serve", variants)
    return rule


def _condition(data: object, path: str, segments: Collection[str] | None) -> dict[str, Any]:
    """One condition. `segments` None: this is a segment itself, which cannot name others."""
    read = _object(data, path, ("attribute", "op", "values", "segment", "not_segment"))
    for kind in ("segment", "not_segment"):
        if kind in read:
            return {kind: _segment(read, path, kind, segments)}
    for part in ("attribute", "op", "values"):
        if part not in read:
            _refuse(f"{path}.{part}", "is missing; a condition has an attribute, an op and values, or a segment.")
    attribute, op = read["attribute"], read["op"]
    if not isinstance(attribute, str) or not 0 < len(attribute) <= MAX_TEXT or not attribute.isprintable():
        _refuse(f"{path}.attribute", f"Name an attribute of the context, in 1 to {MAX_TEXT} characters.")
    if not isinstance(op, str) or op not in OPERATORS:
        _unknown_operator(op, f"{path}.op")
    return {"attribute": attribute, "op": op, "values": _values(read["values"], f"{path}.values", op)}


def _segment(read: Mapping[str, Any], path: str, kind: str, segments: Collection[str] | None) -> str:
    key = read[kind]
    if segments is None:
        _refuse(f"{path}.{kind}", "A segment cannot be made of segments; write its conditions here.")
    if len(read) > 1:
        _refuse(path, f"A condition on a segment is only {{{kind!r}: …}}; put other conditions beside it.")
    if not isinstance(key, str) or key not in segments:
        _refuse(f"{path}.{kind}", f"There is no segment {key!r} here. {_choice('Segments', segments)}")
    return key


def _unknown_operator(op: object, path: str) -> NoReturn:
    if isinstance(op, str) and op.lower() in _PATTERNS:
        _refuse(path, "There are no regular expressions: one bad pattern would stop every answer. Use prefix, or in.")
    _refuse(path, f"There is no operator {op!r}. {_choice('Operators', OPERATORS)}")


def _values(data: object, path: str, op: str) -> list[Any]:
    operator = OPERATORS[op]
    found: dict[tuple[bool, Any], Any] = {}
    for value, place in _items(data, path, operator.most, least=1):
        if not operator.accepts(value):
            _refuse(place, f"{op} compares with {operator.takes}, not {_shown(value)}.")
        if isinstance(value, str) and len(value) > MAX_TEXT:
            _refuse(place, f"A text has at most {MAX_TEXT} characters, this one {len(value)}.")
        if is_number(value) and abs(value) > MAX_EXACT:
            _refuse(place, f"A number lies between -{MAX_EXACT} and {MAX_EXACT}: clients read no other exactly.")
        found[isinstance(value, bool), value] = value
    return list(found.values())


def _prerequisite(data: object, path: str, known_flags: Known) -> dict[str, Any]:
    read = _object(data, path, ("flag", "variants"), needs=("flag", "variants"))
    flag = read["flag"]
    if not isinstance(flag, str) or flag not in known_flags:
        _refuse(f"{path}.flag", f"There is no other flag {_shown(flag)}. {_choice('Flags', known_flags)}")
    wanted = [
        _variant(item, place, known_flags[flag])
        for item, place in _items(read["variants"], f"{path}.variants", len(known_flags[flag]), least=1)
    ]
    _once(wanted, f"{path}.variants", "the variant")
    return {"flag": flag, "variants": wanted}


def _serve(data: object, path: str, variants: Collection[str]) -> str | list[list[Any]]:
    """A variant, or a split: pairs of variant and percent that add up to 100."""
    if isinstance(data, str):
        return _variant(data, path, variants)
    shares: list[list[Any]] = []
    for item, place in _items(data, path, len(variants), least=1):
        if not isinstance(item, list) or len(item) != 2:
            _refuse(place, 'Write a variant with its percent, for example ["blue", 12.5].')
        shares.append(
            [_variant(item[0], f"{place}[0]", variants), _percent(item[1], f"{place}[1]", _STEPS[Bucketing.MURMUR3])]
        )
    _once((variant for variant, _ in shares), path, "the variant")
    total = sum(Decimal(str(percent)) for _, percent in shares)
    if total != 100:
        _refuse(path, f"The percents add up to {total}, not to 100.")
    return shares


def _variant(data: object, path: str, variants: Collection[str]) -> str:
    if not isinstance(data, str) or data not in variants:
        _refuse(path, f"There is no variant {_shown(data)}. {_choice('Variants', variants)}")
    return data


def _percent(data: object, path: str, step: Decimal) -> int | float:
    if not isinstance(data, int | float) or not is_number(data) or not 0 <= data <= 100:
        _refuse(path, f"Write a number from 0 to 100, not {_shown(data)}.")
    if Decimal(str(data)) % step:
        _refuse(path, f"This moves in steps of {step} percent; {data} lies between.")
    return int(data) if data == int(data) else data


def _object(data: object, path: str, parts: tuple[str, ...], needs: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(data, dict):
        _refuse(path, f"Write an object with {', '.join(parts)}, not {_shown(data)}.")
    for part in data:
        if part not in parts:
            _refuse(f"{path}.{part}"[:300], f"There is no such part. {_choice('Parts', parts)}")
    for part in needs:
        if part not in data:
            _refuse(f"{path}.{part}", "is missing.")
    return data


def _items(data: object, path: str, most: int, *, least: int = 0) -> Iterable[tuple[Any, str]]:
    """The items of a list, each with its place."""
    if not isinstance(data, list):
        _refuse(path, f"Write a list, not {_shown(data)}.")
    if not least <= len(data) <= most:
        _refuse(path, f"This list has {len(data)} items; it takes {least} to {most}.")
    return [(item, f"{path}[{number}]") for number, item in enumerate(data)]


def _once(names: Iterable[str], path: str, noun: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            _refuse(path, f"{noun} {name!r} is there twice.")
        seen.add(name)


def _choice(noun: str, names: Iterable[str]) -> str:
    """What there is, so that a misspelt name can be put right; of a long list the first ones."""
    listed = sorted(names)
    more = f" and {len(listed) - 12} more" if len(listed) > 12 else ""
    return f"{noun}: {', '.join(listed[:12])}{more}." if listed else f"{noun}: none."


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _refuse(path: str, sentence: str) -> NoReturn:
    raise Invalid(f"{path}: {sentence}", field="conditions" if path.startswith("conditions") else "targeting")
