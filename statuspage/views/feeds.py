"""The page for feed readers and calendars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.template.loader import render_to_string
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from icalendar import Calendar, Event

from statuspage.domain.languages import said
from statuspage.domain.picture import Incident, Maintenance, Picture
from statuspage.domain.states import MaintenanceState
from statuspage.views import look

REFRESH = timedelta(hours=1)
MOST = 50  # entries of the feed


def atom(picture: Picture, language: str) -> bytes:
    """Incidents and maintenances as RFC 4287 has it, the one that changed last first. An entry is renewed with each
    update, under the same id."""
    own = f"{picture.address}/status/feed.atom?lang={language}"
    title = _("%(name)s status") % {"name": picture.title}
    feed = Atom1Feed(
        title=title, link=f"{picture.address}/status/?lang={language}", description="", language=language, feed_url=own
    )
    entries: list[Incident | Maintenance] = [*picture.incidents, *picture.maintenances]
    for each in sorted(entries, key=lambda entry: entry.updated_at, reverse=True)[:MOST]:
        link = f"{picture.address}{path_of(each)}"
        feed.add_item(
            title=said(each.titles, language),
            link=f"{link}?lang={language}",
            unique_id=link,
            description=_content(each, picture, language),
            pubdate=each.started_at if isinstance(each, Incident) else each.created_at,
            updateddate=each.updated_at,
        )
    text: str = feed.writeString("utf-8")
    return text.encode()


def path_of(row: Incident | Maintenance) -> str:
    """Where its page is."""
    return f"/status/{'incidents' if isinstance(row, Incident) else 'maintenance'}/{row.id}/"


def icalendar(picture: Picture, language: str) -> bytes:
    """The maintenances as RFC 5545 has it, in UTC. One that is cancelled says so, and so leaves the calendars."""
    calendar = Calendar()
    calendar.add("prodid", "-//nctool rollout//status page//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", _("%(name)s maintenance") % {"name": picture.title})
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for each in picture.maintenances:
        calendar.add_component(_event(each, picture, language))
    return bytes(calendar.to_ical())


def _content(row: Incident | Maintenance, picture: Picture, language: str) -> str:
    if isinstance(row, Incident):
        told = {"each": look.incident(row, picture, language), "is_incident": True}
    else:
        told = {"each": look.maintenance(row, picture, language), "is_incident": False}
    return render_to_string("statuspage/entry.html", told)


def _event(row: Maintenance, picture: Picture, language: str) -> Event:
    event = Event()
    event.add("uid", f"{row.id}@nctool-status")
    event.add("dtstamp", row.updated_at.astimezone(UTC))
    event.add("last-modified", row.updated_at.astimezone(UTC))
    event.add("sequence", _seconds(row.created_at, row.updated_at))
    event.add("summary", said(row.titles, language))
    event.add("dtstart", row.starts_at.astimezone(UTC))
    event.add("dtend", _end(row).astimezone(UTC))
    event.add("status", "CANCELLED" if row.state is MaintenanceState.CANCELLED else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    about = look.maintenance(row, picture, language)
    event.add("description", "\n".join(part for part in (about.components, about.text.text) if part))
    if picture.address:
        event.add("url", f"{picture.address}{path_of(row)}")
    return event


def _end(row: Maintenance) -> datetime:
    """When it was over indeed, where that was before its time."""
    if row.state is MaintenanceState.COMPLETED and row.ended_at is not None and row.ended_at > row.starts_at:
        return min(row.ended_at, row.ends_at)
    return row.ends_at


def _seconds(start: datetime, end: datetime) -> int:
    """A number that rises with each change, as SEQUENCE has to."""
    return max(0, int((end - start).total_seconds()))
