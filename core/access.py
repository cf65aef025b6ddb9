"""Who may do what: people, their roles, what they last did, and links that need no sign-in. For a review of all of it.

A higher app registers its links when its admin is discovered, as with core.beside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from core.actors import ActorKind
from core.models import Event, User

_SEES = "view_"  # everybody sees; what is reviewed is what somebody may change


@dataclass(frozen=True, slots=True)
class PersonAccess:
    """One account. `own`: permissions of this person alone, in words. `changed_at`: the last change they made."""

    name: str
    full_name: str
    active: bool
    superuser: bool
    roles: tuple[str, ...]
    own: tuple[str, ...]
    signed_in_at: datetime | None
    changed_at: datetime | None
    joined_at: datetime

    @property
    def used_at(self) -> datetime:
        """When the account was last used for anything; when it was made, if never."""
        return max(at for at in (self.signed_in_at, self.changed_at, self.joined_at) if at)


@dataclass(frozen=True, slots=True)
class LinkAccess:
    """A link that opens something now for whoever has it, without a sign-in.

    `subject` is the one of its events, such as `wall:3`; `opens` what it opens, in words. `used_at`: None if never.
    """

    subject: str
    name: str
    opens: str
    environments: tuple[str, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime
    used_at: datetime | None


_links: list[Callable[[datetime], list[LinkAccess]]] = []


def add_links(source: Callable[[datetime], list[LinkAccess]]) -> None:
    """`source(now)` tells the live links of an app, in a fixed number of queries."""
    _links.append(source)


def links(*, now: datetime) -> list[LinkAccess]:
    """Every link that opens something now."""
    return [link for source in _links for link in source(now)]


def people() -> list[PersonAccess]:
    """Every account by name. Three queries, whatever their number."""
    mine = Event.objects.filter(actor=OuterRef("username"), actor_kind=ActorKind.PERSON.value).order_by("-id")
    users = User.objects.annotate(changed_at=Subquery(mine.values("at")[:1])).order_by("username")
    own = Prefetch("user_permissions", queryset=_changing())
    return [_person(user) for user in users.prefetch_related("groups", own)]


def roles() -> dict[str, list[str]]:
    """What each group may do, in words; nobody is named who only sees. Two queries."""
    groups = Group.objects.order_by("name").prefetch_related(Prefetch("permissions", queryset=_changing()))
    return {group.name: [_words(each) for each in group.permissions.all()] for group in groups}


def last_change(environment_id: str, name: str, kind: ActorKind) -> Subquery:
    """When an actor of this kind last changed something there. Both are names of fields of the outer query."""
    found = Event.objects.filter(actor=OuterRef(name), actor_kind=kind.value, environment_id=OuterRef(environment_id))
    return Subquery(found.order_by("-id").values("at")[:1])


def _changing() -> QuerySet[Permission]:
    return Permission.objects.exclude(codename__startswith=_SEES).order_by("content_type__app_label", "codename")


def _person(user: Any) -> PersonAccess:  # a User with `changed_at`
    return PersonAccess(
        name=user.username,
        full_name=user.get_full_name(),
        active=user.is_active,
        superuser=user.is_superuser,
        roles=tuple(sorted(group.name for group in user.groups.all())),
        own=tuple(_words(each) for each in user.user_permissions.all()),
        signed_in_at=user.last_login,
        changed_at=user.changed_at,
        joined_at=user.date_joined,
    )


def _words(permission: Permission) -> str:
    """`Can confirm a rollback` as `confirm a rollback`."""
    return permission.name.removeprefix("Can ").strip()
