"""Notifications over `/api/v1/notifications`: nctool shows them to its users, in the environment of the token."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field

from communications import selectors
from communications.domain.states import AnnouncementState
from communications.models import Announcement, Notification
from communications.selectors import notifications as shown
from communications.services import notifications
from flags.api.auth import caller, token_auth
from flags.api.bodies import Body
from flags.api.paging import Page, cut
from flags.domain.change import MAX_NPUB_LENGTH
from flags.services.tokens import Scope

router = Router(tags=["communications"])
MOST = 100
NPUB = r"^[^\s\x00]+$"
Npub = Annotated[str, Field(pattern=NPUB, max_length=MAX_NPUB_LENGTH)]


class NotificationOut(Schema):
    """`read`: by this npub."""

    id: int
    subject: str
    text: str
    severity: str
    link: str
    at: datetime
    read: bool


class NotificationsOut(Schema):
    """`unread` counts all of the last 30 days, also those beyond the list."""

    npub: str
    unread: int
    notifications: list[NotificationOut]


class ReadIn(Body):
    npub: Npub
    ids: Annotated[list[Annotated[int, Field(ge=1, lt=2**63)]], Field(min_length=1, max_length=MOST)]


class Filter(Page):
    state: AnnouncementState | None = None


class AnnouncementOut(Schema):
    id: int
    audience: str
    channel: str
    recipient: str
    state: str
    subject: str
    why: str
    error: str
    tries: int
    made_at: datetime
    due_at: datetime
    sent_at: datetime | None


@router.get(
    "/notifications",
    response=NotificationsOut,
    auth=token_auth(Scope.EVALUATE),
    summary="What a user of nctool is told, newest first",
)
def list_notifications(
    request: HttpRequest,
    npub: Annotated[str, Query(pattern=NPUB, max_length=MAX_NPUB_LENGTH)],
    *,
    unread: bool = False,
) -> NotificationsOut:
    """The last 100 of 30 days. With `unread` only those that this npub has not read."""
    found = shown.of_users(caller(request).environment, npub, now=timezone.now())
    waiting = found.exclude(readings__reader=npub)
    rows = [_notification(row) for row in (waiting if unread else found)[:MOST]]
    return NotificationsOut(npub=npub, unread=waiting.count(), notifications=rows)


@router.post(
    "/notifications/read", response={204: None}, auth=token_auth(Scope.EVALUATE), summary="A user has read these"
)
def read_notifications(request: HttpRequest, body: ReadIn) -> Status[None]:
    """Again is harmless. What is not for users, or of another environment, is left out."""
    known = shown.of_users(caller(request).environment, body.npub, now=timezone.now())
    ids = list(known.filter(pk__in=body.ids).values_list("pk", flat=True))
    notifications.read(ids, reader=body.npub, now=timezone.now())
    return Status(204, None)


@router.get(
    "/announcements",
    response=list[AnnouncementOut],
    auth=token_auth(Scope.OPERATE),
    summary="What was announced, newest first",
)
def list_announcements(request: HttpRequest, response: HttpResponse, wanted: Query[Filter]) -> list[AnnouncementOut]:
    found = selectors.announcements().filter(alert__environment__key=caller(request).environment)
    if wanted.state:
        found = found.filter(state=wanted.state.value)
    return [_announcement(row) for row in cut(request, response, found, wanted)]


def _notification(row: Notification) -> NotificationOut:
    return NotificationOut(
        id=row.pk,
        subject=row.subject,
        text=row.text,
        severity=row.severity,
        link=row.link,
        at=row.at,
        read=row.read,  # type: ignore[attr-defined]  # annotated by the selector
    )


def _announcement(row: Announcement) -> AnnouncementOut:
    names = ("audience", "recipient", "state", "subject", "why", "error", "tries", "made_at", "due_at", "sent_at")
    return AnnouncementOut(id=row.pk, channel=row.channel.key, **{name: getattr(row, name) for name in names})
