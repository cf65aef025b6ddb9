"""The snapshot document, cut into the JSON texts of its flags.

A change touches few of ten thousand flags. The texts that are as they were are only compared, which takes a
thousandth of the time of parsing them; and the others are parsed one by one, so that no other Python thread has to
wait for the whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

FORMAT = 1
_decode = json.JSONDecoder().raw_decode
_gap = re.compile(r"[ \t\n\r]*").match
KINDS = ("boolean", "string", "number", "json")


class BadDocument(ValueError):
    """What came is no snapshot that this version can read; the text says why."""


class Document(NamedTuple):
    """`head` is everything but the flags, `flags` their texts by key."""

    head: Mapping[str, Any]
    flags: dict[str, str]


def read(text: str, known: Mapping[str, str]) -> Document:
    """`known` are texts that were read before. Raises BadDocument for what is damaged or of another format."""
    try:
        head, flags = _parts(text, known)
        if head.get("format") != FORMAT:
            raise BadDocument(
                f"not a snapshot of format {FORMAT} (it says {head.get('format')!r}): update this library"
            )
        if flags is None or type(head["version"]) is not int or not isinstance(head["environment"], str):
            raise BadDocument("a snapshot without flags, version or environment")
        return Document(head, flags)
    except BadDocument:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise damaged(error) from error


def damaged(error: Exception) -> BadDocument:
    return BadDocument(f"a damaged snapshot ({type(error).__name__}: {str(error)[:200]})")


def _parts(text: str, known: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str] | None]:
    """One JSON object, its member `flags` as texts."""
    head: dict[str, Any] = {}
    flags: dict[str, str] | None = None
    at = _sign(text, 0, "{")
    while True:
        name, at = _decode(text, at)
        at = _sign(text, at, ":")
        if name == "flags":
            flags, at = _flags(text, _sign(text, at, "["), known)
        else:
            head[name], at = _decode(text, at)
        at = _skip(text, at)
        if text[at] == "}":
            if _skip(text, at + 1) != len(text):
                raise ValueError("more than one value")
            return head, flags
        at = _sign(text, at, ",")


def _flags(text: str, at: int, known: Mapping[str, str]) -> tuple[dict[str, str], int]:
    """The texts of a list, from behind its bracket, and where it ends. They mostly come in the order known."""
    found: dict[str, str] = {}
    expected = list(known.items())
    places = {key: number for number, key in enumerate(known)}
    place = 0
    if text[at] == "]":
        return found, at + 1
    while True:
        key, held = expected[place] if place < len(expected) else ("", "")
        if held and text.startswith(held, at):
            end = at + len(held)
        else:
            flag, end = _decode(text, at)
            key, held = _checked(flag), text[at:end]
            place = places.get(key, place - 1)
        found[key] = held
        place += 1
        at = _skip(text, end)
        if text[at] == "]":
            return found, at + 1
        at = _sign(text, at, ",")


def _skip(text: str, at: int) -> int:
    gap = _gap(text, at)
    return gap.end() if gap else at


def _sign(text: str, at: int, sign: str) -> int:
    """Behind this sign and the gap after it."""
    at = _skip(text, at)
    if text[at] != sign:
        raise ValueError(f"{text[at]!r} where {sign!r} belongs")
    return _skip(text, at + 1)


def _checked(flag: Any) -> str:
    """The key of what looks like a flag. Raises KeyError, TypeError or ValueError for anything else.

    The rules are looked into when the flag is compiled.
    """
    variants, serve = flag["variants"], flag["serve"]
    lists = (flag["allow"], flag["deny"], flag["prerequisites"], flag["rules"])
    served = [serve] if isinstance(serve, str) else [variant for variant, _ in serve]
    sound = (
        isinstance(flag["key"], str)
        and flag["type"] in KINDS
        and flag["bucketing"] in ("js31", "murmur3")
        and isinstance(flag["salt"], str)
        and isinstance(flag["enabled"], bool)
        and isinstance(flag["percentage"], (int, float))
        and all(isinstance(one, list) for one in lists)
        and all(variant in variants for variant in [*served, flag["off"]])
    )
    if not sound:
        raise ValueError(f"flag {flag['key']!r} is not whole")
    return str(flag["key"])
