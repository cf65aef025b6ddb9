"""One flag of the snapshot document, compiled to a function that decides.

The order: disabled, prerequisites (prerequisites.py), deny-list, allow-list, rules, percentage. The common kinds of
flag are one function each, because a call costs as much as all else that it does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Any

from nctool_flags.bucketing import JS31_BUCKETS, MURMUR3_BUCKETS, js31_bucket, murmur3_bucket
from nctool_flags.conditions import Attributes, Holds, compile_all
from nctool_flags.decision import DISABLED, NO_KEY, SPLIT, STATIC, TARGETING_MATCH, Outcome

Decide = Callable[[str, Attributes], Outcome]
Step = Callable[[str], Outcome]
UsageRow = tuple[str, str, str, int]  # flag, variant, reason, count


class Flag:
    """A compiled flag. Raises KeyError, TypeError or ValueError for what is no flag of the document.

    `answer` decides as if all prerequisites were met; `wanted` are these, each with the variants that meet it and the
    answer when it is not met; a disabled flag asks for none. `memo` are the js31 buckets that are known.
    """

    def __init__(self, document: Mapping[str, Any], segments: Mapping[str, Holds], memo: Mapping[str, int]) -> None:
        self.key: str = document["key"]
        self.kind: str = document["type"]
        self.enabled: bool = document["enabled"]
        self.parameters: Mapping[str, Any] = document.get("parameters") or {}
        self.outcomes: list[Outcome] = []
        self._percentage: float = document["percentage"]
        self._variants: Mapping[str, Any] = document["variants"]
        self._serve_as, self._off = document["serve"], document["off"]
        self._salted = {"murmur3": True, "js31": False}[document["bucketing"]]
        self._salt: str = document["salt"]
        self._buckets = MURMUR3_BUCKETS if self._salted else JS31_BUCKETS
        self._memo = memo
        self.answer: Decide = self._compile(document, segments)
        self.wanted = tuple(
            (one["flag"], frozenset(one["variants"]), self._off_for(TARGETING_MATCH, "prerequisite", one["flag"]))
            for one in (document["prerequisites"] if self.enabled else ())
        )

    def bucket(self, unit: str) -> int:
        """Where the unit stands in the rollout: 0 to 99 (js31) or 9999."""
        if self._salted:
            return murmur3_bucket(unit, self._salt)
        bucket = self._memo.get(unit)
        return js31_bucket(unit) if bucket is None else bucket

    def usage(self) -> Iterator[UsageRow]:
        """What was answered since the last call. One thread at a time."""
        for outcome in self.outcomes:
            count = outcome.take_count()
            if count:
                yield self.key, outcome.variant, outcome.reason, count

    def _outcome(self, variant: str, reason: str, rule: str, percentage: float, **told: Any) -> Outcome:
        value = self._variants[variant]
        on = value is True if self.kind == "boolean" else variant != self._off
        made = Outcome(self.kind, variant, value, reason, rule, percentage, on=on, **told)
        self.outcomes.append(made)
        return made

    def _off_for(self, reason: str, rule: str, name: str = "") -> Outcome:
        return self._outcome(self._off, reason, rule, self._percentage, name=name)

    def _compile(self, document: Mapping[str, Any], segments: Mapping[str, Holds]) -> Decide:
        if not self.enabled:
            disabled = self._off_for(DISABLED, "disabled")
            return lambda unit, attributes: disabled
        deny, allow = frozenset(document["deny"]), frozenset(document["allow"])
        denied = self._off_for(TARGETING_MATCH, "deny-list")
        listed = self._serve(self._serve_as, TARGETING_MATCH, "allow-list", self._percentage)
        rules = tuple((compile_all(rule["when"], segments), self._rule(rule)) for rule in document["rules"])
        share, plain = self._share(self._percentage), isinstance(self._serve_as, str)
        if not rules and plain and 0 < share < self._buckets:
            return self._split(deny, denied, allow, listed(""), share)
        return _ruled(deny, denied, allow, listed, rules, self._rest())

    def _split(
        self, deny: frozenset[str], denied: Outcome, allow: frozenset[str], member: Outcome, share: int
    ) -> Decide:
        """A flag of lists and a percentage, as most are; the two functions differ in their bucket only."""
        inside, outside = (
            self._outcome(variant, SPLIT, "percentage", self._percentage, bucketed=True)
            for variant in (self._serve_as, self._off)
        )
        memo, salt, nobody = self._memo, self._salt, self._off_for(SPLIT, NO_KEY)

        def by_js31(unit: str, attributes: Attributes) -> Outcome:
            if unit in deny:
                return denied
            if unit in allow:
                return member
            bucket = memo.get(unit)
            return inside if (js31_bucket(unit) if bucket is None else bucket) < share else outside

        def by_murmur3(unit: str, attributes: Attributes) -> Outcome:
            if unit in deny:
                return denied
            if unit in allow:
                return member
            return (inside if murmur3_bucket(unit, salt) < share else outside) if unit else nobody

        return by_murmur3 if self._salted else by_js31

    def unmet(self, known: Mapping[str, Outcome]) -> Outcome | None:
        """The answer when a prerequisite is not met: it is missing, has no value, or another variant."""
        for key, variants, unmet in self.wanted:
            answer = known.get(key)
            if answer is None or not answer.has_value or answer.variant not in variants:
                return unmet
        return None

    def _rest(self) -> Step:
        """Whom no list and no rule has decided about."""
        fixed = self._share(self._percentage) in (0, self._buckets)
        return self._step(self._percentage, self._serve_as, STATIC if fixed else SPLIT, "percentage")

    def _rule(self, rule: Mapping[str, Any]) -> Step:
        reason = TARGETING_MATCH if self._share(rule["percentage"]) >= self._buckets else SPLIT
        return self._step(rule["percentage"], rule["serve"], reason, "rule", rule["name"])

    def _step(self, percentage: float, serve: Any, reason: str, rule: str, name: str = "") -> Step:
        """Those inside the percentage are served, the others get the off variant."""
        share = self._share(percentage)
        bucketed = 0 < share < self._buckets
        if share <= 0:
            off = self._outcome(self._off, reason, rule, percentage, name=name)
            return lambda unit: off
        served = self._serve(serve, reason, rule, percentage, name=name, bucketed=bucketed)
        if not bucketed:
            return served
        off = self._outcome(self._off, reason, rule, percentage, name=name, bucketed=True)
        memo, salt, nobody = self._memo, self._salt, self._off_for(SPLIT, NO_KEY, name)

        def by_js31(unit: str) -> Outcome:
            bucket = memo.get(unit)
            return served(unit) if (js31_bucket(unit) if bucket is None else bucket) < share else off

        def by_murmur3(unit: str) -> Outcome:
            return (served(unit) if murmur3_bucket(unit, salt) < share else off) if unit else nobody

        return by_murmur3 if self._salted else by_js31

    def _serve(self, serve: Any, reason: str, rule: str, percentage: float, **told: Any) -> Step:
        """One variant, or a split of them by weights, which has a hash of its own."""
        if isinstance(serve, str):
            only = self._outcome(serve, reason, rule, percentage, **told)
            return lambda unit: only
        reason = SPLIT if reason == STATIC else reason
        bounds = list(accumulate(round(weight * 100) for _, weight in serve))[:-1]  # the last part has all that is left
        outcomes = [self._outcome(variant, reason, rule, percentage, **told) for variant, _ in serve]
        nobody, salt = self._off_for(SPLIT, NO_KEY, told.get("name", "")), f"{self._salt or self.key}:variant"
        return lambda unit: outcomes[bisect_right(bounds, murmur3_bucket(unit, salt))] if unit else nobody

    def _share(self, percentage: float) -> int:
        """How many of the first buckets are inside; percentages have steps of 0.01."""
        return -(-round(percentage * 100) * self._buckets // 10_000)


def _ruled(
    deny: frozenset[str],
    denied: Outcome,
    allow: frozenset[str],
    listed: Step,
    rules: tuple[tuple[Holds, Step], ...],
    otherwise: Step,
) -> Decide:
    def decide(unit: str, attributes: Attributes) -> Outcome:
        if unit in deny:
            return denied
        if unit in allow:
            return listed(unit)
        for holds, step in rules:
            if holds(unit, attributes):
                return step(unit)
        return otherwise(unit)

    return decide
