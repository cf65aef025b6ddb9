"""What the bell shows."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from communications.models import Notification, Reading

KEPT = timedelta(days=30)  # how far back the bell reaches


def of_person(name: str, *, now: datetime) -> QuerySet[Notification]:
    """What a person who signs in was told, newest first; `read` says whether they have seen it."""
    return _with_read(Notification.objects.filter(person=name, at__gt=now - KEPT), name)


def unread(name: str, *, now: datetime) -> int:
    """How many of them wait."""
    return of_person(name, now=now).exclude(readings__reader=name).count()


def of_users(environment: str, npub: str, *, now: datetime) -> QuerySet[Notification]:
    """What all users of nctool were told in an environment, newest first; `read` is of this npub."""
    found = Notification.objects.filter(person="", environment__key=environment, at__gt=now - KEPT)
    return _with_read(found, npub)


def _with_read(found: QuerySet[Notification], reader: str) -> QuerySet[Notification]:
    mine = Reading.objects.filter(notification=OuterRef("pk"), reader=reader)
    return found.annotate(read=Exists(mine)).order_by("-id")
