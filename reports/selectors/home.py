"""What home shows to one person."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

import approvals.selectors
import communications.selectors
import migrations_app.selectors
import plans.selectors
import rollbacks.selectors
from approvals.domain.states import RequestState
from core import together
from improvement.selectors import actions as todo
from reports.selectors.picture import Picture, picture

if TYPE_CHECKING:
    from approvals.models import ChangeRequest
    from communications.models import Announcement
    from core.models import Environment
    from improvement.selectors.actions import Todo
    from incidents.models import Incident
    from migrations_app.models import MigrationRun
    from plans.models import Item
    from rollbacks.models import Rollback

MOST = 10
APPROVES, TELLS = "approvals.approve_change", "communications.approve_announcement"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one person, in all environments."""

    to_approve: list[ChangeRequest]
    to_apply: list[ChangeRequest]
    rollbacks: list[Rollback]
    migrations: list[MigrationRun]
    drafts: list[Announcement]
    items: list[Item]
    incidents: list[Incident]
    actions: list[Todo]

    @property
    def count(self) -> int:
        return sum(len(getattr(self, name)) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class Home:
    """Everything on the first page."""

    picture: Picture
    waiting: Waiting


def home(environment: Environment, *, person: str, may: Collection[str], now: datetime) -> Home:
    """What this person must know first. `may`: their permissions, which tell what could wait for them.

    One query beside those of the picture that everybody sees.
    """
    shown = picture(environment, now=now)
    return Home(shown, _waiting(shown, person, may, now=now))


def _waiting(shown: Picture, person: str, may: Collection[str], *, now: datetime) -> Waiting:
    found = together.read(**_asked(person, may, now=now))
    requests = found["requests"]
    opened = [row for row in requests if row.state == RequestState.OPEN and person not in row.contributors]
    return Waiting(
        to_approve=opened if APPROVES in may else [],
        to_apply=[row for row in requests if row.state == RequestState.APPROVED],
        rollbacks=rollbacks.selectors.for_person(found.get("rollbacks", []), person),
        migrations=migrations_app.selectors.for_person(found.get("migrations", []), person, now=now),
        drafts=found.get("drafts", []),
        items=found["items"],
        incidents=[row for row in shown.incidents if person in (row.commander, row.acknowledged_by)],
        actions=todo.todos(found["actions"], found["follow_ups"])[:MOST],
    )


def _asked(person: str, may: Collection[str], *, now: datetime) -> dict[str, QuerySet[Any]]:
    asked = {
        "requests": approvals.selectors.for_person(person, now=now),
        "items": plans.selectors.items_of(person)[:MOST],
        **todo.asked_of(person),
    }
    if APPROVES in may:
        asked |= {
            "rollbacks": rollbacks.selectors.waiting(now=now),
            "migrations": migrations_app.selectors.waiting(),
        }
    if TELLS in may:
        asked["drafts"] = communications.selectors.drafts()[:MOST]
    return asked
