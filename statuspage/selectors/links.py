"""Links that only their receiver can have: signed, so nothing of them is kept."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse

from core.errors import Invalid
from statuspage.models import Page, Subscription
from statuspage.models.page import THE_PAGE

CONFIRM, LEAVE = "statuspage.confirm", "statuspage.leave"  # salts: a link of one kind never works as another
LIFE = timedelta(hours=48)


def base() -> str:
    """Where the page is, without a slash at the end; empty when nothing says it."""
    address = Page.objects.filter(pk=THE_PAGE).values_list("address", flat=True).first()
    return str(address or settings.PUBLIC_URL).rstrip("/")


def confirmation_link(subscription_id: int) -> str:
    """The link by which this subscription is confirmed, good for 48 hours from now. A POST to it confirms, too."""
    asked = Subscription.objects.values_list("asked", flat=True).get(pk=subscription_id)
    token = signing.dumps([subscription_id, asked], salt=CONFIRM)
    return f"{base()}{reverse('statuspage:confirm', args=[token])}"


def unsubscribe_link(subscription_id: int) -> str:
    """The link by which this subscriber leaves; it does not expire."""
    token = signing.Signer(salt=LEAVE).sign(str(subscription_id))
    return f"{base()}{reverse('statuspage:unsubscribe', args=[token])}"


def read_confirmation(token: str) -> tuple[int, int]:
    """The subscription, and which of its links this is. Invalid when it is damaged or too old."""
    try:
        pk, asked = signing.loads(token, salt=CONFIRM, max_age=LIFE)
    except signing.SignatureExpired:
        raise Invalid("This link is older than 48 hours. Subscribe again to get a new one.") from None
    except (signing.BadSignature, ValueError, TypeError):
        raise Invalid("This link is damaged: was a part of it lost? Subscribe again to get a new one.") from None
    return int(pk), int(asked)


def read_unsubscription(token: str) -> int:
    """The subscription. Invalid when the link is damaged."""
    try:
        return int(signing.Signer(salt=LEAVE).unsign(token))
    except (signing.BadSignature, ValueError):
        raise Invalid("This link is damaged: was a part of it lost?") from None
