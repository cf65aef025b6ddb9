"""What a change request may hold: the kinds of changes, and the arguments that each of them takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from core.asking import Change
from core.errors import Invalid

MOST = 200  # changes of one request: more than that nobody reads


class Payload(BaseModel):
    """A misspelt argument is refused, never ignored."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class State(Payload):
    enabled: bool | None = None
    percentage: str | int | float | None = None
    parameters: dict[str, Any] | None = None
    patch: dict[str, Any] | None = None


class ListEdit(Payload):
    add: list[str] = []
    remove: list[str] = []


class Targeting(Payload):
    targeting: dict[str, Any]


class RampStart(Payload):
    """`starts_at` is ISO 8601 with its offset; one that is over when the request is applied means: at once."""

    template: str
    starts_at: str | None = None
    pace: int | None = None
    soak: int | None = None
    hours: dict[str, Any] | None = None


class RampMove(Payload):
    ramp: int


class Rule(Payload):
    """`above`: points of reach for raise, npubs for allow_list, else 0. `expires_after` in seconds."""

    above: str | int | float = 0
    approvals: int = Field(default=1, ge=1, le=3)
    expires_after: int = Field(default=3 * 86_400, ge=300, le=90 * 86_400)


class Segment(Payload):
    key: str
    name: str
    conditions: list[Any]
    description: str = ""


class Promotion(Payload):
    """As `flags.domain.promotion` makes it, which also reads it."""

    source: str
    configuration: dict[str, Any]
    waiver: str = ""


KINDS: Mapping[str, Any] = {
    "flag.state": State,
    "flag.allow_list": ListEdit,
    "flag.deny_list": ListEdit,
    "flag.targeting": Targeting,
    "flag.promotion": Promotion,
    "flag.definition": dict[str, Any],
    "segment": Segment,
    "ramp.start": RampStart,
    "ramp.resume": RampMove,
    "ramp.advance": RampMove,
    "rules": dict[str, Rule],
}
WITHOUT_FLAG = frozenset({"segment", "rules"})
_ADAPTERS = {kind: TypeAdapter(shape) for kind, shape in KINDS.items()}


def check(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes as they are kept.

    Raises Invalid, with the field `changes.<index>.<where>`, for an unknown kind, an argument that the kind does not
    take or that has another type, a flag that is missing or too much, and for no change at all or more than 200.
    """
    if not 1 <= len(changes) <= MOST:
        raise Invalid(f"A change request holds 1 to {MOST} changes, not {len(changes)}.", field="changes")
    return tuple(_checked(index, change) for index, change in enumerate(changes))


def _checked(index: int, change: Change) -> Change:
    where = f"changes.{index}"
    if change.kind not in _ADAPTERS:
        raise Invalid(f"There is no kind {change.kind!r}. Known: {', '.join(KINDS)}.", field=f"{where}.kind")
    if bool(change.flag) is (change.kind in WITHOUT_FLAG):
        message = f"A change of the kind {change.kind} {'names no' if change.flag else 'names its'} flag."
        raise Invalid(message, field=f"{where}.flag")
    try:
        _ADAPTERS[change.kind].validate_python(dict(change.payload))
    except ValidationError as error:
        flaw = error.errors()[0]
        field = ".".join([where, "payload", *map(str, flaw["loc"])])
        raise Invalid(f"{field}: {flaw['msg']}.", field=field) from None
    return Change(change.kind, change.flag, _storable(change.payload, f"{where}.payload"))


def _storable(payload: Mapping[str, Any], field: str) -> dict[str, Any]:
    """As JSON that every database keeps."""
    try:
        text = json.dumps(payload, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Invalid(f"{field} must be JSON: {error}.", field=field) from None
    if "\\u0000" in text:
        raise Invalid(f"{field} holds the character NUL, which cannot be stored.", field=field)
    stored: dict[str, Any] = json.loads(text)
    return stored


def shown(payload: Any, *, most: int = 20) -> Any:
    """The same with long lists as `{"count": n, "first": [...]}`: for events and pages, not for doing it."""
    if isinstance(payload, Mapping):
        return {name: shown(value, most=most) for name, value in payload.items()}
    if isinstance(payload, list) and len(payload) > most:
        return {"count": len(payload), "first": payload[:most]}
    return payload
