"""The picture of one environment that evaluation reads: immutable, in memory, compiled once per change.

The order of decision: disabled, allow-list, percentage, off. Nothing here is locked: what is filled in later
(the memo of buckets, ready decisions) is only a cache, and two threads that fill it write the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from types import MappingProxyType

from core.errors import NotFound
from flags.domain.bucketing import (
    JS31_BUCKETS,
    MURMUR3_BUCKETS,
    Bucketing,
    js31_memo,
    murmur3_bucket,
    remember_js31,
)
from flags.domain.configuration import EnvironmentConfig, FlagConfig
from flags.domain.decision import Decision, Rule


class _Flag:
    """One compiled flag. `fixed` is the answer for everybody beyond the allow-list, where there is one."""

    __slots__ = ("allowed", "buckets", "fixed", "key", "listed", "nobody", "ready", "salt", "share", "template")

    def __init__(self, config: FlagConfig, version: int) -> None:
        salted = config.bucketing is Bucketing.MURMUR3
        percentage = int(config.percentage) if config.percentage % 1 == 0 else float(config.percentage)
        self.key = config.key
        self.buckets = MURMUR3_BUCKETS if salted else JS31_BUCKETS
        self.salt = config.salt if salted else None
        self.share = ceil(config.percentage * self.buckets / 100) if config.enabled else 0
        self.allowed = config.allowed if config.enabled else frozenset()
        rule = Rule.PERCENTAGE if config.enabled else Rule.DISABLED
        self.template = Decision(
            config.key,
            self.share >= self.buckets,
            rule,
            percentage,
            None,
            self.buckets,
            MappingProxyType(dict(config.parameters)),
            version,
        )
        self.fixed = None if 0 < self.share < self.buckets else self.template
        self.listed = self.template._replace(value=True, rule=Rule.ALLOW_LIST)
        self.nobody = self.template._replace(value=False, rule=Rule.NO_KEY)
        self.ready: list[Decision | None] = [None] * JS31_BUCKETS

    def split(self, bucket: int) -> Decision:
        share, buckets, kept = self.share, self.buckets, self.template
        return Decision(
            kept.key, bucket < share, kept.rule, kept.percentage, bucket, buckets, kept.parameters, kept.version
        )

    def at(self, bucket: int) -> Decision:
        """The decision of a js31 flag that is the same for all units of a bucket."""
        found = self.fixed or self.ready[bucket]
        if found is None:
            found = self.ready[bucket] = self.split(bucket)
        return found

    def salted(self, unit: str) -> Decision:
        return self.split(murmur3_bucket(unit, self.salt or "")) if unit else self.nobody


class Snapshot:
    """All flags of one environment at one version."""

    def __init__(self, config: EnvironmentConfig) -> None:
        self.environment = config.environment
        self.version = config.version
        self._flags = {flag.key: _Flag(flag, config.version) for flag in config.flags}
        flags = self._flags.values()
        self._salted = tuple(flag for flag in flags if flag.salt is not None and flag.fixed is None)
        self._by_bucket = tuple(flag for flag in flags if flag.salt is None or flag.fixed is not None)
        self._listing = tuple(flag for flag in flags if flag.allowed)
        self._anyone = frozenset().union(*(flag.allowed for flag in self._listing))
        self._ready: list[Mapping[str, Decision] | None] = [None] * JS31_BUCKETS

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._flags)

    def is_on(self, key: str, unit: str) -> bool:
        """The bare answer, fast. A flag that does not exist here is off."""
        try:
            flag = self._flags[key]
        except KeyError:
            return False
        if unit in flag.allowed:
            return True
        if flag.fixed is not None:
            return flag.fixed.value
        if flag.salt is not None:
            return bool(unit) and murmur3_bucket(unit, flag.salt) < flag.share
        bucket = js31_memo.get(unit)
        return (remember_js31(unit) if bucket is None else bucket) < flag.share

    def decide(self, key: str, unit: str) -> Decision:
        """The answer with its reason. Raises NotFound for a flag that does not exist here."""
        flag = self._flags.get(key)
        if flag is None:
            raise NotFound(f"There is no flag {key!r} in environment {self.environment!r}.")
        if unit in flag.allowed:
            return flag.listed
        if flag.fixed is not None:
            return flag.fixed
        if flag.salt is not None:
            return flag.salted(unit)
        bucket = js31_memo.get(unit)
        return flag.at(remember_js31(unit) if bucket is None else bucket)

    def decide_all(self, unit: str) -> dict[str, Decision]:
        """Every flag's answer by its key."""
        bucket = js31_memo.get(unit)
        decisions = dict(self.of_bucket(remember_js31(unit) if bucket is None else bucket))
        for flag in self._salted:
            decisions[flag.key] = flag.salted(unit)
        if unit in self._anyone:
            for flag in self._listing:
                if unit in flag.allowed:
                    decisions[flag.key] = flag.listed
        return decisions

    def of_bucket(self, bucket: int) -> Mapping[str, Decision]:
        """The decisions that all unlisted units of this js31 bucket share."""
        ready = self._ready[bucket]
        if ready is None:
            ready = self._ready[bucket] = {flag.key: flag.at(bucket) for flag in self._by_bucket}
        return ready

    def shared_bucket(self, unit: str) -> int | None:
        """The unit's js31 bucket when `of_bucket` is its whole answer; None when it has one of its own."""
        if self._salted or unit in self._anyone:
            return None
        bucket = js31_memo.get(unit)
        return remember_js31(unit) if bucket is None else bucket
