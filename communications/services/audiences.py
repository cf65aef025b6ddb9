"""The communication plan is changed: who is told, how often, by which channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.db import transaction

from communications.domain import targets
from communications.domain.alerts import Topic
from communications.domain.audiences import PUBLIC, PUBLIC_TOPICS, Content, Frequency
from communications.domain.channels import ChannelKind
from communications.models import Audience, Channel, Route
from core import events
from core.actors import Actor
from core.errors import Invalid, NotFound, StaleVersion
from core.texts import check_storable


@dataclass(frozen=True, slots=True)
class Way:
    """A channel by its key, and whom it hands to."""

    channel: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class AudienceSpec:
    """An audience as a playbook or a form gives it; see the model."""

    key: str
    name: str
    content: Content
    frequency: Frequency
    topics: Sequence[str]
    ways: Sequence[Way]
    promise: str = ""
    least_level: int = 1
    zone: str = ""
    quiet: tuple[str, str] | None = None
    burst: int = 5
    language: str = "en"
    position: int = 0


@transaction.atomic
def define(spec: AudienceSpec, *, actor: Actor, reason: str, now: datetime, version: int | None = None) -> Audience:
    """Make the audience, or change it to this; nothing is written when it is so already.

    Raises Invalid with the field for what cannot be, NotFound for a channel that is not there, StaleVersion when
    somebody else changed it after `version`.
    """
    _check_words(spec)
    _check(spec)
    channels = _channels(spec.ways)
    row = Audience.objects.select_for_update().filter(key=spec.key).first()
    if row is not None and version is not None and row.version != version:
        raise StaleVersion("The audience", expected=version, actual=row.version)
    before = picture(row) if row else {}
    row = row or Audience(key=spec.key, version=0)
    for name, value in _fields(spec).items():
        setattr(row, name, value)
    if before and picture(row) | {"ways": _words(spec.ways)} == before:
        return row
    row.version += 1
    row.save()
    row.routes.all().delete()
    Route.objects.bulk_create(
        Route(audience=row, channel=channels[way.channel], target=way.target, position=position)
        for position, way in enumerate(spec.ways)
    )
    events.record(
        "audience.changed" if before else "audience.created",
        subject=f"audience:{row.key}",
        actor=actor,
        reason=reason,
        before=before,
        after=picture(row),
        now=now,
    )
    return row


@transaction.atomic
def remove(key: str, *, actor: Actor, reason: str, now: datetime) -> None:
    """Nobody is told as this audience any more. What was announced stays."""
    row = Audience.objects.select_for_update().filter(key=key).first()
    if row is None:
        raise NotFound(f"There is no audience {key!r}.")
    before = picture(row)
    row.delete()
    events.record("audience.removed", subject=f"audience:{key}", actor=actor, reason=reason, before=before, now=now)


def picture(row: Audience) -> dict[str, Any]:
    """The audience as an event tells it."""
    ways = [Way(route.channel.key, route.target) for route in row.routes.select_related("channel")] if row.pk else []
    return {
        "name": row.name,
        "content": row.content,
        "frequency": row.frequency,
        "topics": list(row.topics),
        "ways": _words(ways),
        "promise": row.promise,
        "least_level": row.least_level,
        "zone": row.zone,
        "quiet": f"{row.quiet_from}–{row.quiet_until}" if row.quiet_from else "",
        "burst": row.burst,
        "language": row.language,
    }


def _words(ways: Sequence[Way]) -> list[str]:
    return [f"{way.channel} {way.target}".strip() for way in ways]


def _fields(spec: AudienceSpec) -> dict[str, Any]:
    given = asdict(spec)
    begins, ends = spec.quiet or ("", "")
    del given["ways"], given["quiet"], given["key"]
    return given | {
        "quiet_from": begins,
        "quiet_until": ends,
        "content": spec.content.value,
        "frequency": spec.frequency.value,
        "topics": [topic.value for topic in Topic if topic.value in spec.topics],
    }


def _channels(ways: Sequence[Way]) -> dict[str, Channel]:
    wanted = {way.channel for way in ways}
    found = {row.key: row for row in Channel.objects.filter(key__in=wanted)}
    missing = sorted(wanted - found.keys())
    if missing:
        raise Invalid(f"There is no channel {missing[0]!r}. There are: {_all_channels()}.", field="ways")
    for way in ways:
        wrong = targets.wrong(ChannelKind(found[way.channel].kind), way.target, lists=settings.EMAIL_LISTS.keys())
        if wrong:
            raise Invalid(f"{way.channel}: {wrong}", field="ways")
    if len(set(ways)) < len(ways):
        raise Invalid("The same way is there twice.", field="ways")
    return found


def _all_channels() -> str:
    return ", ".join(Channel.objects.order_by("key").values_list("key", flat=True)) or "none yet"


def _check(spec: AudienceSpec) -> None:
    unknown = sorted(set(spec.topics) - set(Topic))
    if unknown:
        raise Invalid(f"There is no topic {unknown[0]!r}. There are: {', '.join(Topic)}.", field="topics")
    inner = [topic for topic in spec.topics if topic not in PUBLIC_TOPICS]
    if spec.content in PUBLIC and inner:
        raise Invalid(f"{inner[0]} is not for people outside: they hear of incidents and status.", field="topics")
    if spec.frequency is Frequency.AS_NEEDED and spec.content not in PUBLIC:
        raise Invalid(
            "Only what goes outside is drafted first. People inside are told as it happens.", field="frequency"
        )
    if spec.zone and spec.zone not in available_timezones():
        raise Invalid(f"There is no time zone {spec.zone!r}. Write it like Europe/Berlin.", field="zone")
    if not 1 <= spec.least_level <= 3:
        raise Invalid("An incident has level 1, 2 or 3.", field="least_level")
    for text in spec.quiet or ():
        _check_time(text)
    if spec.quiet and spec.quiet[0] == spec.quiet[1]:
        raise Invalid("Quiet hours that end when they begin are none: leave both empty.", field="quiet")


def _check_words(spec: AudienceSpec) -> None:
    for field, text in (("name", spec.name), ("promise", spec.promise), ("ways", "".join(_words(spec.ways)))):
        check_storable(text, field=field)


def _check_time(text: str) -> None:
    try:
        time.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is no time of day. Write it like 22:00.", field="quiet") from None
