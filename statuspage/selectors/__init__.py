"""Reads of the status page."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Prefetch, Q

from core.errors import NotFound
from statuspage.domain.addresses import SubscriberKind
from statuspage.models import Component, Maintenance, Page, PublicIncident, PublicUpdate, Subscription
from statuspage.models.page import THE_PAGE
from statuspage.selectors.links import confirmation_link, unsubscribe_link

if TYPE_CHECKING:
    from django.db.models import QuerySet

__all__ = ["confirmation_link", "unsubscribe_link"]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Somebody to tell. `unsubscribe` is the link of a mail's foot and of its List-Unsubscribe (a POST does it)."""

    id: int
    kind: SubscriberKind
    address: str
    language: str
    unsubscribe: str


def subscribers(components: Collection[str]) -> Iterator[Subscriber]:
    """Everybody who has confirmed and wants to hear of one of these components, or of all. One query."""
    concerned = Q(components=None) | Q(components__key__in=components)
    found = Subscription.objects.filter(concerned, confirmed_at__isnull=False).distinct()
    for row in found.order_by("pk").iterator(chunk_size=2000):
        yield Subscriber(row.pk, SubscriberKind(row.kind), row.address, row.language, unsubscribe_link(row.pk))


def subscription(subscription_id: int) -> Subscription:
    """One subscription, confirmed or not, or NotFound: it may have ended since it was told of."""
    found = Subscription.objects.filter(pk=subscription_id).first()
    if found is None:
        raise NotFound(f"There is no subscription {subscription_id} any more.")
    return found


def subscription_of(kind: SubscriberKind, address: str) -> Subscription:
    """The one of an address, confirmed or not; NotFound when it has ended."""
    found = Subscription.objects.filter(kind=kind.value, address=address).order_by("-pk").first()
    if found is None:
        raise NotFound("This subscription has ended.")
    return found


def subscriptions() -> QuerySet[Subscription]:
    """All of them, the newest first, with their components in one more query."""
    return Subscription.objects.prefetch_related("components").order_by("-id")


def page() -> Page | None:
    """Title and address; None until something was put on the page."""
    return Page.objects.filter(pk=THE_PAGE).first()


def version() -> int:
    """Rises with each change of the page; 0 while there is none."""
    return Page.objects.filter(pk=THE_PAGE).values_list("version", flat=True).first() or 0


def components() -> QuerySet[Component]:
    """Those of the page, in its order."""
    return Component.objects.filter(retired_at=None).order_by("position", "id")


def component(key: str) -> Component:
    """One component of the page, or NotFound."""
    found = components().filter(key=key).first()
    if found is None:
        raise NotFound(f"There is no component {key!r} on the page.")
    return found


def maintenances() -> QuerySet[Maintenance]:
    """All of them, the latest first, with their components in one more query."""
    return Maintenance.objects.prefetch_related("components").order_by("-starts_at", "-id")


def maintenance(maintenance_id: int) -> Maintenance:
    """One maintenance, or NotFound."""
    found = maintenances().filter(pk=maintenance_id).first()
    if found is None:
        raise NotFound(f"There is no maintenance {maintenance_id}.")
    return found


def incidents() -> QuerySet[PublicIncident]:
    """All of them, the newest first, with updates and components in three more queries."""
    updates = Prefetch("updates", PublicUpdate.objects.order_by("-id"))
    return PublicIncident.objects.prefetch_related(updates, "components__component").order_by("-id")


def incident(incident_id: int) -> PublicIncident:
    """One public incident, or NotFound."""
    found = incidents().filter(pk=incident_id).first()
    if found is None:
        raise NotFound(f"There is no public incident {incident_id}.")
    return found
