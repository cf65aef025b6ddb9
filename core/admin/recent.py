"""What changed in the last hour, and what is wrong now: the page for the person on call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.utils import timezone

from core import beside, environments, recent
from core.admin.read_only import Screen

if TYPE_CHECKING:
    from core.models import Environment

MOST_TROUBLES = 20


class RecentPage(Screen):
    """`?last=` says how far back, `?environment=` where; each is a link on the page."""

    permission_required = "core.view_event"
    template_name = "ops/base.html"
    live_template = "core/recent_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, user = timezone.now(), self.request.user
        span = self._span()
        self.title = f"What changed in the last {span.words}"
        places = list(environments.ordered().reverse())  # production first, as on home
        place = self._place(places)
        since = now - span.length
        events, more = recent.changes(place, since=since)
        troubles = beside.troubles(place.key if place else None, user, now=now)
        seen = recent.beside_changes(troubles, events, since=events[-1].at if more else since)
        return super().get_context_data(
            now=now,
            span=span,
            spans=recent.SPANS,
            places=places,
            place=place,
            since=since,
            events=events,
            more=more,
            ways=beside.ways_back(events, user),
            troubles=seen[:MOST_TROUBLES],
            more_troubles=max(0, len(seen) - MOST_TROUBLES),
            **kwargs,
        )

    def _span(self) -> recent.Span:
        asked = self.request.GET.get("last", recent.USUAL.key)
        found = recent.span_of(asked)
        if found is None:
            known = ", ".join(span.key for span in recent.SPANS)
            raise Http404(f"There is no time {asked!r} to look back. Known: {known}.")
        return found

    def _place(self, places: list[Environment]) -> Environment | None:
        asked = self.request.GET.get("environment", "")
        found = next((each for each in places if each.key == asked), None)
        if asked and found is None:
            known = ", ".join(each.key for each in places)
            raise Http404(f"There is no environment {asked!r}. Known: {known}.")
        return found
