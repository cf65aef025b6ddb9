"""What a request was laid on: how everything that its changes touch stood then, and what has changed since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import Max, Q

import flags.selectors
import rollouts.selectors
from approvals.domain.digest import digest
from core import events
from core.asking import Change
from flags.selectors import approval_rules
from flags.selectors.segments import segments

if TYPE_CHECKING:
    from approvals.models import ChangeRequest

Base = dict[str, dict[str, Any]]


def base(environment: str, changes: Iterable[Change]) -> Base:
    """Of each thing the changes touch, by its subject in the event log, what tells whether it is still the same.

    `event` is the newest event about it, by which a later change is found and named; it is no part of the comparison.
    Raises NotFound for a ramp or a template that there is not. Two queries for all flags, one for all segments, one for
    each other thing.
    """
    changes = list(changes)
    found = {**_flags(environment, changes), **dict(_others(environment, changes))}
    newest = _newest_events(environment, found)
    return {subject: {**mark, "event": newest.get(subject, 0)} for subject, mark in found.items()}


def changed_since(request: ChangeRequest, changes: Iterable[Change]) -> str:
    """What has changed underneath the request, in a sentence that names event and person; empty when nothing has."""
    now = base(request.environment.key, changes)
    for subject, then in request.base.items():
        if _mark(now.get(subject, {})) != _mark(then):
            return _told(request, subject, then["event"])
    return ""


def _mark(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "event"}


def _flags(environment: str, changes: Iterable[Change]) -> Base:
    keys = {change.flag for change in changes if change.flag}
    return {
        f"flag:{state.flag.key}": {"version": state.version, "definition": state.flag.version}
        for state in flags.selectors.states(environment).filter(flag__key__in=keys)
    }


def _others(environment: str, changes: Iterable[Change]) -> Iterator[tuple[str, dict[str, Any]]]:
    for change in changes:
        if "ramp" in change.payload:
            ramp = rollouts.selectors.get(change.payload["ramp"])
            yield f"ramp:{ramp.pk}", {"version": ramp.version}
        elif change.kind == "ramp.start":
            template = rollouts.selectors.template(change.payload["template"])
            yield f"ramp_template:{template.key}", {"steps": digest({"steps": template.steps, "hours": template.hours})}
        elif change.kind == "rules":
            yield f"rules:{environment}", {"rules": approval_rules.as_dict(environment)}
    used = {key for change in changes for key in _segments_of(change)}
    for segment in segments(environment).filter(key__in=used) if used else ():
        yield f"segment:{segment.key}", {"version": segment.version}


def _segments_of(change: Change) -> Iterator[str]:
    """The segments that a change sets, or that the targeting it sets refers to."""
    if change.kind == "segment":
        yield change.payload["key"]
    for rule in change.payload.get("targeting", {}).get("rules", ()):
        for condition in rule["when"]:
            yield from (condition[name] for name in ("segment", "not_segment") if name in condition)


def _newest_events(environment: str, subjects: Iterable[str]) -> dict[str, int]:
    about = events.recent().filter(_here(environment), subject__in=list(subjects)).order_by()
    return dict(about.values_list("subject").annotate(newest=Max("id")))


def _here(environment: str) -> Q:
    return Q(environment__key=environment) | Q(environment=None)


def _told(request: ChangeRequest, subject: str, after: int) -> str:
    noun, _, key = subject.partition(":")
    name = key if noun == "flag" else f"{noun.replace('_', ' ')} {key}"
    event = events.recent().filter(_here(request.environment.key), subject=subject, id__gt=after).order_by("id").first()
    if event is None:
        return f"{name} has changed since."
    why = f": {event.reason}" if event.reason else ""
    return f"{name} was changed by {event.actor} at {event.at:%Y-%m-%d %H:%M %Z} [{event.kind}, event {event.pk}]{why}"
