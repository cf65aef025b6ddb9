"""Who wants to be told: asked for on the page, confirmed by a link that was sent to the address, ended by another one.

Whoever asks learns nothing of who has subscribed: the answer is the same for every address.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core import events, visits
from core.actors import Actor, ActorKind
from core.errors import Invalid, NotFound
from core.texts import need_reason
from statuspage.domain.addresses import SubscriberKind, read_address
from statuspage.domain.languages import read_language
from statuspage.domain.texts import read_word
from statuspage.models import Component, Subscription
from statuspage.selectors import links

PAUSE = timedelta(minutes=10)  # between two confirmations to one address
UNCONFIRMED = timedelta(days=7)  # kept so long
VISITOR = Actor("a visitor", ActorKind.MACHINE)
TOO_MANY = "Too many subscriptions were asked for from here. Try again in an hour."


def subscribe(
    kind: str, address: str, *, components: Sequence[str], language: str, network: str, now: datetime
) -> None:
    """Ask this address whether it wants to be told: recorded as an event, which communications answers with the link.

    An address that was asked within ten minutes is not asked again, and this is not told to the caller.

    Args:
        components: keys; none: all.
        network: who asks, as `domain.addresses.network` tells it.

    Raises Invalid, TooMany.
    """
    wanted = read_word(SubscriberKind, kind, field="kind")
    kept = read_address(wanted, address)
    language = read_language(language)
    known = set(Component.objects.filter(retired_at=None).values_list("key", flat=True))
    if missing := sorted(set(components) - known):
        raise Invalid(f"The page has no component {missing[0][:40]!r}.", field="components")
    visits.count("subscribe", network, why=TOO_MANY, now=now)
    _ask(wanted, kept, {"components": sorted(set(components)), "language": language}, now)


@transaction.atomic
def _ask(kind: SubscriberKind, address: str, wanted: dict[str, Any], now: datetime) -> None:
    row, made = Subscription.objects.get_or_create(
        kind=kind.value,
        address=address,
        defaults={"language": wanted["language"], "wanted": wanted, "asked_at": now},
    )
    if not made:
        row = Subscription.objects.select_for_update().get(pk=row.pk)
        if abs(now - row.asked_at) < PAUSE:
            return
        row.wanted, row.asked, row.asked_at = wanted, row.asked + 1, now
        row.save(update_fields=["wanted", "asked", "asked_at"])
    events.record(
        "status.subscription_asked",
        subject=f"subscription:{row.pk}",
        actor=VISITOR,
        now=now,
        data={"subscription": row.pk},
    )


@transaction.atomic
def confirm(token: str, *, now: datetime) -> Subscription:
    """What was asked for holds from now on. Used a second time the link does no harm.

    Raises Invalid for a link that is damaged, older than 48 hours, or not the newest one.
    """
    pk, asked = links.read_confirmation(token)
    row = Subscription.objects.select_for_update().filter(pk=pk).first()
    if row is None or row.asked != asked:
        raise Invalid("This link was replaced by a newer one, or the subscription has ended. Subscribe again.")
    if not row.wanted:
        return row
    row.components.set(Component.objects.filter(key__in=row.wanted["components"], retired_at=None))
    row.language, row.wanted = row.wanted["language"], {}
    row.confirmed_at = row.confirmed_at or now
    row.save(update_fields=["language", "wanted", "confirmed_at"])
    _tell("status.subscribed", row, VISITOR, now)
    return row


def unsubscribe(token: str, *, now: datetime) -> None:
    """Forget the subscriber. One who is forgotten already is no error; Invalid for a damaged link."""
    pk = links.read_unsubscription(token)
    _forget(pk, VISITOR, "", now)


def end(subscription_id: int, *, actor: Actor, reason: str, now: datetime) -> None:
    """A person ends it, for somebody who asked for that. NotFound."""
    if not _forget(subscription_id, actor, need_reason(reason), now):
        raise NotFound("This subscription has ended already.")


def forget(*, now: datetime) -> int:
    """Delete those that were never confirmed; how many."""
    old = Subscription.objects.filter(confirmed_at=None, asked_at__lt=now - UNCONFIRMED)
    return old.delete()[1].get("statuspage.Subscription", 0)


@transaction.atomic
def _forget(pk: int, actor: Actor, reason: str, now: datetime) -> bool:
    row = Subscription.objects.select_for_update().filter(pk=pk).first()
    if row is None:
        return False
    _tell("status.unsubscribed", row, actor, now, reason)
    row.delete()
    return True


def _tell(kind: str, row: Subscription, actor: Actor, now: datetime, reason: str = "") -> None:
    """Never the address: the log is kept for longer than the subscription."""
    data = {"subscription": row.pk}
    events.record(kind, subject=f"subscription:{row.pk}", actor=actor, now=now, reason=reason, data=data)
