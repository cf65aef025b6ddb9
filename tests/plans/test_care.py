"""Who looks after an item and until when, what shows how it is, and what is told when it is late."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

import communications.selectors
from communications.models import Announcement
from communications.services import announcing
from core.actors import Actor
from core.errors import Conflict, Invalid, StaleVersion
from core.models import Event, User
from plans import selectors
from plans.domain.states import ItemState
from plans.models import Attachment, Plan
from plans.services import attaching, items, overdue, plans
from plans.services.attaching import File
from tests.plans.conftest import item
from tests.telling import somebody_hears

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga() -> User:
    return User.objects.create_user("olga", email="olga@example.org")


def test_an_item_is_given_to_somebody_who_can_sign_in_until_a_time_that_is_ahead(
    plan: Plan, olga: User, operator_actor: Actor, now: datetime
) -> None:
    row, soon = item("Reviewed"), now + timedelta(hours=1)
    for who, until, complaint in (("olag", None, "Nobody signs in as 'olag'"), ("olga", now, "This time is over")):
        with pytest.raises(Invalid, match=complaint):
            items.assign(row.pk, who, due_at=until, actor=operator_actor, now=now)
    items.assign(row.pk, "olga", due_at=soon, actor=operator_actor, now=now, version=1)
    items.assign(item("Backed up").pk, "olga", actor=operator_actor, now=now)
    assert [(each.text, each.due) for each in selectors.items_of("olga")] == [("Reviewed", soon), ("Backed up", None)]
    with pytest.raises(StaleVersion):
        items.assign(row.pk, "", actor=operator_actor, now=now, version=1)


def test_what_is_late_is_told_once_and_its_owner_gets_a_mail(
    plan: Plan, olga: User, operator_actor: Actor, now: datetime
) -> None:
    late = now + timedelta(hours=2)
    for text in ("Reviewed", "Backed up"):
        items.assign(item(text).pk, "olga", due_at=now + timedelta(hours=1), actor=operator_actor, now=now)
    assert [overdue.tell_overdue(now=at) for at in (now, late, late)] == [0, 2, 0]
    (event,) = Event.objects.filter(kind="checklist.overdue")
    assert event.reason == "Before: overdue are Reviewed; Backed up."
    somebody_hears("email")
    assert announcing.announce(now=late) == 1
    assert communications.selectors.alerts()[0].severity == "warning"
    assert sorted(Announcement.objects.values_list("recipient", flat=True)) == ["olga@example.org", "ops@example.org"]
    items.assign(item("Reviewed").pk, "olga", due_at=late + timedelta(hours=1), actor=operator_actor, now=late)
    assert [overdue.tell_overdue(now=late + timedelta(hours=n)) for n in (0, 2)] == [0, 1]


def test_nothing_of_a_plan_that_has_ended_is_late(plan: Plan, operator_actor: Actor, now: datetime) -> None:
    items.assign(item("Reviewed").pk, "", due_at=now + timedelta(hours=1), actor=operator_actor, now=now)
    plans.abort(plan.pk, actor=operator_actor, reason="Enough.", now=now)
    assert overdue.tell_overdue(now=now + timedelta(hours=2)) == 0


def test_a_file_is_kept_as_it_came_once_and_its_removal_stays_in_the_history(
    plan: Plan, operator_actor: Actor, now: datetime
) -> None:
    row, who = item("Reviewed"), {"actor": operator_actor, "now": now}
    for content, complaint in ((b"", "The file is empty"), (b"x" * (attaching.MOST_BYTES + 1), "At most 5 MB")):
        with pytest.raises(Invalid, match=complaint):
            attaching.attach(row.pk, File("a.txt", content), **who)
    kept = attaching.attach(row.pk, File("..\\evil/../re\nport.txt", b"\x00all fine"), **who)
    assert (kept.name, bytes(Attachment.objects.get().content)) == ("report.txt", b"\x00all fine")
    assert attaching.attach(row.pk, File("again.txt", b"\x00all fine"), **who) == kept
    items.mark(row.pk, ItemState.PASSED, file=File("seen.png", b"png"), **who)
    assert [each.name for each in Attachment.objects.all()] == ["report.txt", "seen.png"]
    with pytest.raises(Invalid, match="Say why"):
        attaching.remove(kept.pk, reason=" ", **who)
    attaching.remove(kept.pk, reason="It has a secret.", **who)
    event = Event.objects.get(kind="item.attachment_removed")
    assert (event.before["name"], event.before["sha256"]) == ("report.txt", kept.sha256)
    for number in range(attaching.MOST_FILES - 1):
        attaching.attach(row.pk, File("n", b"%d" % number), **who)
    with pytest.raises(Conflict, match="20 files already"):
        attaching.attach(row.pk, File("n", b"one more"), **who)


def test_a_refused_mark_keeps_no_file(plan: Plan, operator_actor: Actor, now: datetime) -> None:
    with pytest.raises(Conflict):
        items.mark(item("Look").pk, ItemState.PASSED, file=File("a", b"a"), actor=operator_actor, now=now)
    assert not Attachment.objects.exists()
