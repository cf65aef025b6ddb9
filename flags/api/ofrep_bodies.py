"""Decisions as OFREP tells them, in bytes. Rendered once where many units share the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import mmh3
import orjson

from flags.api.counting import Counting, Hit
from flags.domain.conditions import Context
from flags.domain.decision import Decision, Rule
from flags.domain.snapshot import Snapshot

_KEPT = 256 * 1024  # bytes: a larger page is made anew each time, for there are a hundred of them
NO_KEY = "This flag splits users, so it needs a targetingKey in the context."


def failure(code: str, details: str, key: str | None = None) -> dict[str, Any]:
    """Clients read a failure only when it has `errorCode` and `errorDetails`, and for one flag its `key`."""
    body = {"errorCode": code, "errorDetails": details}
    return body if key is None else {"key": key, **body}


def evaluation(decision: Decision, version: int | None = None) -> dict[str, Any]:
    """One flag's answer. A disabled flag has no value: the default in the caller's code holds."""
    if decision.rule is Rule.NO_KEY:
        return failure("TARGETING_KEY_MISSING", NO_KEY, decision.key)
    value = {"value": decision.value} if decision.has_value else {}
    metadata = _metadata(decision) | ({} if version is None else {"configVersion": version})
    told = {"reason": decision.reason, "variant": decision.variant, "metadata": metadata}
    return {"key": decision.key, **value, **told}


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
    if decision.name:
        told["ruleName" if decision.rule is Rule.RULE else "prerequisite"] = decision.name
    if decision.bucket is not None:
        told["bucket"] = decision.bucket
    return told


class _Fragments:
    """Evaluations in bytes, each counted by what `counted` gives. With a version it is told in each, for answers
    about one flag."""

    def __init__(self, counted: Callable[[Decision], Hit], version: int | None = None) -> None:
        self._counted = counted
        self._version = version
        self._whole: dict[tuple[str, Rule, str, str], tuple[bytes, Hit]] = {}
        self._halves: dict[tuple[str, Rule, str, str], tuple[bytes, bytes, Hit]] = {}

    def of(self, decision: Decision) -> bytes:
        place = (decision.key, decision.rule, decision.variant, decision.name)
        if decision.bucket is not None:
            return self._around(decision, decision.bucket, place)
        found = self._whole.get(place)
        if found is None:
            whole = orjson.dumps(evaluation(decision, self._version))
            found = self._whole[place] = (whole, self._counted(decision))
        found[1]()
        return found[0]

    def _around(self, decision: Decision, bucket: int, place: tuple[str, Rule, str, str]) -> bytes:
        """Of all buckets with the same answer only the two halves around the bucket's number are kept."""
        halves = self._halves.get(place)
        if halves is None:
            whole = orjson.dumps(evaluation(decision, self._version))
            before, name, after = whole.rpartition(
                b'"bucket":'
            )  # the value stands before it; in texts quotes are escaped
            halves = (before + name, after.removeprefix(b"%d" % bucket), self._counted(decision))
            self._halves[place] = halves
        halves[2]()
        return b"%b%d%b" % (halves[0], bucket, halves[1])


class Bodies:
    """The answers of one snapshot. What all units of a js31 bucket share is kept, and counted as one."""

    def __init__(self, snapshot: Snapshot, counting: Counting) -> None:
        self.snapshot = snapshot
        self.counted = counting.sheet(snapshot, self)
        self._hits = self.counted.buckets
        self._alone = _Fragments(self.counted.of, snapshot.version)
        self._among = _Fragments(self.counted.of)  # no version: a client shall see only those flags change that did
        self._common = _Fragments(lambda _: int)  # counted by the bucket
        self._shared: dict[int, bytes] = {}
        self._pages: dict[int, tuple[bytes, str]] = {}
        self._tail = b'],"metadata":%b}' % orjson.dumps(
            {"environment": snapshot.environment, "configVersion": snapshot.version}
        )

    def one(self, key: str, unit: str, context: Context) -> tuple[bytes, bool]:
        """The body for one flag, and whether it is a failure. Raises NotFound."""
        decision = self.snapshot.decide(key, unit, context)
        return self._alone.of(decision), decision.rule is Rule.NO_KEY

    def all(self, unit: str, context: Context) -> tuple[bytes, str]:
        """The body for all flags and its ETag, which differs whenever the body does."""
        bucket = self.snapshot.shared_bucket(unit)
        if bucket is None:
            return self._page(_rendered(self._among, self.snapshot.decide_all(unit, context)))
        self._hits[bucket]()
        own = self.snapshot.own(unit, context, bucket)
        if own:
            return self._page(self._of_bucket(bucket), _rendered(self._among, own))
        page = self._pages.get(bucket)
        if page is None:
            page = self._page(self._of_bucket(bucket))
            if len(page[0]) <= _KEPT:
                self._pages[bucket] = page
        return page

    def _of_bucket(self, bucket: int) -> bytes:
        shared = self._shared.get(bucket)
        if shared is None:
            shared = _rendered(self._common, self.snapshot.of_bucket(bucket))
            if len(shared) <= _KEPT:
                self._shared[bucket] = shared
        return shared

    def _page(self, *parts: bytes) -> tuple[bytes, str]:
        body = b'{"flags":[%b%b' % (b",".join(filter(None, parts)), self._tail)
        return body, f'"{mmh3.hash_bytes(body).hex()}"'


def _rendered(fragments: _Fragments, decisions: Mapping[str, Decision]) -> bytes:
    return b",".join(map(fragments.of, decisions.values()))
