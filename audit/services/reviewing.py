"""The access review: an administrator answers for who may do what."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from audit.models import Review
from audit.selectors import access
from core import events
from core.actors import Actor
from core.errors import Conflict
from core.texts import need_reason


@transaction.atomic
def sign_off(digest: str, *, note: str, actor: Actor, now: datetime) -> Review:
    """Sign off what was shown. The next review is due after ACCESS_REVIEW_DAYS.

    Args:
        digest: of what the person saw; something else does not count.

    Raises Invalid without a note, Conflict when somebody was given or lost something meanwhile.
    """
    note = need_reason(note, "Write what you looked at, and what you had changed.")
    found = access.now_is(now=now)
    if found.digest != digest:
        raise Conflict("Who may do what has changed since you opened the page. Look at it again, then sign it off.")
    people, tokens = found.dormant(now)
    row = Review.objects.create(
        at=now,
        by=actor.name,
        note=note,
        people=sum(1 for person in found.people if person.active),
        tokens=len(found.tokens),
        dormant=len(people) + len(tokens),
        digest=digest,
        due_on=now.date() + timedelta(days=settings.ACCESS_REVIEW_DAYS),
    )
    after = {"people": row.people, "tokens": row.tokens, "dormant": row.dormant, "next": row.due_on.isoformat()}
    data = {"digest": digest, "dormant_people": sorted(people)}
    events.record(
        "access.reviewed", subject="audit:access", actor=actor, now=now, reason=row.note, after=after, data=data
    )
    return row
