"""Events turned into the changes that take them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import flags.selectors
from approvals.domain.inverse import Told, inverse
from core import events
from core.asking import Change
from core.errors import Conflict, Invalid
from flags.selectors import approval_rules
from flags.services.locking import picture

if TYPE_CHECKING:
    from core.models import Event


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


def _of_rules(environment: str, told: Sequence[Event]) -> list[Change]:
    if approval_rules.as_dict(environment) != told[-1].after:
        raise Conflict(f"The rules for approvals of {environment} were changed since; nothing was changed.")
    return [Change("rules", "", told[0].before)]


def _told(event: Event) -> Told:
    return Told(event.pk, event.kind, event.actor, event.before, event.after, event.data)
