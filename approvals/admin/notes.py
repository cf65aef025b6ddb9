"""What the pages of the flags and of the events tell about change requests."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.urls import reverse

from approvals import selectors
from approvals.domain.states import LIVE
from approvals.models import ChangeRequest
from core import beside, planned
from core.beside import Note
from core.planned import Item


def of_flags() -> dict[tuple[str, str], Note]:
    """The live requests of each flag that has some."""
    found: defaultdict[tuple[str, str], list[ChangeRequest]] = defaultdict(list)
    for request in selectors.requests().filter(state__in=LIVE).defer(*selectors.LONG):
        for flag in request.flags.all():
            found[flag.key, request.environment.key].append(request)
    return {about: _note(about[0], requests) for about, requests in found.items()}


def _note(flag: str, requests: list[ChangeRequest]) -> Note:
    count, newest = len(requests), requests[0]
    numbers = " and ".join(str(request.pk) for request in requests[:3]) + (" and more" if count > 3 else "")
    listed = f"{reverse('admin:approvals_changerequest_changelist')}?flag={flag}"
    return Note(
        text="1 change request" if count == 1 else f"{count} change requests",
        sentence=f"Request {newest.pk}, {newest.title}, is {newest.state}."
        if count == 1
        else f"{count} change requests wait for this flag: {numbers}.",
        url=page_of(str(newest.pk), "") if count == 1 else listed,
        tone="warn",
        icon="approval_delegation",
        warning=f"Change request {numbers} asks for a change of it too: this change voids the approvals.",
    )


def page_of(key: str, environment: str) -> str:
    """Where the events of a request lead."""
    return reverse("admin:approvals_changerequest_change", args=[key])


def scheduled(since: datetime, until: datetime) -> list[Item]:
    """The live requests that shall be applied at a time, for the calendar: 1 query."""
    found = selectors.requests().filter(state__in=LIVE, apply_at__gte=since, apply_at__lt=until)
    return [
        Item(
            uid=f"request-{request.pk}",
            at=request.apply_at,
            environment=request.environment.key,
            text=f"Request {request.pk}: {request.title}",
            url=page_of(str(request.pk), ""),
            icon="approval_delegation",
        )
        for request in found.prefetch_related(None).defer(*selectors.LONG)
        if request.apply_at is not None
    ]


planned.add_source(scheduled)
beside.add_flag_notes(of_flags)
beside.add_page("request", page_of)
