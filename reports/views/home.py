"""Home."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from reports.selectors import home as selectors

NEEDED = "flags.view_flagstate"


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's dashboard callback. A request by htmx gets the live part alone."""
    live = bool(request.headers.get("HX-Request"))
    now = timezone.now()
    context |= {"now": now, "layout": "ops/fragment.html" if live else "ops/base.html", "title": "Home"}
    if request.user.has_perm(NEEDED):
        approves = request.user.has_perm("approvals.approve_change")
        tells = request.user.has_perm("communications.approve_announcement")
        person = request.user.get_username()
        context["home"] = selectors.home(now=now, person=person, approves=approves, tells=tells)
        context["may_declare"] = request.user.has_perm("incidents.operate_incident")
    return context
