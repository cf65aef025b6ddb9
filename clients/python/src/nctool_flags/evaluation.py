"""Evaluation: from memory, without I/O or locks, and always with an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from nctool_flags.bucketing import Units
from nctool_flags.compiling import Decide
from nctool_flags.conditions import UNIT_ATTRIBUTE, Attributes
from nctool_flags.decision import NO_KEY, Decision, Outcome
from nctool_flags.snapshot import Snapshot

Context = str | Mapping[str, object] | None
T = TypeVar("T")

_NOTHING: Attributes = {}
_KINDS = {bool: "boolean", str: "string", int: "number", float: "number"}


class InvalidContext(ValueError):
    """The context is no text and no mapping, or its targetingKey is no text."""


class Evaluator:
    """Answers from one snapshot. Alone it is for tests: `Evaluator({"format": 1, ...})`.

    A context is an npub, or a mapping of attributes in which `targetingKey` is the npub, or None.
    Values of JSON flags are shared: do not change them.
    """

    def __init__(self, document: Mapping[str, Any] | None = None) -> None:
        """Raises BadDocument when the document is no snapshot."""
        self._units = Units()
        self._memo = self._units.buckets
        self._snapshot: Snapshot | None = None
        self._deciders: Mapping[str, Decide] = {}
        if document is not None:
            self._hold(Snapshot.read(json.dumps(document).encode(), self._memo))

    def is_on(self, key: str, context: Context = None, *, default: bool = False) -> bool:
        """Whether a flag is on, one of another type: not at its off variant. `default` when it gives no value."""
        try:
            if context.__class__ is str:
                if context not in self._memo:
                    self._units.meet(context)
                outcome = (self._deciders.get(key) or self._decider(key))(context, _NOTHING)
            else:
                outcome = self._decide(key, context)
            outcome.tick()
            return default if outcome.on is None else outcome.on
        except Exception:  # an evaluation never raises
            return default

    def value(self, key: str, context: Context = None, default: T | None = None) -> T | Any:
        """The value of the flag's variant; `default` when it has none, or none of the default's type."""
        try:
            outcome = self._decide(key, context)
            outcome.tick()
            return outcome.value if outcome.has_value and _fits(outcome, default) else default
        except Exception:
            return default

    def why(self, key: str, context: Context = None, default: object = None) -> Decision:
        """The value with its reason, its bucket, and the flag's parameters."""
        try:
            return self._explain(key, context, default)
        except InvalidContext as error:
            return self._failure(key, default, "INVALID_CONTEXT", str(error))
        except Exception as error:
            return self._failure(key, default, "GENERAL", f"{type(error).__name__}: {error}")

    @property
    def version(self) -> int:
        """The configuration version that is answered from; 0 when there is none yet."""
        return self._snapshot.version if self._snapshot is not None else 0

    @property
    def environment(self) -> str:
        return self._snapshot.environment if self._snapshot is not None else ""

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._snapshot.texts) if self._snapshot is not None else ()

    def _hold(self, snapshot: Snapshot) -> None:
        self._snapshot, self._deciders = snapshot, snapshot.deciders

    def _decide(self, key: str, context: Context) -> Outcome:
        unit, attributes = _read(context)
        if unit not in self._memo:
            self._units.meet(unit)
        return (self._deciders.get(key) or self._decider(key))(unit, attributes)

    def _decider(self, key: str) -> Decide:
        """The first time that a flag is asked for. Raises KeyError when there is none."""
        decide = self._snapshot.decider(key) if self._snapshot is not None else None
        if decide is None:
            raise KeyError(key)
        return decide

    def _explain(self, key: str, context: Context, default: object) -> Decision:
        snapshot = self._snapshot
        if snapshot is None:
            return self._failure(key, default, "PROVIDER_NOT_READY", "No snapshot has been read yet.")
        decide, flag = snapshot.decider(key), snapshot.find(key)
        if decide is None or flag is None:
            return self._failure(key, default, "FLAG_NOT_FOUND", f"There is no flag {key!r} in {snapshot.environment}.")
        unit, attributes = _read(context)
        if unit not in self._memo:
            self._units.meet(unit)
        outcome = decide(unit, attributes)
        outcome.tick()
        told = key, default, snapshot.environment, snapshot.version, flag.parameters
        if outcome.has_value and not _fits(outcome, default):
            text = f"The flag answers with a {outcome.kind}, the default is a {type(default).__name__}."
            return Decision(*told, error_code="TYPE_MISMATCH", error=text)
        missing = outcome.rule == NO_KEY
        return Decision(
            key,
            outcome.value if outcome.has_value else default,
            *told[2:],
            outcome.variant,
            outcome.reason,
            outcome.rule,
            outcome.name,
            outcome.percentage,
            flag.bucket(unit) if outcome.bucketed else None,
            "TARGETING_KEY_MISSING" if missing else "",
            "The flag splits its units, and no targetingKey was given." if missing else "",
        )

    def _failure(self, key: str, default: object, code: str, text: str) -> Decision:
        return Decision(key, default, self.environment, self.version, error_code=code, error=text)


def _read(context: Context) -> tuple[str, Attributes]:
    """The unit and the attributes; a missing or empty targetingKey is no unit."""
    if context is None:
        return "", _NOTHING
    if isinstance(context, str):
        return context, _NOTHING
    if not isinstance(context, Mapping):
        raise InvalidContext(f"a context is an npub or a mapping, not {type(context).__name__}")
    unit = context.get(UNIT_ATTRIBUTE)
    if unit is not None and not isinstance(unit, str):
        raise InvalidContext(f"targetingKey is a text, not {type(unit).__name__}")
    return unit or "", context


def _fits(outcome: Outcome, default: object) -> bool:
    """Whether code that expects the default's type can use the value. Any value fits where the default is None."""
    return default is None or _KINDS.get(type(default), "json") == outcome.kind
