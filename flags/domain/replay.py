"""What one npub was answered after each change of a flag: read backwards from the present, which is known.

An event holds the state before and after, and who joined or left a list by it. So the list of long ago follows from
the list of today, however much of the oldest history is gone. What the log does not hold is told, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

from flags.domain.bucketing import Bucketing
from flags.domain.configuration import FlagConfig
from flags.domain.rebucketing import Draw
from flags.domain.values import ValueType, variants_of

T = TypeVar("T")
GAP = "The state here differs from what the next change began with: a change between them is not in the history."
UNNAMED = "A list was changed later without naming npubs: before that, membership is taken to be as it was after."
ARCHIVED = "flag.archived"
RESTORED = "flag.restored"
CREATED = "flag.created"


@dataclass(frozen=True, slots=True)
class Told:
    """An event of the flag, newest first. `before` and `after` are pictures of its state, or of its definition."""

    id: int
    at: datetime
    kind: str
    actor: str
    reason: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    data: Mapping[str, Any]

    @property
    def of_state(self) -> bool:
        return "enabled" in self.before and "enabled" in self.after


@dataclass(frozen=True, slots=True)
class Identity:
    """What of the flag's definition decides: it is the same in every environment."""

    key: str
    bucketing: str
    salt: str
    group: str
    value_type: str
    variants: Sequence[Mapping[str, Any]]

    def before(self, event: Told) -> Identity:
        """As it was before this event."""
        known = {name: event.before[name] for name in self.__slots__ if name in event.before and not event.of_state}
        return replace(self, **known)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What was answered from `since` on. `event` made it so; None: what there was before the first event.

    `changed`: the answer differs from the one before. `doubt` says what the history cannot tell; empty when it is sure.
    """

    since: datetime | None
    event: Told | None
    answer: T
    changed: bool
    doubt: str


@dataclass(frozen=True, slots=True)
class Then:
    """Everything that an answer depended on at some time. `picture` is of the state, as events hold it.

    `loose`: the flag was archived after this, which switches it off without a word about its states.
    """

    unit: str
    picture: Mapping[str, Any]
    identity: Identity
    listed: bool
    denied: bool
    archived: bool = False
    loose: bool = False
    doubt: str = ""

    def after(self, event: Told) -> Then:
        """What this event left; all later ones have been undone."""
        if not event.of_state or _same(event.after, self.picture):
            return self
        return replace(self, picture=event.after, loose=False, doubt=self.doubt if self.loose else self.doubt or GAP)

    def before(self, event: Told) -> Then:
        """What there was before this event."""
        allow, deny = _lists(event)
        turned = event.kind in (ARCHIVED, RESTORED)
        return replace(
            self,
            picture=event.before if event.of_state else self.picture,
            identity=self.identity.before(event),
            listed=allow.before(self.unit, after=self.listed),
            denied=deny.before(self.unit, after=self.denied),
            archived=event.kind == RESTORED if turned else self.archived,
            loose=self.loose or event.kind == ARCHIVED,
            doubt=UNNAMED if _unnamed(event, allow, deny) else self.doubt,
        )

    def config(self) -> FlagConfig:
        """The flag as evaluation read it then, with this one npub on its lists."""
        identity, picture = self.identity, self.picture
        bucketing, only = Bucketing(identity.bucketing), frozenset({self.unit})
        return FlagConfig(
            key=identity.key,
            bucketing=bucketing,
            salt=Draw.of(bucketing, key=identity.key, salt=identity.salt, group=identity.group).salt,
            enabled=bool(picture["enabled"]),
            percentage=Decimal(str(picture["percentage"])),
            allowed=only if self.listed else frozenset(),
            denied=only if self.denied else frozenset(),
            parameters=picture.get("parameters") or {},
            value_type=ValueType(identity.value_type),
            variants=variants_of(identity.variants),
            targeting=picture.get("targeting") or {},
        )


def timeline(
    now: Then, events: Iterable[Told], answer: Callable[[Then], T], *, told: Callable[[T], object]
) -> list[Answer[T]]:
    """The answers from the newest to the oldest, one for each event that could change one.

    Args:
        now: the flag as it is, after all `events`, which come newest first.
        answer: what the npub gets, as of then.
        told: what of an answer must differ for it to count as another one.

    The last entry has no event: what was answered before the oldest one, unless that made the flag.
    """
    found: list[Answer[T]] = []
    then = now
    for event in filter(_matters, events):
        then = then.after(event)
        found.append(Answer(event.at, event, answer(then), False, then.doubt))
        if event.kind == CREATED:
            break
        then = then.before(event)
    else:
        found.append(Answer(None, None, answer(then), False, then.doubt))
    older = [*found[1:], None]
    return [replace(entry, changed=_differs(entry, old, told)) for entry, old in zip(found, older, strict=True)]


def _differs(entry: Answer[T], older: Answer[T] | None, told: Callable[[T], object]) -> bool:
    return older is None or told(entry.answer) != told(older.answer)


def _matters(event: Told) -> bool:
    drawn = any(name in event.before for name in Identity.__slots__)
    return event.of_state or drawn or event.kind in (ARCHIVED, RESTORED, CREATED)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two pictures decide the same. Events from before there was targeting have none."""
    scalars = all(one.get(name) == other.get(name) for name in ("enabled", "percentage", "allow_count"))
    return scalars and (one.get("targeting") or {}) == (other.get("targeting") or {})


class _List(NamedTuple):
    added: Collection[str]
    removed: Collection[str]
    grown: int

    @property
    def named(self) -> bool:
        """Whether the npubs that the event names explain how the list grew."""
        return len(self.added) - len(self.removed) == self.grown

    def before(self, unit: str, *, after: bool) -> bool:
        """Whether the unit was on the list before, when `after` says whether it is afterwards."""
        return (after and unit not in self.added) or unit in self.removed


def _lists(event: Told) -> tuple[_List, _List]:
    """What the event did to the allow-list and to the deny-list."""
    data = event.data
    plain = (data.get("added", ()), data.get("removed", ()))
    denying = event.kind == "flag.deny_list_changed"
    allow = ((), ()) if denying else plain
    deny = plain if denying else (data.get("deny_added", ()), data.get("deny_removed", ()))
    return (
        _List(allow[0], allow[1], _grown(event, "allow_count")),
        _List(deny[0], deny[1], _grown(event, "deny_count")),
    )


def _grown(event: Told, name: str) -> int:
    return int(event.after.get(name) or 0) - int(event.before.get(name) or 0) if event.of_state else 0


def _unnamed(event: Told, *lists: _List) -> bool:
    return event.of_state and not all(each.named for each in lists)
