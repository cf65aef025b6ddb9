"""How a change request reads: its state, what it changes, and who may do what with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from approvals.domain.states import RequestState
from approvals.models import ChangeRequest
from core import beside
from core.changes import Difference, differences

LOOK = {  # state: (words, tone, icon)
    RequestState.OPEN: ("waits for approval", "warn", "hourglass_top"),
    RequestState.APPROVED: ("approved", "ok", "verified"),
    RequestState.APPLIED: ("applied", "info", "done_all"),
    RequestState.REJECTED: ("rejected", "bad", "block"),
    RequestState.WITHDRAWN: ("withdrawn", "mute", "undo"),
    RequestState.EXPIRED: ("expired", "mute", "timer_off"),
}
COUNTS = ("allow_count", "deny_count")  # told by the lists themselves
FACTS = {
    "source": "promoted from",
    "skipped": "skips",
    "waiver": "why the order is left",
    "template": "ramp",
    "flag": "of",
}
NEW_RAMP = "ramp:new"  # the subject of the effect of a start, which has no number yet
SAMPLE = 6
MOST = 500
SHORT = 60
LINES = 40


@dataclass(frozen=True, slots=True)
class ListLine:
    """Who joins or leaves a list."""

    text: str
    tone: str
    npubs: Sequence[str]

    @property
    def first(self) -> Sequence[str]:
        return self.npubs[:SAMPLE]

    @property
    def shown(self) -> Sequence[str]:
        """What a page can show without growing heavy."""
        return self.npubs[:MOST]

    @property
    def more(self) -> int:
        return max(0, len(self.npubs) - SAMPLE)

    @property
    def untold(self) -> int:
        return max(0, len(self.npubs) - MOST)


@dataclass(frozen=True, slots=True)
class Part:
    """What a request does to one thing: a flag, a segment, a ramp. `steps` are those of a new ramp."""

    subject: str
    name: str
    url: str
    fields: list[Difference]
    lists: list[ListLine]
    facts: list[tuple[str, str]]
    steps: list[str]


def parts(request: ChangeRequest) -> list[Part]:
    """What the request changes, before and after, one part for each thing."""
    return [_part(request, effect, request.changes) for effect in request.effects]


def _part(request: ChangeRequest, effect: Mapping[str, Any], changes: Sequence[Mapping[str, Any]]) -> Part:
    subject = effect["subject"]
    noun, _, key = subject.partition(":")
    known = subject != NEW_RAMP
    return Part(
        subject=subject,
        name=key if noun == "flag" else f"{noun.replace('_', ' ').capitalize()} {key}" if known else "New ramp",
        url=beside.page_of(subject, request.environment.key) if known else "",
        fields=fields(effect) if known else [],
        lists=list(_lists(changes, key)) if noun == "flag" else [],
        facts=[(words, _told(effect["data"][name])) for name, words in FACTS.items() if effect["data"].get(name)],
        steps=[] if known else _steps(effect["data"].get("steps", [])),
    )


def raises(request: ChangeRequest) -> list[tuple[str, Decimal]]:
    """The flags that the request raises, each with the percentage it brings them to."""
    found = []
    for effect in request.effects:
        noun, _, key = effect["subject"].partition(":")
        before, after = _reach(effect["before"]), _reach(effect["after"])
        if noun == "flag" and after > before:
            found.append((key, after))
    return found


def _reach(picture: Mapping[str, Any]) -> Decimal:
    return Decimal(str(picture.get("percentage", 0))) if picture.get("enabled") else Decimal(0)


def _steps(steps: Any) -> list[str]:
    """The steps of a ramp, as its start tells them; of a very long one the first."""
    told = steps["first"] if isinstance(steps, Mapping) else steps
    return [f"{step['label']}: {step['percentage']:g} %" for step in told]


def fields(effect: Mapping[str, Any]) -> list[Difference]:
    """The fields that one effect changes; lists are told on their own."""
    pictures = [{k: v for k, v in effect[side].items() if k not in COUNTS} for side in ("before", "after")]
    return differences(*pictures)


def _lists(changes: Sequence[Mapping[str, Any]], flag: str) -> Iterator[ListLine]:
    """From the changes themselves, which hold every npub."""
    for change in changes:
        if change["flag"] != flag:
            continue
        for name, edit in _edits(change):
            for verb, tone, npubs in (("join", "ok", edit.get("add", [])), ("leave", "bad", edit.get("remove", []))):
                if npubs:
                    yield ListLine(_moved(len(npubs), verb, name), tone, npubs)


def _edits(change: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    payload = change["payload"]
    if change["kind"] in ("flag.allow_list", "flag.deny_list"):
        yield change["kind"].partition(".")[2].replace("_", "-"), payload
    elif change["kind"] == "flag.promotion":
        yield from ((f"{name}-list", payload["configuration"].get(name, {})) for name in ("allow", "deny"))


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def summary(request: ChangeRequest) -> list[str]:
    """What it changes in one line for each thing: `atomicMeltOperations: percentage 10 → 25`.

    From the effects alone, which hold no long list.
    """
    return [_summary(_part(request, effect, []), effect) for effect in request.effects]


def _summary(part: Part, effect: Mapping[str, Any]) -> str:
    own = "deny-list" if "flag.deny_list_changed" in effect["events"] else "allow-list"
    lists = {"added": own, "removed": own, "deny_added": "deny-list", "deny_removed": "deny-list"}
    counts = [
        (_count(effect["data"].get(key)), name, "leave" if "removed" in key else "join") for key, name in lists.items()
    ]
    told = [*_told_of(part), *(_moved(count, verb, name) for count, name, verb in counts if count)]
    return f"{part.name}: {', '.join(told) or 'changes'}"


def _count(held: Any) -> int:
    """Of a list, or of a long one as effects tell it."""
    return int(held["count"]) if isinstance(held, Mapping) else len(held or ())


def _moved(count: int, verb: str, name: str) -> str:
    return f"{count:,} {verb}{'s' if count == 1 else ''} the {name}"


def lines(request: ChangeRequest) -> list[str]:
    """The same with a line for each field; at most 40 of them."""
    found = [f"{part.name}: {told}" for part in parts(request) for told in _told_of(part) or ["changes"]]
    more = [f"And {len(found) - LINES:,} more, which the page shows."] if len(found) > LINES else []
    return [*found[:LINES], *more]


def _told_of(part: Part) -> list[str]:
    """Each field and each list in a few words."""
    short = (
        f"{each.field} {each.before or '–'} → {each.after or '–'}"
        if max(len(each.before), len(each.after)) < SHORT
        else f"{each.field} changes"
        for each in part.fields
    )
    steps = [f"raises it by the clock, {'; '.join(part.steps)}"] if part.steps else []
    return [*short, *(line.text for line in part.lists), *steps]


@dataclass(frozen=True, slots=True)
class Field:
    """One field that two requests set for the same thing; `both`: each of them does."""

    name: str
    now: str
    this: str
    other: str

    @property
    def both(self) -> bool:
        return bool(self.this and self.other)


def side_by_side(request: ChangeRequest, other: ChangeRequest, subject: str) -> list[Field]:
    """What each of two requests makes of one thing, field by field; those that both change come first."""
    mine, theirs = _changed(request, subject), _changed(other, subject)
    found = [
        Field(name, (mine.get(name) or theirs[name])[0], mine.get(name, ("", ""))[1], theirs.get(name, ("", ""))[1])
        for name in dict.fromkeys([*mine, *theirs])
    ]
    return sorted(found, key=lambda field: not field.both)


def _changed(request: ChangeRequest, subject: str) -> dict[str, tuple[str, str]]:
    """By field: how it is, and how it shall be."""
    flag = subject.partition(":")[2]
    moved = {
        change["kind"]: ("", "by the clock")
        for change in request.changes
        if change["flag"] == flag and change["kind"].startswith("ramp.")
    }
    part = next((part for part in parts(request) if part.subject == subject), None)
    if part is None:
        return moved
    told = moved | {field.field: (field.before, field.after or "removed") for field in part.fields}
    for line in part.lists:
        verb, _, name = line.text.partition(" the ")
        told[name] = ("", f"{told[name][1]}, {verb}" if name in told else verb)
    return told
