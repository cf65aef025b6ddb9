"""The picture of one environment that evaluation reads: immutable, in memory, compiled once per change.

The order of decision (docs/targeting.md): disabled, prerequisites, deny-list, allow-list, rules, percentage. Nothing
here is locked: what is filled in later (the memo of buckets, ready decisions) is only a cache, and two threads that
fill it write the same.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain
from operator import is_
from types import MappingProxyType
from typing import Any

from core.errors import NotFound
from flags.domain.bucketing import JS31_BUCKETS, js31_memo, murmur3_bucket, remember_js31
from flags.domain.compiled import PlainFlag, TargetedFlag, compile_flag
from flags.domain.conditions import Context
from flags.domain.configuration import EnvironmentConfig
from flags.domain.decision import Decision, Rule
from flags.domain.prerequisites import settled

NOTHING: Context = MappingProxyType({})  # no context
_LONG = 2_000  # npubs: longer lists are asked one by one, for copying them into one set would hold other threads up


class Snapshot:
    """All flags of one environment at one version.

    `previous` is the picture before: what did not change is taken from it.
    """

    def __init__(self, config: EnvironmentConfig, previous: Snapshot | None = None) -> None:
        self.environment, self.version = config.environment, config.version
        self._config = config
        self._flags = _compiled(config, previous)
        plain = [flag for flag in self._flags.values() if isinstance(flag, PlainFlag)]
        self._targeted = {flag.key: flag for flag in self._flags.values() if isinstance(flag, TargetedFlag)}
        self._salted = tuple(flag for flag in plain if flag.salt is not None and flag.fixed is None)
        self._by_bucket = tuple(flag for flag in plain if flag.salt is None or flag.fixed is not None)
        self._listing = tuple(flag for flag in plain if flag.allowed)
        self._ready: list[dict[str, Decision] | None] = [None] * JS31_BUCKETS
        self._lists = tuple(flag.allowed for flag in self._listing)
        self._anyone = _union(self._lists, previous)
        self._long = tuple(npubs for npubs in self._lists if len(npubs) > _LONG)
        asking = {
            key: [name for name, _ in flag.prerequisites] for key, flag in self._targeted.items() if flag.prerequisites
        }
        self._asking = {key: place for place, key in enumerate(settled(asking))}
        self._circling = tuple(self._targeted[key] for key in asking if key not in self._asking)
        self._chains: dict[str, tuple[str, ...]] = {}

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._flags)

    def is_on(self, key: str, unit: str, context: Context = NOTHING) -> bool:
        """The bare answer, fast: of a boolean flag its value, of another whether it is not its off variant.

        A flag that does not exist here is off.
        """
        try:
            flag = self._flags[key]
        except KeyError:
            return False
        if unit in flag.allowed:
            return True
        if flag.fixed_on is not None:
            return flag.fixed_on
        if flag.salt is not None:
            if flag.targeted is True:
                decision = self._by_targeting(flag, unit, context)
                return decision.variant in flag.on and decision.rule is not Rule.NO_KEY
            return bool(unit) and murmur3_bucket(unit, flag.salt) < flag.share
        bucket = js31_memo.get(unit)
        return (remember_js31(unit) if bucket is None else bucket) < flag.share

    def value_of(self, key: str, unit: str, default: Any, context: Context = NOTHING) -> Any:
        """The value, or `default` where the flag does not exist here, is disabled, or needs a unit and has none."""
        try:
            decision = self.decide(key, unit, context)
        except NotFound:
            return default
        return decision.value if decision.has_value else default

    def decide(self, key: str, unit: str, context: Context = NOTHING) -> Decision:
        """The answer with its reason. Raises NotFound for a flag that does not exist here.

        `unit` is empty when there is none; `context` are the attributes that rules ask for.
        """
        flag = self._flags.get(key)
        if flag is None:
            raise NotFound(f"There is no flag {key!r} in environment {self.environment!r}.")
        if unit in flag.allowed:
            return flag.listed
        if flag.fixed is not None:
            return flag.fixed
        if flag.salt is not None:
            return self._by_targeting(flag, unit, context) if flag.targeted is True else flag.salted(unit)
        bucket = js31_memo.get(unit)
        return flag.at(remember_js31(unit) if bucket is None else bucket)

    def decide_all(self, unit: str, context: Context = NOTHING) -> dict[str, Decision]:
        """Every flag's answer by its key."""
        bucket = js31_memo.get(unit)
        if bucket is None:
            bucket = remember_js31(unit)
        decisions = dict(self._ready[bucket] or self.of_bucket(bucket))
        for flag in self._salted:
            decisions[flag.key] = flag.salted(unit)
        if unit in self._anyone or (self._long and any(unit in npubs for npubs in self._long)):
            for flag in self._listing:
                if unit in flag.allowed:
                    decisions[flag.key] = flag.listed
        if self._targeted:
            self._add_targeted(decisions, decisions, unit, context)
        return decisions

    def of_bucket(self, bucket: int) -> dict[str, Decision]:
        """The decisions that all unlisted units of this js31 bucket share."""
        ready = self._ready[bucket]
        if ready is None:
            ready = self._ready[bucket] = {flag.key: flag.at(bucket) for flag in self._by_bucket}
        return ready

    def given(self, units: Sequence[int]) -> Iterator[tuple[Decision, int]]:
        """How often each decision of `of_bucket` was given, when so many units of each bucket asked: of decisions
        that differ only in their bucket, one stands for all."""
        up_to = [0, *accumulate(units)]
        for flag in self._by_bucket:
            inside = up_to[-1] if flag.fixed is not None else up_to[flag.share]
            yield flag.at(0), inside
            yield flag.at(JS31_BUCKETS - 1), up_to[-1] - inside

    def shared_bucket(self, unit: str) -> int | None:
        """The unit's js31 bucket: `of_bucket` and `own` are its whole answer. None when it is on an allow-list."""
        if unit in self._anyone or (self._long and any(unit in npubs for npubs in self._long)):
            return None
        bucket = js31_memo.get(unit)
        return remember_js31(unit) if bucket is None else bucket

    def own(self, unit: str, context: Context, bucket: int) -> dict[str, Decision]:
        """The decisions beside those of the unit's bucket, for a unit on no allow-list."""
        if not self._salted and not self._targeted:
            return {}
        decisions = {flag.key: flag.salted(unit) for flag in self._salted}
        self._add_targeted(decisions, ChainMap(decisions, self.of_bucket(bucket)), unit, context)
        return decisions

    def _add_targeted(
        self, decisions: dict[str, Decision], known: Mapping[str, Decision], unit: str, context: Context
    ) -> None:
        """`known` sees what is added to `decisions`, and the answers of all other flags."""
        for flag in self._targeted.values():
            if not flag.prerequisites:
                decisions[flag.key] = flag.answer(unit, context)
        for flag in self._circling:
            decisions[flag.key] = flag.unmet({}) or flag.answer(unit, context)
        for key in self._asking:
            flag = self._targeted[key]
            decisions[key] = flag.unmet(known) or flag.answer(unit, context)

    def _by_targeting(self, flag: TargetedFlag, unit: str, context: Context) -> Decision:
        unmet = self._unmet(flag, unit, context) if flag.prerequisites else None
        return unmet or flag.answer(unit, context)

    def _unmet(self, flag: TargetedFlag, unit: str, context: Context) -> Decision | None:
        """The answer when a prerequisite is not met. Flags are asked in their order, so nothing calls itself."""
        known: dict[str, Decision] = {}
        for name in self._chain(flag.key):
            asked = self._targeted.get(name)
            if asked is None:
                known[name] = self.decide(name, unit, context)
            else:
                known[name] = asked.unmet(known) or asked.answer(unit, context)
        return flag.unmet(known)

    def _chain(self, key: str) -> tuple[str, ...]:
        """All flags that this one needs, also through others, each after those that it needs itself.

        Empty for a flag that leads into a circle, so that its prerequisites are not met.
        """
        found = self._chains.get(key)
        if found is None:
            found = self._chains[key] = self._needed(key) if key in self._asking else ()
        return found

    def _needed(self, key: str) -> tuple[str, ...]:
        needed: set[str] = set()
        ahead = [key]
        while ahead:
            asking = self._targeted.get(ahead.pop())
            for name, _ in asking.prerequisites if asking else ():
                if name not in needed and name in self._flags:
                    needed.add(name)
                    ahead.append(name)
        return tuple(sorted(needed, key=lambda name: self._asking.get(name, -1)))


def _compiled(config: EnvironmentConfig, previous: Snapshot | None) -> dict[str, PlainFlag | TargetedFlag]:
    """The flags by their key, as they were where neither they nor the segments they name have changed."""
    segments = {segment.key: segment.conditions for segment in config.segments}
    before = {} if previous is None else previous._flags
    moved = previous is not None and previous._config.segments is not config.segments
    found = {}
    for flag in config.flags:
        known = before.get(flag.key)
        if known is None or known.config is not flag or (moved and known.reads_segments):
            known = compile_flag(flag, segments)
        found[flag.key] = known
    return found


def _union(lists: tuple[frozenset[str], ...], previous: Snapshot | None) -> frozenset[str]:
    """Who is on any of the short lists; the same set as before when no list changed."""
    if previous is not None and len(lists) == len(previous._lists) and all(map(is_, lists, previous._lists)):
        return previous._anyone
    return frozenset(chain.from_iterable(npubs for npubs in lists if len(npubs) <= _LONG))
