"""Events turned into the changes that take them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import flags.selectors
from approvals.domain.inverse import Told, inverse
from core import events
from core.asking import Change
from core.errors import Conflict, Invalid
from flags.selectors import approval_rules
from flags.selectors.segments import segments
from flags.services import definition
from flags.services.locking import picture

if TYPE_CHECKING:
    from core.models import Event


DEFINITION = ("flag.definition_changed", "flag.renamed")


def as_changes(environment: str, done: Sequence[Event]) -> list[Change]:
    """What takes these events of one environment back, only in the fields that they changed; the last one first.

    Raises Conflict, which names field, event and person, when such a field was changed since, and Invalid for
    an event that cannot be taken back.
    """
    by_subject: dict[str, list[Event]] = {}
    for event in done:
        by_subject.setdefault(event.subject, []).append(event)
    return [
        change
        for subject, told in reversed(by_subject.items())
        for change in _of_subject(environment, subject, sorted(told, key=lambda event: event.pk))
    ]


def _of_subject(environment: str, subject: str, told: Sequence[Event]) -> list[Change]:
    noun, _, key = subject.partition(":")
    if noun == "flag" and all("percentage" in event.before for event in told):
        return _of_flag(environment, key, told)
    if noun == "flag" and told[0].kind in DEFINITION:
        return _of_definition(key, told)
    if noun == "segment" and told[0].before:
        return _of_segment(environment, key, told)
    if noun == "rules":
        return _of_rules(environment, told)
    if noun == "ramp":
        raise Invalid(f"A ramp is not taken back: roll it back, or hold it (ramp {key}).")
    raise Invalid(f"{told[0].kind} (event {told[0].pk}) is nothing that can be taken back.")


def _of_flag(environment: str, key: str, told: Sequence[Event]) -> list[Change]:
    state = flags.selectors.state(key, environment)
    since = events.about(f"flag:{key}", environment_id=state.environment_id).filter(id__gt=told[-1].pk)
    later = [_told(event) for event in since.order_by("id")]
    return inverse(key, map(_told, told), now=picture(state), since=later)


def _of_definition(key: str, told: Sequence[Event]) -> list[Change]:
    now = definition.as_dict(flags.selectors.flags().get(key=key))
    _check_same(f"The definition of {key}", now, told[-1].after, since=told[-1])
    return [Change("flag.definition", key, told[0].before)]


def _of_segment(environment: str, key: str, told: Sequence[Event]) -> list[Change]:
    segment = segments(environment).filter(key=key).first()
    now = {} if segment is None else {field: getattr(segment, field) for field in told[-1].after}
    _check_same(f"Segment {key}", now, told[-1].after, since=told[-1])
    return [Change("segment", "", {"key": key, **told[0].before})]


def _check_same(what: str, now: Mapping[str, Any], then: Mapping[str, Any], *, since: Event) -> None:
    """Raise Conflict when a field that the event set has another value now."""
    for field, value in then.items():
        if now.get(field) != value:
            raise Conflict(f"{what} was changed since{_by_whom(since, field)}: {field}. Nothing was changed.")


def _by_whom(since: Event, field: str) -> str:
    later = events.about(since.subject, environment_id=since.environment_id).filter(id__gt=since.pk).order_by("id")
    event = next((event for event in later if event.before.get(field) != event.after.get(field)), None)
    return f" by {event.actor} ({event.kind}, event {event.pk})" if event else ""


def _of_rules(environment: str, told: Sequence[Event]) -> list[Change]:
    now = approval_rules.as_dict(environment)
    then = {kind: told[-1].after.get(kind) for kind in (*now, *told[-1].after)}
    _check_same(f"The rules of {environment}", now, then, since=told[-1])
    return [Change("rules", "", told[0].before)]


def _told(event: Event) -> Told:
    return Told(event.pk, event.kind, event.actor, event.before, event.after, event.data)
