"""What is learnt from an incident: a document begun from its timeline, and what somebody does about it."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from core import people
from core.actors import Actor
from core.errors import Conflict, Invalid, NotFound, StaleVersion
from core.texts import need_text
from incidents.domain.document import begun
from incidents.domain.states import IncidentState
from incidents.models import FollowUp, Incident, PostMortem
from incidents.selectors import timeline
from incidents.services.locking import hold, move, need_live, picture, save, tell

MOST = 100_000


@transaction.atomic
def start(number: int, *, actor: Actor, now: datetime) -> PostMortem:
    """Begin the document of a resolved incident. Raises Conflict when it has one, or is not resolved."""
    row = hold(number)
    if PostMortem.objects.filter(incident=row).exists():
        raise Conflict(f"Incident {number} has a post-mortem already.")
    before = picture(row)
    move(row, IncidentState.POST_MORTEM)
    made = PostMortem.objects.create(
        incident=row,
        text=begun(row.summary, timeline.impact(row), timeline.moments(row, now=now)),
        started_at=now,
        started_by=actor.name,
        changed_at=now,
        changed_by=actor.name,
    )
    save(row, "post_mortem_begun", before, actor=actor, reason="", now=now)
    return made


@transaction.atomic
def write(number: int, text: str, *, version: int, actor: Actor, now: datetime) -> PostMortem:
    """Store the text as its next version; the one before is in the event. Nothing is written when nothing differs.

    Raises StaleVersion when somebody was faster.
    """
    text = need_text(text.replace("\r\n", "\n"), "Write something.", field="text", longest=MOST)
    row = hold(number)
    need_live(row, "changed")
    found = _document(row)
    if found.version != version:
        raise StaleVersion("The post-mortem", expected=version, actual=found.version)
    if found.text == text:
        return found
    before, found.text = found.text, text
    found.version, found.changed_at, found.changed_by = version + 1, now, actor.name
    found.save()
    tell(
        row,
        "post_mortem_changed",
        before={"text": before},
        after={"text": text},
        actor=actor,
        reason=f"Version {found.version}.",
        now=now,
        data={"version": found.version},
    )
    return found


@transaction.atomic
def add_follow_up(number: int, text: str, *, owner: str, due: date, actor: Actor, now: datetime) -> FollowUp:
    """Something to do, by somebody who can sign in, until a day that is not over."""
    text, owner = need_text(text, "Say what is to be done.", field="text", longest=300), owner.strip()
    if not people.signs_in(owner):
        raise Invalid(f"Nobody called {owner} can sign in: an action has an owner.", field="owner")
    if due < now.date():
        raise Invalid(f"{due} is over. Choose a day from today on.", field="due")
    row = hold(number)
    need_live(row, "changed")
    made = FollowUp.objects.create(incident=row, text=text, owner=owner, due=due, added_at=now, added_by=actor.name)
    data = {"follow_up": made.pk, "owner": owner, "due": due.isoformat()}
    tell(row, "post_mortem_action_added", actor=actor, reason=f"{text} ({owner}, until {due})", now=now, data=data)
    return made


@transaction.atomic
def finish_follow_up(follow_up_id: int, *, actor: Actor, now: datetime) -> FollowUp:
    """It is done. Also of an incident that is closed: that is when most of it is done. Conflict: it is already."""
    number = FollowUp.objects.filter(pk=follow_up_id).values_list("incident_id", flat=True).first()
    if number is None:
        raise NotFound(f"There is no action item {follow_up_id}.")
    row: Incident = hold(number)
    found = FollowUp.objects.get(pk=follow_up_id)
    if found.done_at is not None:
        raise Conflict(f"{found.done_by} has done this already.")
    found.done_at, found.done_by = now, actor.name
    found.save()
    tell(row, "post_mortem_action_done", actor=actor, reason=found.text, now=now, data={"follow_up": found.pk})
    return found


def _document(row: Incident) -> PostMortem:
    found = PostMortem.objects.filter(incident=row).first()
    if found is None:
        raise NotFound(f"Incident {row.pk} has no post-mortem: begin it once it is resolved.")
    return found
