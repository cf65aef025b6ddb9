"""An alert rule as it is written down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from alerting.domain import templates
from alerting.domain.durations import LONGEST
from core.errors import Invalid
from core.texts import check_storable, read_field
from monitoring.domain.promql import parse, presence

SEVERITIES = ("critical", "high", "warning", "info")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ .:-]{0,119}")
LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,49}")
MOST_LABELS = 16


@dataclass(frozen=True, slots=True)
class Definition:
    """When an alert fires, and what it says.

    Args:
        expr: PromQL; each element of its result is an alert.
        condition: how it was written, where that was not PromQL.
        source: the data source that evaluates it, a Prometheus; empty: it is evaluated here, over what is kept.
        for_seconds: how long it must hold before it fires; `keep_firing_seconds`: how long it fires on afterwards.
    """

    expr: str
    condition: str
    for_seconds: int
    keep_firing_seconds: int
    severity: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    runbook_url: str
    enabled: bool
    source: str = ""

    @classmethod
    def read(cls, name: str, values: Mapping[str, Any]) -> Definition:
        """From plain values; Invalid names the field that cannot be accepted."""
        if not NAME.fullmatch(name):
            raise Invalid(
                "A rule's name begins with a letter and has at most 120 letters, digits and - _ . :", field="name"
            )
        unknown = set(values) - set(DEFINED)
        if unknown:
            raise Invalid(f"A rule has no {min(unknown)!r}; it has {', '.join(DEFINED)}.", field=min(unknown))
        expr, source = read_field(values, "expr", 2_000), read_field(values, "source", 60)
        if source:
            presence(expr, ())  # that server knows all of PromQL
        else:
            parse(expr)
        severity = read_field(values, "severity", 20)
        if severity not in SEVERITIES:
            raise Invalid(f"One of {', '.join(SEVERITIES)}, not {severity!r}.", field="severity")
        return cls(
            expr=expr,
            condition=read_field(values, "condition", 500),
            for_seconds=_seconds(values, "for_seconds"),
            keep_firing_seconds=_seconds(values, "keep_firing_seconds"),
            severity=severity,
            labels=_texts(values, "labels"),
            annotations=_texts(values, "annotations"),
            runbook_url=_url(values),
            enabled=_switch(values),
            source=source,
        )

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values: what a row and an event keep."""
        return {field: dict(v) if isinstance(v := getattr(self, field), Mapping) else v for field in DEFINED}


DEFINED = tuple(field.name for field in fields(Definition))


def _seconds(values: Mapping[str, Any], field: str) -> int:
    value = values.get(field, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST:
        raise Invalid("Seconds from 0 to 31 days.", field=field)
    return value


def _texts(values: Mapping[str, Any], field: str) -> dict[str, str]:
    given = values.get(field) or {}
    if not isinstance(given, Mapping) or len(given) > MOST_LABELS:
        raise Invalid(f"At most {MOST_LABELS} names with texts.", field=field)
    for name, value in given.items():
        if not isinstance(name, str) or not LABEL.fullmatch(name) or not isinstance(value, str):
            raise Invalid(
                f"{name!r:.60}: a name has letters, digits and underscores, and its value is a text.", field=field
            )
        check_storable(value, field=field)
        templates.check(value, field=field)
    return dict(given)


def _url(values: Mapping[str, Any]) -> str:
    value = read_field(values, "runbook_url", 500)
    if value and urlsplit(value).scheme not in ("http", "https"):
        raise Invalid("An address that begins with http:// or https://.", field="runbook_url")
    return value


def _switch(values: Mapping[str, Any]) -> bool:
    value = values.get("enabled", True)
    if not isinstance(value, bool):
        raise Invalid(f"true or false, not {value!r}.", field="enabled")
    return value
