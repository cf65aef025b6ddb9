"""Which events may be forgotten, and forgetting them. `audit` decides when, spares what is held and keeps account."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from core.models import Event


def old(before: datetime) -> QuerySet[Event]:
    """Events from before that may go, oldest number first.

    Kept whatever their age: the newest event of each kind about each subject in each environment, which other parts
    look up (the last load of a playbook, the last rollback of a flag), and every event that a row of another
    table stands on (an alert, for example). The newest event of all is among them, so no number is given twice.
    """
    newer = Event.objects.filter(subject=OuterRef("subject"), kind=OuterRef("kind"), pk__gt=OuterRef("pk"))
    here = Exists(newer.filter(environment=OuterRef("environment")))
    nowhere = Exists(newer.filter(environment=None))
    found = Event.objects.filter(at__lt=before).filter(Q(here) | Q(environment=None) & Q(nowhere))
    for relation in Event._meta.related_objects:
        follower = relation.related_model._base_manager.filter(**{relation.field.name: OuterRef("pk")})
        found = found.filter(~Exists(follower))
    return found.order_by("pk")


def forget(ids: Collection[int]) -> int:
    """Delete these events; how many. Call it in the transaction that keeps account of them."""
    return Event.objects.filter(pk__in=ids).delete()[0]
