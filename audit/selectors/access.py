"""Who may do what where, and when they last did: what an administrator signs off."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import orjson

import communications.selectors
import flags.selectors
from core import access
from core.access import LinkAccess, PersonAccess
from core.actors import ActorKind

DORMANT = timedelta(days=90)
COLUMNS = ("kind", "name", "active", "role", "may", "where", "last used", "last change", "dormant")
_YES = {True: "yes", False: "no"}
EVERYWHERE = "all environments"  # roles hold everywhere; where a change needs a second person is in the playbook


@dataclass(frozen=True, slots=True)
class TokenAccess:
    """A live API token. `used_on` is known by the day, UTC."""

    id: int
    name: str
    prefix: str
    environment: str
    scopes: tuple[str, ...]
    created_at: datetime
    created_by: str
    used_on: date | None
    changed_at: datetime | None

    def dormant(self, today: date) -> bool:
        return today - (self.used_on or self.created_at.date()) > DORMANT


@dataclass(frozen=True, slots=True)
class SecretAccess:
    """A channel that holds a secret: whoever could read it can speak in our name there."""

    key: str
    name: str
    kind: str
    enabled: bool
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Access:
    """Everything that opens something, as it is now."""

    people: list[PersonAccess]
    roles: dict[str, list[str]]
    tokens: list[TokenAccess]
    links: list[LinkAccess]
    secrets: list[SecretAccess]

    @property
    def digest(self) -> str:
        """Of who may do what, not of when they did: the same until somebody is given or loses something."""
        told = {
            "people": [[each.name, each.active, each.superuser, each.roles, each.own] for each in self.people],
            "roles": self.roles,
            "tokens": [[each.id, each.environment, each.scopes] for each in self.tokens],
            "links": [[each.subject, each.environments, each.opens] for each in self.links],
            "secrets": [[each.key, each.enabled] for each in self.secrets],
        }
        return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def dormant(self, now: datetime) -> tuple[set[str], set[int]]:
        """People by name who may sign in, and tokens by number, that nobody has used for 90 days."""
        people = {each.name for each in self.people if each.active and now - each.used_at > DORMANT}
        return people, {each.id for each in self.tokens if each.dormant(now.date())}


def now_is(*, now: datetime) -> Access:
    """Who may do what. Ten queries, whatever their number."""
    return Access(access.people(), access.roles(), _tokens(), access.links(now=now), _secrets())


def rows(found: Access, *, now: datetime) -> Iterator[list[str]]:
    """As a table for a spreadsheet under `COLUMNS`: one line for each person, role and thing they may do."""
    sleeping, unused = found.dormant(now)
    for person in found.people:
        end = [EVERYWHERE, _at(person.signed_in_at), _at(person.changed_at), _YES[person.name in sleeping]]
        start = ["person", person.name, _YES[person.active]]
        for role, may in _granted(person, found.roles):
            yield [*start, role, may, *end]
    for token in found.tokens:
        used = token.used_on.isoformat() if token.used_on else ""
        end = [token.environment, used, _at(token.changed_at), _YES[token.id in unused]]
        for scope in token.scopes:
            yield ["token", f"{token.name} ({token.prefix}…)", "yes", "", scope, *end]
    for link in found.links:
        yield ["link", link.name, "yes", "", link.opens, ", ".join(link.environments), _at(link.used_at), "", ""]
    for secret in found.secrets:
        yield ["secret", secret.name, _YES[secret.enabled], "", secret.kind, "", "", _at(secret.used_at), ""]


def _granted(person: PersonAccess, roles: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Role and what it may; one line also for who may nothing."""
    found = [(role, may) for role in person.roles for may in roles.get(role) or ["see everything, change nothing"]]
    found += [("", may) for may in person.own]
    if person.superuser:
        found.append(("superuser", "everything"))
    yield from found or [("", "nothing")]


def _tokens() -> list[TokenAccess]:
    changed = access.last_change("environment_id", "name", ActorKind.TOKEN)
    live = flags.selectors.tokens().filter(revoked_at=None).annotate(changed_at=changed).order_by("name", "id")
    return [
        TokenAccess(
            id=row.pk,
            name=row.name,
            prefix=row.prefix,
            environment=row.environment.key,
            scopes=tuple(row.scopes),
            created_at=row.created_at,
            created_by=row.created_by,
            used_on=row.used_on,
            changed_at=row.changed_at,
        )
        for row in live
    ]


def _secrets() -> list[SecretAccess]:
    held = communications.selectors.channels().exclude(secret="")
    return [SecretAccess(row.key, row.name, row.kind, row.enabled, row.ok_at) for row in held]


def _at(at: datetime | None) -> str:
    return at.isoformat() if at else ""
