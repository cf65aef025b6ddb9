"""What happened to a flag in one environment: the tab of its page, and the same as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse

from core import beside, events
from flags.selectors.instances import acknowledged

if TYPE_CHECKING:
    from datetime import datetime

    from core.models import Event
    from flags.models import FlagState

SHOWN = 50


def history(state: FlagState) -> dict[str, Any]:
    """For flags/tab_history.html: changes here and of the flag's definition, newest first. One query."""
    subject = f"flag:{state.flag.key}"
    here = Q(environment_id=state.environment_id) | Q(environment_id=None)
    found = list(events.about(subject).filter(here).order_by("-id")[: SHOWN + 1])
    query = urlencode({"subject": subject})
    return {
        "history": found[:SHOWN],
        "more": len(found) > SHOWN,
        "all_events": f"{reverse('admin:core_event_changelist')}?{query}",
        "export_csv": f"{reverse('admin:core_event_export', args=['csv'])}?{query}",
        "export_json": f"{reverse('admin:core_event_export', args=['json'])}?{query}",
    }


def spread(event: Event, now: datetime) -> str:
    """Who serves the configuration that this event made, for its page; "" for events that made none."""
    version = event.data.get("configuration")
    if event.environment is None or not isinstance(version, int):
        return ""
    reach = acknowledged(event.environment.key, version, event.at, now=now)
    return render_to_string("flags/spread.html", {"reach": reach, "version": version, "now": now})


beside.add_event_part(spread)
