"""One row of the catalogue as it is written down."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import Invalid
from core.texts import read_field
from monitoring.domain.promql import parse

KEY = re.compile(r"[a-z_][a-z0-9_]{0,99}")
TEXTS = {"title": 120, "unit": 20, "meaning": 2_000, "group": 60, "query": 2_000, "owner": 120}
NEEDED = ("title", "meaning", "group", "owner")
BETTER = ("lower", "higher", "")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a metric means, and how it is computed. `better` tells which way is good: lower, higher, or neither."""

    title: str
    unit: str
    meaning: str
    group: str
    query: str
    owner: str
    better: str
    warning: float | None
    critical: float | None
    position: int

    @classmethod
    def read(cls, key: str, values: Mapping[str, Any]) -> Entry:
        """From plain values; Invalid names the field that cannot be accepted."""
        if not KEY.fullmatch(key):
            raise Invalid("A metric's key has small letters, digits and underscores, at most 100.", field="key")
        unknown = set(values) - set(DEFINED)
        if unknown:
            raise Invalid(f"A metric has no {min(unknown)!r}; it has {', '.join(DEFINED)}.", field=min(unknown))
        texts = {field: read_field(values, field, longest, needed=field in NEEDED) for field, longest in TEXTS.items()}
        if texts["query"]:
            _check_query(texts["query"])
        if values.get("better", "") not in BETTER:
            raise Invalid("lower, higher, or empty when neither is.", field="better")
        entry = cls(
            **texts,
            better=values.get("better", ""),
            warning=_band(values, "warning"),
            critical=_band(values, "critical"),
            position=values.get("position", 0),
        )
        entry._check_bands()
        return entry

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values: what a row and an event keep."""
        return {field: getattr(self, field) for field in DEFINED}

    def _check_bands(self) -> None:
        if self.warning is None or self.critical is None:
            return
        if (self.critical - self.warning) * (1 if self.better != "higher" else -1) < 0:
            raise Invalid("The critical band lies beyond the warning, on the side that is worse.", field="critical")

    def band(self, value: float) -> str:
        """`critical`, `warning`, or empty for a value that is fine, or of a metric without bands."""
        for name in ("critical", "warning"):
            limit = getattr(self, name)
            if limit is not None and (value < limit if self.better == "higher" else value > limit):
                return name
        return ""


DEFINED = (*TEXTS, "better", "warning", "critical", "position")


def _band(values: Mapping[str, Any], field: str) -> float | None:
    value = values.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Invalid(f"A number, not {value!r}.", field=field)
    return float(value)


def _check_query(text: str) -> None:
    try:
        parse(text)
    except Invalid as error:
        raise Invalid(str(error), field="query") from None
