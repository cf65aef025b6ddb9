"""One flag, compiled: everything that does not depend on the unit or its context is worked out once.

A `PlainFlag` is a disabled one, or needs only allow-list and percentage: all units of a bucket share its answer.
A `TargetedFlag` is every other one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from math import ceil
from types import MappingProxyType
from typing import Any, Literal

from flags.domain.bucketing import (
    JS31_BUCKETS,
    MURMUR3_BUCKETS,
    Bucketing,
    js31_memo,
    murmur3_bucket,
    remember_js31,
)
from flags.domain.conditions import Conditions, Context, Holds, compiled, segment_of
from flags.domain.configuration import FlagConfig
from flags.domain.decision import Decision, Reason, Rule
from flags.domain.values import ValueType, off_by_default, served_by_default, typed

UNIT = "targetingKey"  # the attribute of the context that is the unit itself

Serve = str | Sequence[Sequence[Any]]
Segments = Mapping[str, Conditions]
Head = tuple[Any, ...]  # a decision without its bucket
_new = tuple.__new__  # Decision._make does the same, with a call in between
_NONE_READY: list[Decision | None] = [None] * JS31_BUCKETS  # shared: most of ten thousand flags are never asked for


class Terms:
    """What all answers of one flag have in common."""

    __slots__ = ("buckets", "key", "off", "on", "parameters", "percentage", "salt", "serve", "split_salt", "variants")

    def __init__(self, config: FlagConfig) -> None:
        salted = config.bucketing is Bucketing.MURMUR3
        self.key = config.key
        self.variants = typed(config.variants, config.value_type)
        self.serve: Serve = config.targeting.get("serve") or served_by_default(self.variants)
        self.off = self._there(config.targeting.get("off", ""))
        boolean = config.value_type is ValueType.BOOLEAN
        self.on = frozenset(key for key, value in self.variants.items() if (value if boolean else key != self.off))
        self.parameters = MappingProxyType(dict(config.parameters))
        self.percentage = _told(config.percentage)
        self.buckets = MURMUR3_BUCKETS if salted else JS31_BUCKETS
        self.salt = config.salt if salted else None
        self.split_salt = f"{config.salt or config.key}:variant"

    def head(
        self, variant: str, rule: Rule, reason: Reason, percentage: int | float | None = None, name: str = ""
    ) -> Head:
        percentage = self.percentage if percentage is None else percentage
        variant = variant if variant in self.variants else self.off
        return self.key, self.variants[variant], variant, rule, reason, percentage, self.buckets, self.parameters, name

    def off_for(self, rule: Rule, reason: Reason, name: str = "") -> Decision:
        """The same answer for everybody: the off variant."""
        return Decision(*self.head(self.off, rule, reason, name=name))

    def _there(self, variant: str) -> str:
        """Whatever was stored, an evaluation has an answer."""
        return variant if variant in self.variants else off_by_default(self.variants)


class Served:
    """What those get who have the feature: a variant, or their part of a split."""

    __slots__ = ("_bounds", "_heads", "_no_unit", "_split_salt", "head")

    def __init__(
        self, terms: Terms, serve: Serve, rule: Rule, reason: Reason, percentage: int | float, name: str = ""
    ) -> None:
        shares: Sequence[Sequence[Any]] = [(serve, 100)] if isinstance(serve, str) else serve
        self._heads = [terms.head(variant, rule, reason, percentage, name) for variant, _ in shares]
        self.head = self._heads[0] if isinstance(serve, str) else None
        ends = accumulate(round(weight * MURMUR3_BUCKETS / 100) for _, weight in shares)
        self._bounds = [*ends][:-1]  # the last part has all that is left
        self._split_salt = terms.split_salt
        self._no_unit = terms.off_for(Rule.NO_KEY, Reason.SPLIT, name)

    def answer(self, unit: str, bucket: int | None) -> Decision:
        if self.head is not None:
            return _new(Decision, (*self.head, bucket))
        if not unit:
            return self._no_unit
        part = bisect_right(self._bounds, murmur3_bucket(unit, self._split_salt))
        return _new(Decision, (*self._heads[part], bucket))


class Share:
    """A percentage: inside of it is served, beyond it is off. `fixed` is the answer where all get the same."""

    __slots__ = ("_inside", "_no_unit", "_outside", "fixed", "salt", "share")

    def __init__(self, terms: Terms, rule: Rule, percentage: Decimal, serve: Serve, name: str = "") -> None:
        self.salt = terms.salt
        self.share = ceil(percentage * terms.buckets / 100)
        everybody, nobody = self.share >= terms.buckets, self.share <= 0
        told = _told(percentage)
        reason = Reason.SPLIT
        if rule is Rule.RULE and everybody:
            reason = Reason.TARGETING_MATCH
        elif rule is not Rule.RULE and (nobody or (everybody and isinstance(serve, str))):
            reason = Reason.STATIC
        self._inside = Served(terms, serve, rule, reason, told, name)
        self._outside = terms.head(terms.off, rule, reason, told, name)
        self._no_unit = _new(Decision, (*terms.head(terms.off, Rule.NO_KEY, Reason.SPLIT, told, name), None))
        self.fixed: Decision | None = None
        if nobody or (everybody and self._inside.head is not None):
            self.fixed = Decision(*(self._outside if nobody else self._inside.head or ()))
        self.share = 0 if everybody else self.share  # then no bucket is asked for

    def answer(self, unit: str) -> Decision:
        if self.fixed is not None:
            return self.fixed
        if not self.share:
            return self._inside.answer(unit, None)
        if self.salt is None:
            bucket = js31_memo.get(unit)
            if bucket is None:
                bucket = remember_js31(unit)
        elif unit:
            bucket = murmur3_bucket(unit, self.salt)
        else:
            return self._no_unit
        return self._inside.answer(unit, bucket) if bucket < self.share else _new(Decision, (*self._outside, bucket))


class PlainFlag:
    """`fixed` is the answer for everybody beyond the allow-list, where there is one; `fixed_on` whether that is on."""

    __slots__ = (
        *("_inside", "_outside", "_ready", "allowed", "config", "fixed", "fixed_on"),
        *("key", "listed", "nobody", "salt", "share"),
    )
    targeted: Literal[False] = False
    reads_segments = False

    def __init__(self, config: FlagConfig, terms: Terms, serve: str) -> None:
        percentage = Share(terms, Rule.PERCENTAGE, config.percentage, serve)
        disabled = None if config.enabled else terms.off_for(Rule.DISABLED, Reason.DISABLED)
        self.config, self.key, self.salt = config, config.key, terms.salt
        self.allowed = config.allowed if config.enabled else frozenset()
        self.share = percentage.share
        self.fixed = disabled or percentage.fixed
        self.fixed_on = None if self.fixed is None else disabled is None and config.percentage > 0
        self.listed = Decision(*terms.head(serve, Rule.ALLOW_LIST, Reason.TARGETING_MATCH))
        self.nobody = terms.off_for(Rule.NO_KEY, Reason.SPLIT)
        self._inside = terms.head(serve, Rule.PERCENTAGE, Reason.SPLIT)
        self._outside = terms.head(terms.off, Rule.PERCENTAGE, Reason.SPLIT)
        self._ready = _NONE_READY

    def split(self, bucket: int) -> Decision:
        return _new(Decision, (*(self._inside if bucket < self.share else self._outside), bucket))

    def at(self, bucket: int) -> Decision:
        """The decision that is the same for all units of a js31 bucket."""
        found = self.fixed or self._ready[bucket]
        if found is None:
            if self._ready is _NONE_READY:
                self._ready = [None] * JS31_BUCKETS
            found = self._ready[bucket] = self.split(bucket)
        return found

    def salted(self, unit: str) -> Decision:
        if not unit:
            return self.nobody
        bucket = murmur3_bucket(unit, self.salt or "")
        return _new(Decision, (*(self._inside if bucket < self.share else self._outside), bucket))


class TargetedFlag:
    """An enabled flag with prerequisites, a deny-list, rules or a split.

    `prerequisites` are the flags it needs, each with the variants that will do. What a PlainFlag has and this has not
    is here so that the fast way through a plain one needs no question which kind it is.
    """

    targeted: Literal[True] = True
    allowed: frozenset[str] = frozenset()
    listed: Decision
    fixed: Decision | None = None
    fixed_on = None
    salt, share = "", 0

    __slots__ = (
        *("_allowed", "_default", "_denial", "_denied", "_listed", "_rules", "_unmet"),
        *("config", "key", "on", "prerequisites", "reads_segments", "reads_unit"),
    )

    def __init__(self, config: FlagConfig, terms: Terms, segments: Segments) -> None:
        targeting = config.targeting
        rules = targeting.get("rules", ())
        found = (segment_of(condition) for rule in rules for condition in rule["when"])
        named = {key for key in found if key is not None}
        used = [*rules, *({"when": segments.get(key, ())} for key in named)]
        self.config, self.key, self.on = config, config.key, terms.on
        self.prerequisites = tuple(
            (wanted["flag"], frozenset(wanted["variants"])) for wanted in targeting.get("prerequisites", ())
        )
        self.reads_segments = bool(named)
        self.reads_unit = any(condition.get("attribute") == UNIT for rule in used for condition in rule["when"])
        self._allowed, self._denied = config.allowed, config.denied
        self._unmet = {
            flag: terms.off_for(Rule.PREREQUISITE, Reason.TARGETING_MATCH, flag) for flag, _ in self.prerequisites
        }
        self._denial = terms.off_for(Rule.DENY_LIST, Reason.TARGETING_MATCH)
        self._listed = Served(terms, terms.serve, Rule.ALLOW_LIST, Reason.TARGETING_MATCH, terms.percentage)
        self._default = Share(terms, Rule.PERCENTAGE, config.percentage, terms.serve)
        self._rules = tuple(_rule(terms, rule, segments) for rule in rules)

    def unmet(self, known: Mapping[str, Decision]) -> Decision | None:
        """The answer when a prerequisite is not met by what the other flags answered; None when all are."""
        for flag, wanted in self.prerequisites:
            found = known.get(flag)
            if found is None or not found.has_value or found.variant not in wanted:
                return self._unmet[flag]
        return None

    def answer(self, unit: str, context: Context) -> Decision:
        """The answer, its prerequisites being met."""
        if unit in self._denied:
            return self._denial
        if unit in self._allowed:
            return self._listed.answer(unit, None)
        if self.reads_unit:
            context = {**context, UNIT: unit or None}
        for conditions, share in self._rules:
            for holds in conditions:
                if not holds(context):
                    break
            else:
                return share.answer(unit)
        return self._default.answer(unit)


def compile_flag(config: FlagConfig, segments: Segments) -> PlainFlag | TargetedFlag:
    """The flag as it will be asked."""
    terms, targeting = Terms(config), config.targeting
    simple = not (config.denied or targeting.get("prerequisites") or targeting.get("rules"))
    serve = terms.serve if isinstance(terms.serve, str) else ""
    if not config.enabled:
        return PlainFlag(config, terms, serve or terms.off)
    if simple and serve in terms.on and terms.off not in terms.on:
        return PlainFlag(config, terms, serve)
    return TargetedFlag(config, terms, segments)


def _rule(terms: Terms, rule: Mapping[str, Any], segments: Segments) -> tuple[tuple[Holds, ...], Share]:
    percentage = Decimal(str(rule.get("percentage", 100)))
    share = Share(terms, Rule.RULE, percentage, rule.get("serve") or terms.serve, rule["name"])
    return compiled(rule["when"], segments), share


def _told(percentage: Decimal) -> int | float:
    return int(percentage) if percentage % 1 == 0 else float(percentage)
