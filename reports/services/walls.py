"""Links to the wall screen: made, shown once, revoked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from core import environments, events, tokens
from core.actors import Actor
from core.errors import Conflict, Invalid, NotFound
from core.texts import need_text
from reports.models import WallLink

MOST_DAYS = 366
SECONDS = range(5, 601)
NOTED = timedelta(minutes=1)  # how exactly the last use is kept: a screen asks several times a minute


@transaction.atomic
def create(
    name: str,
    places: Collection[str],
    *,
    days: int,
    seconds: int = 20,
    names: bool = False,
    actor: Actor,
    now: datetime,
) -> tuple[WallLink, str]:
    """Make a link; its token is returned here and never again.

    Args:
        places: keys of the environments that it shows, one or more.
        days: after so many it opens nothing any more; 1 to 366.
        seconds: for how long each page stands; 5 to 600.
        names: whether the people on call may be named.

    Raises Invalid with the field, and NotFound for an unknown environment.
    """
    name = need_text(name, "A link needs a name that tells where its screen hangs.", field="name", longest=80)
    _check(places, days, seconds)
    shown = [environments.get(key) for key in sorted(set(places))]
    text = tokens.new("wall_")
    link = WallLink.objects.create(
        name=name,
        digest=tokens.digest(text),
        prefix=text[:10],
        names=names,
        seconds=seconds,
        created_at=now,
        created_by=actor.name,
        expires_at=now + timedelta(days=days),
    )
    link.environments.set(shown)
    told = {"name": link.name, "environments": [place.key for place in shown], "names": names, "days": days}
    events.record("wall.created", subject=f"wall:{link.pk}", actor=actor, now=now, after=told)
    return link, text


def _check(places: Collection[str], days: int, seconds: int) -> None:
    if not places:
        raise Invalid("Choose at least one environment.", field="environments")
    if not 1 <= days <= MOST_DAYS:
        raise Invalid(f"A link lives for 1 to {MOST_DAYS} days.", field="days")
    if seconds not in SECONDS:
        raise Invalid(f"A page stands for {SECONDS[0]} to {SECONDS[-1]} seconds.", field="seconds")


@transaction.atomic
def revoke(link_id: int, *, actor: Actor, reason: str, now: datetime) -> WallLink:
    """End the link: the screen that shows it goes dark with its next page. Of two callers one gets Conflict."""
    link = WallLink.objects.select_for_update().filter(pk=link_id).first()
    if link is None:
        raise NotFound(f"There is no link {link_id} to a wall screen.")
    if link.revoked_at is not None:
        raise Conflict(f"{link.name} was revoked already.")
    link.revoked_at, link.revoked_by = now, actor.name
    link.save(update_fields=["revoked_at", "revoked_by"])
    told = {"name": link.name}
    events.record("wall.revoked", subject=f"wall:{link.pk}", actor=actor, now=now, reason=reason, before=told)
    return link


def use(text: str, *, now: datetime) -> WallLink:
    """The live link with this token, its use noted. No event tells of it: a screen asks all day.

    Raises NotFound alike for a token that never was, that has expired and that was revoked.
    """
    live = WallLink.objects.filter(digest=tokens.digest(text), revoked_at=None, expires_at__gt=now)
    link = live.prefetch_related("environments").first()
    if link is None:
        raise NotFound("This address shows nothing, or nothing any more. Ask an administrator for a new one.")
    if link.used_at is None or now - link.used_at >= NOTED:
        old = Q(used_at=None) | Q(used_at__lte=now - NOTED)
        WallLink.objects.filter(old, pk=link.pk).update(used_at=now)
    return link
