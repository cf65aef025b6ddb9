"""Home."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest
from django.utils import timezone

from core.errors import NotFound
from reports.selectors import choice
from reports.selectors import home as selectors
from reports.services import choosing

NEEDED = "flags.view_flagstate"


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's dashboard callback. A request by htmx gets the live part alone.

    `?environment=` says where one looks. The whole page remembers it for this person.
    """
    live = bool(request.headers.get("HX-Request"))
    now = timezone.now()
    context |= {
        "now": now,
        "today": timezone.localdate(),
        "layout": "ops/fragment.html" if live else "ops/base.html",
        "title": "Home",
    }
    user = request.user
    if user.has_perm(NEEDED):
        asked = request.GET.get("environment", "")
        places, last = choice.places_and_last(user.pk or 0)
        try:
            here = choice.here(places, asked, last)
        except NotFound as error:
            raise Http404(str(error)) from error
        context |= {"places": places, "here": here, "may_declare": user.has_perm("incidents.operate_incident")}
        if here is not None:
            if user.pk and asked and not live and here.pk != last:
                choosing.remember(user.pk, here.key)
            found = selectors.home(here, person=user.get_username(), may=user.get_all_permissions(), now=now)
            context |= {"home": found, "picture": found.picture, "waiting": found.waiting}
        else:
            context["home"] = None
        context["known"] = True
    return context
