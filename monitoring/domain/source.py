"""A server that measurements are pulled from, as it is written down."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from core.errors import Invalid
from core.texts import check_storable, read_field
from monitoring.domain.metrics import MetricKind, Push

KEY = re.compile(r"[a-z][a-z0-9-]{0,59}")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_:]{0,99}")
KINDS = ("prometheus", "probe")
AUTHS = ("none", "bearer", "basic")
NCTOOL = "${NCTOOL_URL}"  # the address of nctool, from the settings
MOST_QUERIES = 200


@dataclass(frozen=True, slots=True)
class Definition:
    """What is pulled from where.

    Args:
        kind: `prometheus`, whose queries are asked; `probe`, whose address is fetched: `up` is 1 or 0, and `probe_ms`.
        url: http or https; it may begin with `${NCTOOL_URL}`.
        auth: how to sign in; the secrets come from the environment of the process, never from here.
        timeout, interval: seconds.
        queries: by metric, `{"query": PromQL, "kind": "gauge" | "counter"}`; a counter's value is a running total.
    """

    name: str
    kind: str
    url: str
    auth: str
    timeout: float
    interval: int
    queries: Mapping[str, Mapping[str, str]]
    enabled: bool

    @classmethod
    def read(cls, key: str, values: Mapping[str, Any]) -> Definition:
        """From plain values; Invalid names the field that cannot be accepted."""
        if not KEY.fullmatch(key) or key in list(Push):
            raise Invalid("A source's key has small letters, digits and hyphens, and is no door's name.", field="key")
        unknown = set(values) - set(DEFINED)
        if unknown:
            raise Invalid(f"A source has no {min(unknown)!r}; it has {', '.join(DEFINED)}.", field=min(unknown))
        kind, auth = values.get("kind"), values.get("auth", "none")
        if kind not in KINDS:
            raise Invalid(f"One of {', '.join(KINDS)}, not {kind!r}.", field="kind")
        if auth not in AUTHS:
            raise Invalid(f"One of {', '.join(AUTHS)}, not {auth!r}.", field="auth")
        return cls(
            name=read_field(values, "name", 120) or key,
            kind=kind,
            url=_url(values.get("url")),
            auth=auth,
            timeout=_number(values, "timeout", 5, 0.5, 30),
            interval=int(_number(values, "interval", 10, 10, 3600)),
            queries=_queries(values.get("queries") or {}, kind),
            enabled=values.get("enabled", True) is True,
        )

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values: what a row and an event keep."""
        found = {field: getattr(self, field) for field in DEFINED}
        return {**found, "queries": {name: dict(query) for name, query in self.queries.items()}}


DEFINED = tuple(field.name for field in fields(Definition))


def address(url: str, nctool: str) -> str:
    """The address with nctool's in it; empty when it needs that one and there is none."""
    if not url.startswith(NCTOOL):
        return url
    return f"{nctool.rstrip('/')}{url.removeprefix(NCTOOL)}" if nctool else ""


def _url(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 500:
        raise Invalid("An address of at most 500 characters.", field="url")
    check_storable(value, field="url")
    parts = urlsplit(value.replace(NCTOOL, "http://nctool", 1))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid(f"An address that begins with http://, https:// or {NCTOOL}.", field="url")
    if parts.username or parts.password:
        raise Invalid("No secrets in an address: name how to sign in under auth.", field="url")
    return value


def _number(values: Mapping[str, Any], field: str, default: float, low: float, high: float) -> float:
    value = values.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Invalid(f"Seconds, not {value!r}.", field=field)
    if not low <= value <= high:
        raise Invalid(f"Seconds from {low:g} to {high:g}.", field=field)
    return value


def _queries(given: Any, kind: str) -> dict[str, dict[str, str]]:
    if not isinstance(given, Mapping) or len(given) > MOST_QUERIES:
        raise Invalid(f"At most {MOST_QUERIES} queries by the name of their metric.", field="queries")
    if kind == "probe" and given:
        raise Invalid("A probe has no queries.", field="queries")
    found = {}
    for name, query in given.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise Invalid(f"{name!r:.60} is no metric's name.", field="queries")
        if not isinstance(query, Mapping) or set(query) - {"query", "kind"} or not isinstance(query.get("query"), str):
            raise Invalid(f'{name}: {{"query": PromQL, "kind": "gauge" or "counter"}}.', field="queries")
        as_kind = query.get("kind", MetricKind.GAUGE.value)
        if as_kind not in (MetricKind.GAUGE.value, MetricKind.COUNTER.value):
            raise Invalid(f"{name}: gauge or counter, not {as_kind!r}.", field="queries")
        if len(query["query"]) > 2_000 or not query["query"].strip():
            raise Invalid(f"{name}: a query has 1 to 2,000 characters.", field="queries")
        check_storable(query["query"], field="queries")
        found[name] = {"query": query["query"], "kind": as_kind}
    return found
