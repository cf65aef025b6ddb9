"""What home shows to one person."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import approvals.selectors
import communications.selectors
import improvement.selectors.actions
import migrations_app.selectors
import plans.selectors
import rollbacks.selectors
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

    Eleven queries at most beside those of the picture that everybody sees.
    """
    shown = picture(environment, now=now)
    return Home(shown, _waiting(shown, person, may, now=now))


def _waiting(shown: Picture, person: str, may: Collection[str], *, now: datetime) -> Waiting:
    approves, tells = APPROVES in may, TELLS in may
    to_approve, to_apply = approvals.selectors.for_person(person, now=now)
    return Waiting(
        to_approve=to_approve if approves else [],
        to_apply=to_apply,
        rollbacks=rollbacks.selectors.waiting(person, now=now) if approves else [],
        migrations=migrations_app.selectors.waiting(person, now=now) if approves else [],
        drafts=list(communications.selectors.drafts()[:MOST]) if tells else [],
        items=list(plans.selectors.items_of(person)[:MOST]),
        incidents=[row for row in shown.incidents if person in (row.commander, row.acknowledged_by)],
        actions=improvement.selectors.actions.of_person(person)[:MOST],
    )
