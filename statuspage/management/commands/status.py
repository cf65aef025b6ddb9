"""`manage.py status …`: the status page when the web is down. docs/status-page.md has the whole story."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from core.errors import Invalid, NotFound
from core.moments import clock
from flags.management.door import DoorCommand, actor
from statuspage import selectors
from statuspage.domain.languages import FIRST, said
from statuspage.domain.picture import Picture
from statuspage.domain.states import ComponentState
from statuspage.models import Maintenance
from statuspage.selectors import shown
from statuspage.services import components, maintenance, publishing

_VERBS = {
    "show": "what the public sees now",
    "component": "set the state of a component by hand",
    "publish": "tell the public of an incident; the same --key a second time changes nothing",
    "maintenance": "list, plan, cancel, verify or complete maintenances; tick begins and ends those that are due",
}
_WORK = ("list", "plan", "cancel", "verify", "complete", "tick")


class Command(DoorCommand):
    help = "The public status page: components, incidents, maintenances."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for verb, meaning in _VERBS.items():
            sub = verbs.add_parser(verb, help=meaning, description=meaning)
            sub.add_argument("--json", action="store_true", help="print JSON")
            getattr(self, f"_of_{verb}")(sub)

    def _of_show(self, parser: CommandParser) -> None:
        """It takes nothing more."""

    def _of_component(self, parser: CommandParser) -> None:
        parser.add_argument("key", metavar="KEY")
        parser.add_argument("state", metavar="STATE", help=", ".join(ComponentState))
        parser.add_argument("--reason", required=True, help="kept in the history")

    def _of_publish(self, parser: CommandParser) -> None:
        parser.add_argument("reference", metavar="REFERENCE", help="your name for the incident; a new one opens it")
        parser.add_argument("--key", required=True, help="your name for this update")
        parser.add_argument("--title", required=True)
        parser.add_argument("--text", required=True)
        parser.add_argument(
            "--state", required=True, help="investigating, identified, monitoring, resolved, postmortem"
        )
        parser.add_argument("--impact", required=True, help="none, minor, major, critical")
        parser.add_argument("--component", action="append", default=[], metavar="KEY=STATE", help="may be repeated")
        parser.add_argument("--language", default=FIRST)

    def _of_maintenance(self, parser: CommandParser) -> None:
        parser.add_argument("act", metavar="ACT", choices=_WORK, help=", ".join(_WORK))
        parser.add_argument("id", metavar="ID", nargs="?", help="of cancel, verify and complete: `list` tells it")
        parser.add_argument("--title")
        parser.add_argument("--text", default="")
        parser.add_argument("--component", action="append", default=[], metavar="KEY", help="may be repeated")
        parser.add_argument("--from", dest="starts", default="", metavar="TIME", help="local time, 2025-08-29T18:00")
        parser.add_argument("--to", dest="ends", default="", metavar="TIME")
        parser.add_argument("--zone", default="UTC")
        parser.add_argument("--reason", default="", help="of cancel; kept in the history")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        getattr(self, f"_{options['verb']}")(options, now)
        picture = shown.picture(now=now)
        if options["json"]:
            self.say_json(_told(picture))
        else:
            self._say(picture, now)

    def _show(self, options: dict[str, Any], now: datetime) -> None:
        """Nothing is done."""

    def _component(self, options: dict[str, Any], now: datetime) -> None:
        components.set_state(options["key"], options["state"], reason=options["reason"], actor=actor(), now=now)

    def _publish(self, options: dict[str, Any], now: datetime) -> None:
        publishing.publish(
            options["reference"],
            key=options["key"],
            title=options["title"],
            impact=options["impact"],
            state=options["state"],
            components=dict(_pair(each) for each in options["component"]),
            text=options["text"],
            language=options["language"],
            actor=actor(),
            now=now,
        )

    def _maintenance(self, options: dict[str, Any], now: datetime) -> None:
        act = options["act"]
        if act == "plan":
            wanted = maintenance.Plan(
                titles={FIRST: options["title"] or ""},
                texts={FIRST: options["text"]},
                components=options["component"],
                zone=options["zone"],
                starts_at=options["starts"],
                ends_at=options["ends"],
            )
            maintenance.plan(wanted, actor=actor(), now=now)
        elif act == "tick":
            maintenance.tick(now=now)
        elif act == "cancel":
            maintenance.cancel(_find(options["id"]).pk, reason=options["reason"], actor=actor(), now=now)
        elif act in ("verify", "complete"):
            move = maintenance.verify if act == "verify" else maintenance.complete
            move(_find(options["id"]).pk, actor=actor(), now=now)

    def _say(self, picture: Picture, now: datetime) -> None:
        self.stdout.write(f"{picture.title}: {picture.indicator} (version {picture.version})")
        for part in picture.components:
            since = clock(part.updated_at, now=now)
            self.stdout.write(f"  {part.key:20} {part.state:22} since {since}")
        for incident in picture.incidents:
            if incident.open:
                title = said(incident.titles, FIRST)
                self.stdout.write(f"  incident {incident.id} {incident.state}, {incident.impact}: {title}")
        for work in picture.maintenances:
            if work.ahead:
                times = f"{clock(work.starts_at, now=now)} to {clock(work.ends_at, now=now)}"
                self.stdout.write(f"  maintenance {work.id} {work.state}, {times}: {said(work.titles, FIRST)}")


def _pair(text: str) -> tuple[str, str]:
    key, equals, state = text.partition("=")
    if not equals:
        raise Invalid(f"{text!r} names no state. Write it like melt=major_outage.", field="components")
    return key, state


def _find(public_id: str | None) -> Maintenance:
    if public_id is None:
        raise Invalid("Say which one, by its id: `manage.py status maintenance list` tells it.", field="id")
    row = selectors.maintenances().filter(public_id=public_id).first()
    if row is None:
        raise NotFound(
            f"There is no maintenance {public_id!r}: `manage.py status maintenance list` shows those there are."
        )
    return row


def _told(picture: Picture) -> dict[str, Any]:
    return {
        "indicator": picture.indicator.value,
        "version": picture.version,
        "components": {each.key: each.state.value for each in picture.components},
        "incidents": [
            {"id": each.id, "title": said(each.titles, FIRST), "state": each.state.value, "impact": each.impact.value}
            for each in picture.incidents
            if each.open
        ],
        "maintenances": [
            {
                "id": each.id,
                "title": said(each.titles, FIRST),
                "state": each.state.value,
                "starts_at": each.starts_at.isoformat(),
                "ends_at": each.ends_at.isoformat(),
                "components": list(each.components),
            }
            for each in picture.maintenances
            if each.ahead
        ],
    }
