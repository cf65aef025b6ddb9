"""What changed lately, for the person on call: which events matter then, and what happened before something went wrong.

Nothing here says that one thing made another happen. It says what came after what.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core.beside import Trouble
from core.models import Event

if TYPE_CHECKING:
    from core.models import Environment


@dataclass(frozen=True, slots=True)
class Span:
    """How far back one looks. `label` is for its link, `words` for a sentence."""

    key: str
    label: str
    words: str
    length: timedelta


SPANS = (
    Span("15m", "15 min", "15 minutes", timedelta(minutes=15)),
    Span("1h", "1 h", "hour", timedelta(hours=1)),
    Span("6h", "6 h", "6 hours", timedelta(hours=6)),
    Span("24h", "24 h", "24 hours", timedelta(hours=24)),
)
USUAL = SPANS[1]
MOST = 100  # events on the page: it is rendered anew every five seconds

# Left out: what changes nothing for those who use an environment. A kind that is new is shown until it is listed here.
QUIET = frozenset(
    {
        *("person.created", "person.changed", "person.password_set"),
        *("request.opened", "request.edited", "request.rescheduled", "request.refreshed", "request.voided"),
        *("request.commented", "request.approved", "request.rejected", "request.withdrawn", "request.expired"),
        *("item.marked", "item.assigned", "item.attached", "item.attachment_removed", "command.requested"),
        *("checklist.overdue", "complaint.received"),
        *("announcement.retried", "announcement.approved", "announcement.discarded"),
        *("feedback.received", "feedback.settled", "feedback.tagged", "survey.opened", "survey.ended"),
        *("action.opened", "action.changed", "action.overdue", "action.done", "action.dropped", "action.reopened"),
        *("lesson.written", "lesson.changed", "lesson.retired", "next_phase.planned", "next_phase.changed"),
        *("next_phase.said", "roadmap.planned", "roadmap.changed"),
        *("kpi.figure_reported", "kpi.figure_corrected", "kpi.figure_withdrawn"),
        *("risk.registered", "risk.changed", "risk.level_changed"),
        *("migration.requested", "migration.approved", "migration.refused", "migration.expired", "migration.phase"),
        *("migration.pause_asked", "migration.abort_asked", "migration.speed"),
        *("status.translated", "status.component_defined", "status.page_defined", "status.subscription_asked"),
        *("status.subscribed", "status.unsubscribed", "maintenance.verifying"),
        *("audit.verification_asked", "audit.heads", "events.forgotten", "access.reviewed", "hold.placed"),
        "hold.released",
        # What is new does nothing yet, and the load of a playbook makes hundreds; that load itself is shown.
        *("flag.created", "segment.created", "metric.created", "trigger.created", "alert_rule.created"),
        *(
            "kpi.defined",
            "source.created",
            "environment.created",
            "application.created",
            "token.created",
            "wall.created",
        ),
        *("ramp_template.created", "plan_template.created", "monitoring_level.created"),
    }
)
# What was noticed and not done: nobody's change, so nothing is said to come after it.
NOTICED = frozenset(
    {
        *("trigger.fired", "trigger.observed", "alert.firing", "alert.resolved", "alert.no_data", "alert.acknowledged"),
        *("alert_rules.failing", "alert_rules.recovered", "error.opened", "error.resolved", "metrics.silent"),
        *("metrics.heard", "source.failed", "source.recovered", "risk.level_raised", "validation.finished"),
        *("kpi.missed", "kpi.met"),
        "audit.broken",
    }
)


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that is wrong now. `before` is the last listed change before it began, None: there is none listed.

    `older`: it began before the time that is listed, so nothing can be said.
    """

    trouble: Trouble
    before: Event | None
    older: bool

    @property
    def later(self) -> timedelta:
        """How long after that change it began."""
        return self.trouble.since - self.before.at if self.before else timedelta()


def span_of(key: str) -> Span | None:
    """The span with this key; None when there is no such one."""
    return next((span for span in SPANS if span.key == key), None)


def changes(environment: Environment | None, *, since: datetime) -> tuple[list[Event], bool]:
    """The newest hundred events that matter, newest first, and whether there are more.

    Of one environment these are its own, and those of no single one: a playbook load, a freeze. Two queries then, else
    one: with an OR the database would sort them all.
    """
    found = Event.objects.filter(at__gt=since).exclude(kind__in=QUIET).select_related("environment")
    parts = [found] if environment is None else [found.filter(environment=place) for place in (environment, None)]
    rows = [event for part in parts for event in part.order_by("-at", "-id")[: MOST + 1]]
    rows.sort(key=lambda event: (event.at, event.pk), reverse=True)
    return rows[:MOST], len(rows) > MOST


def beside_changes(troubles: Iterable[Trouble], events: list[Event], *, since: datetime) -> list[Seen]:
    """Each trouble with the last change before it, the newest trouble first. `since` is when the list begins."""
    return [
        Seen(each, None if each.since <= since else _before(each, events), each.since <= since)
        for each in sorted(troubles, key=lambda each: each.since, reverse=True)
    ]


def _before(trouble: Trouble, events: list[Event]) -> Event | None:
    return next(
        (
            event
            for event in events
            if event.at < trouble.since
            and event.kind not in NOTICED
            and (event.environment is None or event.environment.key == trouble.environment.key)
        ),
        None,
    )
