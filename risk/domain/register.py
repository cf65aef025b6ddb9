"""A risk of the register as it is written down (seed: Deployment Risks)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

from core.errors import Invalid
from core.texts import check_text, need_text, read_field
from risk.domain.levels import Level, RiskState

KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
LINKS = ("trigger", "alert", "ramp", "checklist")
PROBABILITIES = (Level.LOW, Level.MEDIUM, Level.HIGH)
MOST = 30


@dataclass(frozen=True, slots=True)
class Entry:
    """What may happen, how likely and how bad it is, and what is done about it. `review_on` is an ISO date or empty."""

    title: str
    probability: str
    impact: str
    mitigations: list[str]
    owner: str
    state: str
    review_on: str
    links: list[dict[str, str]]

    @classmethod
    def read(cls, key: str, values: Mapping[str, Any]) -> Entry:
        """From plain values; Invalid names the field that cannot be accepted."""
        if not KEY.fullmatch(key):
            raise Invalid("A risk's key has small letters, digits and hyphens, at most 60.", field="key")
        unknown = set(values) - set(DEFINED)
        if unknown:
            raise Invalid(f"A risk has no {min(unknown)!r}; it has {', '.join(DEFINED)}.", field=min(unknown))
        return cls(
            title=need_text(values.get("title"), "Say what may happen.", field="title", longest=200),
            probability=_word(values, "probability", PROBABILITIES),
            impact=_word(values, "impact", tuple(Level)),
            mitigations=_mitigations(values.get("mitigations") or []),
            owner=read_field(values, "owner", 120),
            state=_word({"state": RiskState.OPEN.value, **values}, "state", tuple(RiskState)),
            review_on=_date(values.get("review_on") or ""),
            links=_links(values.get("links") or []),
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


DEFINED = tuple(field.name for field in fields(Entry))


def _word(values: Mapping[str, Any], field: str, known: tuple[Any, ...]) -> str:
    value = values.get(field, "")
    if value not in list(known):
        raise Invalid(f"One of {', '.join(known)}, not {value!r:.40}.", field=field)
    return str(value)


def _mitigations(given: Any) -> list[str]:
    if not isinstance(given, list) or len(given) > MOST:
        raise Invalid(f"At most {MOST} sentences.", field="mitigations")
    return [text for one in given if (text := check_text(one, field="mitigations", longest=300))]


def _date(given: Any) -> str:
    if not given:
        return ""
    try:
        return date.fromisoformat(str(given)).isoformat()
    except ValueError:
        raise Invalid(f"A date like 2026-03-09, not {given!r:.40}.", field="review_on") from None


def _links(given: Any) -> list[dict[str, str]]:
    if not isinstance(given, list) or len(given) > MOST:
        raise Invalid(f"At most {MOST} links.", field="links")
    for one in given:
        if not isinstance(one, Mapping) or set(one) != {"kind", "key"} or one["kind"] not in LINKS:
            raise Invalid(f'A link is {{"kind": one of {", ".join(LINKS)}, "key": key}}.', field="links")
        check_text(one["key"], field="links", longest=120)
    return [dict(one) for one in given]
