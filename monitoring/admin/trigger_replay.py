"""On the page of what a trigger did: the window that made it fire, judged again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.template.loader import render_to_string
from django.urls import reverse

from core import beside
from core.errors import DomainError
from monitoring.admin import words
from monitoring.services import replaying

if TYPE_CHECKING:
    from core.models import Event

KINDS = ("trigger.fired", "trigger.observed", "flag.rolled_back")


def of_event(event: Event, now: datetime) -> str:
    """The judgement and what the same window says today, as HTML; "" for what no trigger did."""
    proof = event.data.get("evidence") or {}
    if event.kind not in KINDS or not proof.get("trigger") or event.environment is None:
        return ""
    url = reverse("admin:monitoring_trigger_of", args=[event.environment.key, proof["trigger"]])
    context = {"trigger": proof["trigger"], "url": url, "now": now}
    try:
        found = replaying.of_event(event)
    except DomainError as error:
        return render_to_string("monitoring/trigger_replay.html", {**context, "gone": str(error)})
    row, today = found.judgement, found.today
    measure = row.trigger.measure
    lines = [
        ("Verdict", row.verdict, today.verdict.value),
        ("Value", words.amount(measure, row.value), words.amount(measure, today.value)),
        ("Samples", row.samples, today.samples),
    ]
    ended, length = datetime.fromtimestamp(row.window_end, UTC), row.window_end - row.window_start
    shown = {"replay": found, "lines": lines, "threshold": words.amount(measure, row.threshold)}
    return render_to_string(
        "monitoring/trigger_replay.html",
        {**context, **shown, "ended": ended, "length": length, "code": row.code_version},
    )


beside.add_event_part(of_event)
