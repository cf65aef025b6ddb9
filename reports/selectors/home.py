"""What home shows, put together from all apps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings

import approvals.selectors
import communications.selectors
import flags.selectors
import incidents.selectors
import migrations_app.selectors
import monitoring.selectors
import oncall.selectors
import plans.selectors
import rollbacks.selectors
import rollouts.selectors
from core import environments, events, heartbeats
from reports.adapters import probes
from reports.domain.health import Condition, Part, duties
from risk.selectors import stack
from rollouts.selectors import RampView

if TYPE_CHECKING:
    from approvals.models import ChangeRequest
    from communications.models import Alert, Announcement
    from core.models import Environment, Event
    from flags.models import FlagState
    from incidents.models import Incident
    from migrations_app.models import MigrationRun
    from monitoring.models import Trigger
    from oncall.domain.schedule import Standing
    from oncall.models import Schedule
    from plans.models import Item
    from risk.models import Score
    from rollbacks.models import Rollback

EVENTS = 8
ALERTS = 5
ITEMS = 10
MOST_FLAGS = 12
SERVERS = {
    "redis": ("Redis", "News of changes takes up to 5 s longer, and nothing runs by the clock."),
    "mongodb": ("nctool's MongoDB", "Tokens and wallets cannot be shown; flags and ramps are not affected."),
}


@dataclass(frozen=True, slots=True)
class FlagLine:
    """One flag in one environment with the ramp that moves it."""

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
class EnvironmentView:
    """An environment with its flags and its risk; `more` flags are only in the list."""

    environment: Environment
    flags: list[FlagLine]
    more: int
    risk: Score | None


@dataclass(frozen=True, slots=True)
class Home:
    """Everything on the first page, in a fixed number of queries."""

    environments: list[EnvironmentView]
    parts: list[Part]
    latched: list[Trigger]
    alerts: list[Alert]
    dead: int
    waiting: int
    events: list[Event]
    to_approve: list[ChangeRequest]
    to_apply: list[ChangeRequest]
    rollbacks: list[Rollback]
    migrations: list[MigrationRun]
    drafts: list[Announcement]
    items: list[Item]
    overdue: list[Item]
    incidents: list[Incident]
    on_call: list[tuple[Schedule, Standing]]

    @property
    def troubled(self) -> list[Part]:
        return [part for part in self.parts if part.condition is not Condition.OK]


def home(*, now: datetime, person: str, approves: bool, tells: bool) -> Home:
    """What an operator must know first. `approves`: the person may, so that other people's requests wait for them.

    `tells`: they may approve what is drafted for people outside.
    """
    return Home(
        environments=_by_environment(flags.selectors.states(), rollouts.selectors.live(), now=now),
        parts=health(now=now),
        latched=list(monitoring.selectors.latched()),
        alerts=list(communications.selectors.alerts()[:ALERTS]),
        dead=communications.selectors.dead().count(),
        waiting=communications.selectors.waiting().count(),
        events=list(events.recent()[:EVENTS]),
        to_approve=approvals.selectors.waiting(person, now=now) if approves else [],
        to_apply=approvals.selectors.to_apply(person, now=now),
        rollbacks=rollbacks.selectors.waiting(person, now=now) if approves else [],
        migrations=migrations_app.selectors.waiting(person, now=now) if approves else [],
        drafts=list(communications.selectors.drafts()[:ITEMS]) if tells else [],
        items=list(plans.selectors.items_of(person)[:ITEMS]),
        overdue=list(plans.selectors.overdue(now=now)[:ITEMS]),
        incidents=list(incidents.selectors.open_ones()[:ITEMS]),
        on_call=oncall.selectors.on_call(now=now),
    )


def health(*, now: datetime) -> list[Part]:
    """Each part of the system. The page is there, so the database answers: it has just been asked."""
    beats = heartbeats.last()
    servers = [_server(name, answer) for name, answer in probes.answers().items()]
    return [
        Part("Database", Condition.OK, ""),
        *servers,
        *duties(beats, now=now, runner=bool(settings.RUNNER_PROGRAMS), outside=bool(settings.HEARTBEAT_URL)),
    ]


def _server(name: str, answer: probes.Answer) -> Part:
    title, without = SERVERS[name]
    condition = {True: Condition.OK, False: Condition.DOWN, None: Condition.UNKNOWN}[answer.ok]
    return Part(title, condition, "" if answer.ok else without)


def _by_environment(states: Iterable[FlagState], live: Iterable[RampView], *, now: datetime) -> list[EnvironmentView]:
    """Production first. An environment without flags is shown too."""
    ramps = {(view.ramp.flag_id, view.ramp.environment_id): view for view in live}
    lines: dict[int, list[FlagLine]] = {}
    for state in states:
        line = FlagLine(state, ramps.get((state.flag_id, state.environment_id)), now)
        lines.setdefault(state.environment_id, []).append(line)
    risks = stack.newest()
    return [_view(row, lines.get(row.pk, []), risks.get(row.pk)) for row in environments.ordered().reverse()]


def _view(environment: Environment, lines: list[FlagLine], risk: Score | None) -> EnvironmentView:
    """Ramping and stopped flags first when there are too many for home."""
    if len(lines) > MOST_FLAGS:
        lines.sort(key=lambda line: (line.ramp is None, line.state.disabled_at is None, line.state.flag.key))
    return EnvironmentView(environment, lines[:MOST_FLAGS], max(0, len(lines) - MOST_FLAGS), risk)
