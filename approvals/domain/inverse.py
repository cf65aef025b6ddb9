"""What takes a change of a flag back, found from the events that told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.asking import Change
from core.errors import Conflict


@dataclass(frozen=True, slots=True)
class Told:
    """An event of a flag: its pictures before and after, and what it added to and removed from the lists."""

    event_id: int
    kind: str
    actor: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    data: Mapping[str, Any] = field(default_factory=dict)


Values = dict[tuple[str, ...], tuple[Any, Any]]  # by field, for parameters also by name: before and after


def inverse(flag: str, events: Iterable[Told], *, now: Mapping[str, Any], since: Iterable[Told] = ()) -> list[Change]:
    """The changes that take these events of one flag back, only in the fields they changed.

    Args:
        events: oldest first.
        now: the picture of the flag's state.
        since: the flag's events after the last of `events`, oldest first.

    Raises Conflict, which names field, event and person, when a field has been changed since.
    """
    values = _folded(events)
    _check_untouched(flag, values, _folded_by_event(since))
    return [change for change in (_state(flag, values, now), *_lists(flag, values), _targeting(flag, values)) if change]


def _folded(events: Iterable[Told]) -> Values:
    """For each field the value before the first event and after the last one; fields that came back are left out."""
    found: Values = {}
    for event in events:
        for name, (before, after) in _touched(event).items():
            found[name] = (found.get(name, (before,))[0], after)
    return {name: (before, after) for name, (before, after) in found.items() if before != after}


def _folded_by_event(events: Iterable[Told]) -> list[tuple[Told, Values]]:
    return [(event, _touched(event)) for event in events]


def _touched(event: Told) -> Values:
    found: Values = {}
    for name in ("enabled", "percentage", "targeting"):
        if event.before.get(name) != event.after.get(name):
            found[name,] = (event.before.get(name), event.after.get(name))
    old, new = event.before.get("parameters") or {}, event.after.get("parameters") or {}
    for name in dict.fromkeys([*old, *new]):
        if name not in old or name not in new or old[name] != new[name]:
            found["parameters", name] = (_Maybe.of(old, name), _Maybe.of(new, name))
    for title, added, removed in _list_edits(event):
        found |= {(title, npub): (False, True) for npub in added}
        found |= {(title, npub): (True, False) for npub in removed}
    return found


def _list_edits(event: Told) -> Iterable[tuple[str, list[str], list[str]]]:
    """What an event did to each list. Events of the deny-list alone say `added` and `removed` of it."""
    of_deny = event.kind == "flag.deny_list_changed"
    plain = (event.data.get("added", []), event.data.get("removed", []))
    deny = (event.data.get("deny_added", []), event.data.get("deny_removed", []))
    yield ("allow-list", *(([], []) if of_deny else plain))
    yield ("deny-list", *(plain if of_deny else deny))


@dataclass(frozen=True, slots=True)
class _Maybe:
    """A parameter's value; `there` is False when the flag did not have it."""

    there: bool
    value: Any = None

    @classmethod
    def of(cls, values: Mapping[str, Any], name: str) -> _Maybe:
        return cls(True, values[name]) if name in values else cls(False)


def _check_untouched(flag: str, values: Values, since: list[tuple[Told, Values]]) -> None:
    for event, touched in since:
        for name in touched:
            if name in values:
                told = name[0] if len(name) == 1 else f"{name[1]} in the {name[0]}"
                raise Conflict(
                    f"{flag} was changed since: {told} by {event.actor} ({event.kind}, event {event.event_id}). "
                    "Taking this back would take that back too; nothing was changed. Set what you want by hand."
                )


def _state(flag: str, values: Values, now: Mapping[str, Any]) -> Change | None:
    payload = {name[0]: before for name, (before, _) in values.items() if name[0] in ("enabled", "percentage")}
    parameters = {name[1]: before for name, (before, _) in values.items() if name[0] == "parameters"}
    if "percentage" in payload:
        payload["percentage"] = f"{payload['percentage']:g}"
    if parameters:
        kept = {name: value for name, value in now["parameters"].items() if name not in parameters}
        payload["parameters"] = kept | {name: old.value for name, old in parameters.items() if old.there}
    return Change("flag.state", flag, payload) if payload else None


def _lists(flag: str, values: Values) -> Iterable[Change]:
    for title, kind in (("allow-list", "flag.allow_list"), ("deny-list", "flag.deny_list")):
        add = [name[1] for name, (before, _) in values.items() if name[0] == title and before]
        remove = [name[1] for name, (before, _) in values.items() if name[0] == title and not before]
        if add or remove:
            yield Change(kind, flag, {"add": add, "remove": remove})


def _targeting(flag: str, values: Values) -> Change | None:
    if ("targeting",) not in values:
        return None
    return Change("flag.targeting", flag, {"targeting": values["targeting",][0] or {}})
