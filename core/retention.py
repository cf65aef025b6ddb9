"""How long the event log is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from core.models import Event

BATCH = 1_000


def prune(*, now: datetime, keep: timedelta) -> int:
    """Forget events older than `keep`; how many went.

    Kept whatever their age: the newest event of each kind about each subject in each environment, which other parts
    look up (the last load of a playbook, the last rollback of a flag), and every event that a row of another
    table stands on (an alert, for example). The newest event of all is among them, so no number is given twice.
    """
    gone = 0
    while True:
        ids = list(_old(now - keep).values_list("pk", flat=True)[:BATCH])
        if not ids:
            return gone
        gone += Event.objects.filter(pk__in=ids).delete()[0]


def _old(before: datetime) -> QuerySet[Event]:
    newer = Event.objects.filter(subject=OuterRef("subject"), kind=OuterRef("kind"), pk__gt=OuterRef("pk"))
    here = Exists(newer.filter(environment=OuterRef("environment")))
    nowhere = Exists(newer.filter(environment=None))
    found = Event.objects.filter(at__lt=before).filter(Q(here) | Q(environment=None) & Q(nowhere))
    for relation in Event._meta.related_objects:
        follower = relation.related_model._base_manager.filter(**{relation.field.name: OuterRef("pk")})
        found = found.filter(~Exists(follower))
    return found.order_by("pk")
