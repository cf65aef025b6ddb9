"""What the screens of the event log tell of its seals, and where events about the audit lead."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.template.loader import render_to_string
from django.urls import reverse

from audit import selectors
from audit.admin import words
from core import beside

if TYPE_CHECKING:
    from core.models import Event

_PAGES = {  # by the second half of the subject
    "chain": "admin:audit_verification_changelist",
    "heads": "admin:audit_verification_changelist",
    "retention": "admin:audit_hold_changelist",
    "access": "admin:audit_review_changelist",
}


def of_log(now: datetime) -> str:
    """Up to where the log is sealed, and when it was verified."""
    return render_to_string("audit/log_part.html", state(now))


def state(now: datetime) -> dict[str, object]:
    """What is known of the chains: three queries."""
    last = selectors.verified().first()
    return {
        "now": now,
        "sealing": selectors.sealing(now=now),
        "verified": last,
        "verdict": words.state(last.state) if last else "",
    }


def of_event(event: Event, now: datetime) -> str:
    """Its place in its chain."""
    return render_to_string("audit/event_part.html", {"now": now, "seal": selectors.seal_of(event.pk)})


beside.add_event_log_part(of_log)
beside.add_event_part(of_event)
beside.add_page("audit", lambda key, where: reverse(_PAGES[key]) if key in _PAGES else "")
beside.add_page("hold", lambda key, where: reverse("admin:audit_hold_change", args=[key]))
