"""People: what is recorded when an administrator changes who may do what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group

from core import events
from core.actors import Actor
from core.models import User
from core.texts import is_storable


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
    return is_storable(name) and User.objects.filter(username=name, is_active=True).exists()


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


@dataclass(frozen=True, slots=True)
class Account:
    """What has to be known of a person before somebody counts on being able to reach them."""

    active: bool
    address: str


def accounts(names: Collection[str]) -> dict[str, Account]:
    """Those of these people who have an account, by user name."""
    rows = User.objects.filter(username__in=names).values_list("username", "is_active", "email")
    return {name: Account(active, email) for name, active, email in rows}


def with_role(role: str) -> list[str]:
    """The active people in a group, by name."""
    rows = User.objects.filter(groups__name=role, is_active=True).order_by("username")
    return list(rows.values_list("username", flat=True))


def roles() -> list[str]:
    """The groups there are, also the site's own."""
    return list(Group.objects.order_by("name").values_list("name", flat=True))


def usernames() -> list[str]:
    """Everybody who may sign in."""
    return list(User.objects.filter(is_active=True).order_by("username").values_list("username", flat=True))


def known_as() -> dict[str, str]:
    """User name by everything that names a person: user name, mail address and full name, in small letters."""
    found: dict[str, str] = {}
    for user in User.objects.order_by("-username"):
        for name in (user.get_full_name(), user.email, user.username):
            if name:
                found[name.lower()] = user.username
    return found
