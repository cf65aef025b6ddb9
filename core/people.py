"""People: what is recorded when an administrator changes who may do what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from core import events
from core.actors import Actor
from core.models import User


def picture(user_id: int | None) -> dict[str, Any]:
    """A person as an event tells it; {} for one who is not there yet. Never anything of the password."""
    user = None if user_id is None else User.objects.filter(pk=user_id).first()
    if user is None:
        return {}
    return {
        "username": user.username,
        "email": user.email,
        "active": user.is_active,
        "roles": sorted(user.groups.values_list("name", flat=True)),
    }


def no_longer(names: Collection[str], permission: str) -> list[str]:
    """Those of these people who were deactivated or have lost the permission. Names without an account are not."""
    users = User.objects.filter(username__in=names).order_by("username")
    return [user.username for user in users if not user.has_perm(permission)]


def signs_in(name: str) -> bool:
    """Somebody has an account of this name and may use it."""
    return User.objects.filter(username=name, is_active=True).exists()


def names() -> set[str]:
    """Of everybody who has an account."""
    return set(User.objects.values_list("username", flat=True))


def mailboxes(names: Collection[str]) -> dict[str, str]:
    """Those of these people who may sign in, in their order, and where their mail goes; empty: nowhere."""
    users = User.objects.filter(username__in=names, is_active=True)
    return dict(users.order_by("username").values_list("username", "email"))


def of_role(role: str) -> dict[str, str]:
    """Everybody who has the role and may sign in, and where their mail goes; empty: nowhere."""
    users = User.objects.filter(groups__name=role, is_active=True)
    return dict(users.order_by("username").values_list("username", "email"))


def everybody() -> list[str]:
    """The names of all who may sign in."""
    return list(User.objects.filter(is_active=True).order_by("username").values_list("username", flat=True))


def tell_change(user_id: int, before: Mapping[str, Any], *, actor: Actor, now: datetime) -> None:
    """Record what differs from `before`; nothing is written when nothing does."""
    after = picture(user_id)
    if after != before:
        kind = "person.changed" if before else "person.created"
        events.record(kind, subject=f"person:{after['username']}", actor=actor, now=now, before=before, after=after)


def tell_password(user_id: int, *, actor: Actor, now: datetime) -> None:
    """Record that somebody was given a new password, not which."""
    name = User.objects.get(pk=user_id).username
    events.record("person.password_set", subject=f"person:{name}", actor=actor, now=now)
