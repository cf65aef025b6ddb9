"""Decisions as OFREP tells them, in bytes. Rendered once where many units share the answer."""

from __future__ import annotations

from typing import Any

import mmh3
import orjson

from flags.domain.bucketing import JS31_BUCKETS
from flags.domain.decision import Decision, Reason, Rule
from flags.domain.snapshot import Snapshot

NO_KEY = "This flag splits users, so it needs a targetingKey in the context."


def failure(code: str, details: str, key: str | None = None) -> dict[str, Any]:
    """Clients read a failure only when it has `errorCode` and `errorDetails`, and for one flag its `key`."""
    body = {"errorCode": code, "errorDetails": details}
    return body if key is None else {"key": key, **body}


def evaluation(decision: Decision, version: int | None = None) -> dict[str, Any]:
    """One flag's answer. A disabled flag has no value: the default in the caller's code holds."""
    if decision.rule is Rule.NO_KEY:
        return failure("TARGETING_KEY_MISSING", NO_KEY, decision.key)
    body: dict[str, Any] = {
        "key": decision.key,
        "reason": decision.reason,
        "variant": decision.variant,
        "metadata": _metadata(decision),
    }
    if version is not None:
        body["metadata"]["configVersion"] = version
    if decision.reason is not Reason.DISABLED:
        body["value"] = decision.value
    return body


def _metadata(decision: Decision) -> dict[str, Any]:
    """The flag's parameters and why: only texts, numbers and booleans, which is all the JavaScript SDKs take.

    A parameter that is a list or an object arrives as its JSON text, and one that is null is left out.
    """
    told: dict[str, Any] = {}
    for name, value in decision.parameters.items():
        if isinstance(value, str | int | float):
            told[name] = value
        elif value is not None:
            told[name] = orjson.dumps(value).decode()
    told |= {"rule": decision.rule, "percentage": decision.percentage}
    if decision.bucket is not None:
        told["bucket"] = decision.bucket
    return told


class _Fragments:
    """Evaluations in bytes. With a version it is told in each, for answers about one flag."""

    def __init__(self, version: int | None = None) -> None:
        self._version = version
        self._whole: dict[tuple[str, Rule, int | None], bytes] = {}
        self._halves: dict[tuple[str, bool], tuple[bytes, bytes]] = {}

    def of(self, decision: Decision) -> bytes:
        if decision.bucket is not None and decision.buckets != JS31_BUCKETS:
            return self._salted(decision, decision.bucket)
        place = (decision.key, decision.rule, decision.bucket)
        found = self._whole.get(place)
        if found is None:
            found = self._whole[place] = orjson.dumps(evaluation(decision, self._version))
        return found

    def _salted(self, decision: Decision, bucket: int) -> bytes:
        """Of 10,000 buckets only the two halves around the bucket's number are kept, for in and for out."""
        place = (decision.key, decision.value)
        halves = self._halves.get(place)
        if halves is None:
            whole = orjson.dumps(evaluation(decision, self._version))
            before, name, after = whole.rpartition(b'"bucket":')  # within a text the quotes would be escaped
            halves = self._halves[place] = (before + name, after.removeprefix(b"%d" % bucket))
        return b"%b%d%b" % (halves[0], bucket, halves[1])


class Bodies:
    """The answers of one snapshot. Those that all units of a js31 bucket share are kept."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._alone = _Fragments(snapshot.version)
        self._among = _Fragments()  # without the version: a client shall see only those flags change that did
        self._pages: dict[int, tuple[bytes, str]] = {}
        self._tail = b'],"metadata":%b}' % orjson.dumps(
            {"environment": snapshot.environment, "configVersion": snapshot.version}
        )

    def one(self, key: str, unit: str) -> tuple[bytes, bool]:
        """The body for one flag, and whether it is a failure. Raises NotFound."""
        decision = self.snapshot.decide(key, unit)
        return self._alone.of(decision), decision.rule is Rule.NO_KEY

    def all(self, unit: str) -> tuple[bytes, str]:
        """The body for all flags and its ETag, which differs whenever the body does."""
        bucket = self.snapshot.shared_bucket(unit)
        if bucket is None:
            return self._page(unit)
        page = self._pages.get(bucket)
        if page is None:
            page = self._pages[bucket] = self._page(unit)
        return page

    def _page(self, unit: str) -> tuple[bytes, str]:
        decisions = self.snapshot.decide_all(unit).values()
        body = b'{"flags":[' + b",".join(map(self._among.of, decisions)) + self._tail
        return body, f'"{mmh3.hash_bytes(body).hex()}"'
