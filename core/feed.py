"""Freezes and planned changes as an iCalendar file (RFC 5545), for the calendars that people look at anyway."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.urls import reverse
from icalendar import Calendar, Event

from core import freezes, planned
from core.freezes import Span
from core.planned import Item

if TYPE_CHECKING:
    from core.models import Environment

PAST = timedelta(days=31)
AHEAD = timedelta(days=366)
MOST = 500  # occurrences of one freeze: more than a year of a daily one
REFRESH = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Feed:
    """What the file is made for: one environment, and where its links lead (no slash at the end; empty: no links)."""

    environment: Environment
    address: str
    host: str


def as_icalendar(feed: Feed, *, now: datetime) -> bytes:
    """The past month and the coming year. All times are in UTC, so the file needs no zones.

    Within a day it only changes when a freeze, an override or a plan does: it is stamped with midnight.
    """
    stamp = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    since, until = stamp - PAST, stamp + AHEAD
    calendar = Calendar()
    calendar.add("prodid", "-//nctool rollout//freezes//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", f"Freezes and plans: {feed.environment.name}")
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    here = freezes.live().filter(environments=feed.environment)
    for event in _frozen(feed, freezes.spans(here, since=since, until=until, most=MOST)):
        event.add("dtstamp", stamp)
        calendar.add_component(event)
    for event in _planned(feed, planned.between(since, until)):
        event.add("dtstamp", stamp)
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _frozen(feed: Feed, spans: Iterable[Span]) -> Iterable[Event]:
    for span in spans:
        starts_at = span.occurrence.starts_at.astimezone(UTC)
        override = span.lifted.get(feed.environment.pk)
        told = [span.freeze.reason, span.occurrence.moved]
        if override is not None:
            until = override.until.astimezone(UTC)
            told.append(f"{override.by} lets changes through until {until:%Y-%m-%d %H:%M} UTC: {override.reason}")
        event = _event(
            f"freeze-{span.freeze.pk}-{feed.environment.key}-{starts_at:%Y%m%dT%H%M%SZ}@{feed.host}",
            f"Freeze: {span.freeze.name} ({feed.environment.name})",
            " ".join(text for text in told if text),
            _address(feed, reverse("admin:core_freeze_change", args=[span.freeze.pk])),
        )
        event.add("dtstart", starts_at)
        event.add("dtend", span.occurrence.ends_at.astimezone(UTC))
        event.add("categories", ["FREEZE"])
        yield event


def _planned(feed: Feed, items: Iterable[Item]) -> Iterable[Event]:
    for item in items:
        if item.environment != feed.environment.key:
            continue
        event = _event(
            f"{item.uid}@{feed.host}",
            f"{item.text} ({feed.environment.name})",
            "Planned. A freeze, a failing trigger or a missing approval makes it wait.",
            _address(feed, item.url),
        )
        event.add("dtstart", item.at.astimezone(UTC))
        event.add("transp", "TRANSPARENT")
        yield event


def _event(uid: str, summary: str, description: str, url: str) -> Event:
    event = Event()
    event.add("uid", uid)
    event.add("summary", summary)
    event.add("description", description)
    if url:
        event.add("url", url)
    return event


def _address(feed: Feed, path: str) -> str:
    return f"{feed.address}{path}" if feed.address else ""
