"""Every document of the page by its path, rendered from one picture. Nothing here reads a database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from statuspage.domain.history import DAYS
from statuspage.domain.languages import FIRST, LANGUAGES
from statuspage.domain.picture import Incident, Maintenance, Picture
from statuspage.views import feeds, look, programs

HTML, ATOM, CALENDAR, JSON = "text/html", "application/atom+xml", "text/calendar", "application/json"
_PROGRAM = re.compile(r"/(?:status/)?api/v2/(.+)\.json")
_ONE = re.compile(r"/status/(incidents|maintenance)/([a-z0-9]{12})/")


@dataclass(frozen=True, slots=True)
class Asked:
    """A document: its path and language. Programs have one language."""

    path: str
    language: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What it is rendered from. `stale`: since `as_of` nobody has confirmed that it is still true."""

    picture: Picture
    as_of: datetime
    now: datetime
    stale: bool

    @property
    def until(self) -> datetime:
        """What comes after it is not known, and not told."""
        return self.as_of if self.stale else self.now


def kind_of(path: str) -> str | None:
    """The media type of what is at this path; None when nothing of the page can be there."""
    if path in ("/status/", "/status/history/") or _ONE.fullmatch(path):
        return HTML
    if path == "/status/feed.atom":
        return ATOM
    if path == "/status/maintenance.ics":
        return CALENDAR
    return JSON if _program(path) else None


def render(asked: Asked, seen: Seen) -> bytes | None:
    """The document; None where the picture has nothing of this id."""
    if name := _program(asked.path):
        return programs.document(name, seen.picture, seen.as_of if seen.stale else None)
    with override(asked.language), timezone.override("UTC"):
        if asked.path == "/status/feed.atom":
            return feeds.atom(seen.picture, asked.language)
        if asked.path == "/status/maintenance.ics":
            return feeds.icalendar(seen.picture, asked.language)
        if asked.path == "/status/history/":
            told = {"months": look.months(seen.picture, asked.language), "title": _("History"), "days": DAYS}
            return _html("history", told, asked, seen)
        if asked.path == "/status/":
            return _html("page", look.page(seen.picture, asked.language, now=seen.until), asked, seen)
        row = _find(asked.path, seen.picture)
        return one(row, asked, seen) if row else None


def one(row: Incident | Maintenance, asked: Asked, seen: Seen) -> bytes:
    """The page of one incident or maintenance, also of one that is not in the picture any more."""
    with override(asked.language), timezone.override("UTC"):
        if isinstance(row, Incident):
            incident = look.incident(row, seen.picture, asked.language)
            return _html("incident", {"each": incident, "title": incident.title}, asked, seen)
        work = look.maintenance(row, seen.picture, asked.language)
        return _html("maintenance", {"each": work, "title": work.title}, asked, seen)


def frame(path: str, language: str, picture: Picture) -> dict[str, Any]:
    """What every page has around it."""
    others = [(code, name) for code, name in LANGUAGES.items() if code != language]
    return {"path": path, "language": language, "others": others, "name": picture.title, "first": FIRST}


def _html(template: str, told: dict[str, Any], asked: Asked, seen: Seen) -> bytes:
    around = {**frame(asked.path, asked.language, seen.picture), "as_of": seen.as_of, "stale": seen.stale}
    return render_to_string(f"statuspage/{template}.html", {**around, **told}).encode()


def _program(path: str) -> str | None:
    if path == "/status.json":
        return "summary"
    found = _PROGRAM.fullmatch(path)
    return found[1] if found and found[1] in programs.NAMES else None


def _find(path: str, picture: Picture) -> Incident | Maintenance | None:
    found = _ONE.fullmatch(path)
    rows: tuple[Incident | Maintenance, ...] = ()
    if found:
        rows = picture.incidents if found[1] == "incidents" else picture.maintenances
    return next((row for row in rows if found and row.id == found[2]), None)
