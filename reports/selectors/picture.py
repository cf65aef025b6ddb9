"""What home shows to everybody alike. It is made once for all who look, and kept for some seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Count, QuerySet

import audit.selectors
import communications.selectors
import incidents.selectors
import monitoring.selectors
import oncall.selectors
import plans.selectors
import rollouts.selectors
from core import events, freezes, heartbeats, together
from core.freezes import Span
from core.looks import LOOK
from reports.adapters.kept import Kept
from reports.domain.coming import AHEAD, Coming
from reports.domain.health import Condition, Part
from reports.selectors import dashboard, system
from reports.selectors.coming import asked as coming_asked
from reports.selectors.coming import coming
from reports.selectors.dashboard import Health
from rollouts.selectors import RampView

if TYPE_CHECKING:
    from audit.selectors import Trouble
    from core.models import Environment, Event
    from flags.models import FlagState
    from incidents.models import Incident
    from monitoring.models import Trigger
    from oncall.domain.schedule import Standing
    from oncall.models import Schedule
    from plans.models import Item

MOST_FLAGS, MOST_EVENTS, MOST_ITEMS, MOST_OPEN = 12, 8, 20, 10
DUE_SOON = timedelta(days=7)
LOOKED_BACK = timedelta(days=30)  # for what went wrong
DECIDED = {  # looks grave, and is what a person decided
    *("request.rejected", "rollback.confirmed", "migration.abort_asked", "migration.forgotten"),
    *("channel.removed", "audience.removed"),
}
MANY = {"error.opened"}  # the grave ones fire an alert or a trigger, and those are told
WRONG = sorted({kind for kind, (tone, _) in LOOK.items() if tone == "bad"} - DECIDED - MANY)


@dataclass(frozen=True, slots=True)
class FlagLine:
    """One flag in the environment with the ramp that moves it."""

    state: FlagState
    ramp: RampView | None
    now: datetime

    @property
    def held(self) -> bool:
        return self.ramp is not None and self.ramp.ramp.state == "held"

    @property
    def tells_wait(self) -> bool:
        """Whether there is more to say than when the next step is due, or than why the flag was stopped."""
        if self.ramp is None or not self.ramp.waits_for or (self.held and self.stopped):
            return False
        coming = self.ramp.next
        return self.held or coming is None or coming.due_at <= self.now

    @property
    def stopped(self) -> bool:
        """Switched off in an emergency or by a rollback, and not enabled since."""
        return self.state.disabled_at is not None and not self.state.enabled


@dataclass(frozen=True, slots=True)
class Picture:
    """One environment, and what concerns all of them. `made_at` is when it was read.

    `latched`, `incidents`, `overdue` and `parts` are of everywhere; `wrong` and `coming` of this environment, and of
    what belongs to none.
    """

    environment: Environment
    health: Health
    flags: list[FlagLine]
    more_flags: int
    coming: list[Coming]
    wrong: list[Event]
    events: list[Event]
    parts: list[Part]
    latched: list[Trigger]
    incidents: list[Incident]
    overdue: list[Item]
    dead: int
    on_call: list[tuple[Schedule, Standing]]
    freezes: list[Span]
    audit: list[Trouble]
    made_at: datetime

    @property
    def troubled(self) -> list[Part]:
        return [part for part in self.parts if part.condition is not Condition.OK]

    @property
    def loud(self) -> bool:
        """A part of the system that worked once is away, or something could not be sent."""
        return bool(self.dead or self.audit) or any(part.loud for part in self.parts)

    @property
    def frozen(self) -> list[tuple[Environment, Span]]:
        """Each environment that is frozen now, by the freeze that ends last."""
        found: dict[int, tuple[Environment, Span]] = {}
        for span in sorted(self.freezes, key=lambda span: span.occurrence.ends_at):
            for place in span.held(self.made_at):
                found[place.pk] = place, span
        return list(found.values())

    def trouble_in(self, environment_id: int) -> int:
        """How many incidents are open and triggers have fired in an environment."""
        places = [row.environment_id for row in self.incidents] + [row.environment_id for row in self.latched]
        return places.count(environment_id)


_kept: Kept[Picture] = Kept()


def picture(environment: Environment, *, now: datetime) -> Picture:
    """What everybody sees, at most `HOME_SECONDS` old, and never older than the newest event: a change shows at once.

    One query for one that is kept, else at most twelve.
    """
    newest = events.recent().values_list("pk", "at").first()
    key = environment.pk, newest
    return _kept.get(key, lambda: _made(environment, now=now), seconds=settings.HOME_SECONDS)


def _made(environment: Environment, *, now: datetime) -> Picture:
    found = together.read(**_asked(environment, now=now))
    live = [rollouts.selectors.seen(ramp) for ramp in found["ramps"]]
    spans = freezes.spans(found["freezes"], since=now, until=now + AHEAD, most=2)
    return Picture(
        environment=environment,
        health=dashboard.health(environment, found, now=now),
        flags=_flags(environment, found["states"], live, now=now),
        more_flags=dashboard.more_than(found["states"]),
        coming=coming(
            environment,
            ramps=live,
            freezes=spans,
            incidents=found["incidents"],
            items=[item for item in found["dated"] if item.due > now],
            changes=found["changes"],
            maintenances=found["maintenances"],
            now=now,
        ),
        wrong=_newest(found["wrong_here"] + found["wrong_nowhere"]),
        events=found["events"],
        parts=system.health(dict(found["beats"]), now=now),
        latched=found["latched"],
        incidents=found["incidents"],
        overdue=[item for item in found["dated"] if item.due <= now],
        dead=sum(found["dead"]),
        on_call=oncall.selectors.on_call(found["schedules"], now=now),
        freezes=spans,
        audit=audit.selectors.trouble(next(iter(found["verified"]), None), now=now),
        made_at=now,
    )


def _asked(environment: Environment, *, now: datetime) -> dict[str, QuerySet[Any]]:
    """All that can be read at once."""
    ramps = rollouts.selectors.unended()
    moving = ramps.filter(environment=environment).order_by().values("flag_id")
    wrong = events.recent().filter(kind__in=WRONG, at__gt=now - LOOKED_BACK).order_by("-at", "-id")
    return {
        **dashboard.asked(environment),
        **coming_asked(environment, now=now),
        "ramps": ramps,
        "states": dashboard.shown_first(environment, MOST_FLAGS, moving=moving),
        "incidents": incidents.selectors.open_ones()[:MOST_OPEN],
        "dated": plans.selectors.due_before(now + DUE_SOON)[:MOST_ITEMS],
        "freezes": freezes.live(),
        "wrong_here": wrong.filter(environment=environment)[:MOST_EVENTS],
        "wrong_nowhere": wrong.filter(environment=None)[:MOST_EVENTS],
        "events": events.recent()[:MOST_EVENTS],
        "beats": heartbeats.every(),
        "latched": monitoring.selectors.latched()[:MOST_OPEN],
        "dead": communications.selectors.dead()
        .order_by()
        .values("state")
        .annotate(n=Count("pk"))
        .values_list("n", flat=True),
        "schedules": oncall.selectors.schedules(now=now),
        "verified": audit.selectors.verified()[:1],
    }


def _flags(
    environment: Environment, states: Iterable[FlagState], live: Iterable[RampView], *, now: datetime
) -> list[FlagLine]:
    ramps = {view.ramp.flag_id: view for view in live if view.ramp.environment_id == environment.pk}
    return [FlagLine(state, ramps.get(state.flag_id), now) for state in states]


def _newest(found: Iterable[Event]) -> list[Event]:
    """What went wrong there in the last month, or in no single environment, newest first."""
    return sorted(found, key=lambda event: (event.at, event.pk), reverse=True)[:MOST_EVENTS]
