"""A change request is asked for, edited, rescheduled, refreshed and talked about. None of this changes a flag.

Each command locks the request and what it touches, and writes one event. `version` is what the caller saw:
StaleVersion when somebody changed the request since.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

import flags.selectors
from approvals import selectors
from approvals.domain import approving, payloads, schedule
from approvals.domain.digest import digest
from approvals.domain.schedule import Moment
from approvals.domain.states import RequestState
from approvals.models import ChangeRequest, Comment
from approvals.selectors import ground
from approvals.services.locking import hold, lock_ground, move, need_live, picture, save
from approvals.services.performing import By
from approvals.services.rehearsal import Rehearsal, rehearse
from core import environments, events
from core.actors import Actor
from core.asking import Change
from core.texts import need_reason, need_text

TITLE = "Give it a title, so that people know what they decide on."
REASON = "Say why: whoever approves this has to know."


@transaction.atomic
def open_request(
    environment: str,
    changes: Sequence[Change],
    *,
    title: str,
    reason: str,
    actor: Actor,
    now: datetime,
    apply_at: datetime | None = None,
    zone: str = "",
    reverts: int | None = None,
) -> ChangeRequest:
    """Ask for these changes; they are tried out, and nothing is changed.

    Args:
        apply_at: when the clock applies it, once it is approved: local time in `zone`, or with an offset.
            None: a person applies it.
        reverts: the request that this one takes back.

    Raises Invalid and NotFound for what the services would refuse, when nothing would change, without title or
    reason, and for a time that cannot be; Conflict when a change is not possible now.
    """
    where = environments.get(environment)
    asked = payloads.check(changes)
    request = ChangeRequest(
        environment=where,
        title=need_text(title, TITLE, field="title", longest=200),
        reason=need_reason(reason, REASON),
        requested_by=actor.name,
        requested_by_kind=actor.kind.value,
        contributors=flags.selectors.people_behind(actor, environment),
        created_at=now,
        reverts_id=reverts,
    )
    moment = None if apply_at is None else schedule.resolve(apply_at, zone, now=now)
    lock_ground(environment, asked)
    _lay(request, asked, moment, actor=actor, now=now)
    save(request, "request.opened", {}, actor=actor, reason=request.reason, now=now)
    _name_flags(request)
    return request


@transaction.atomic
def edit(
    request_id: int,
    *,
    changes: Sequence[Change] | None = None,
    title: str | None = None,
    reason: str | None = None,
    actor: Actor,
    now: datetime,
    version: int,
) -> ChangeRequest:
    """Ask for something else; what is None stays. Voids every approval, and the editor may never approve it."""
    request = hold(request_id, version=version)
    need_live(request, "edited", now=now)
    before = picture(request)
    if title is not None:
        request.title = need_text(title, TITLE, field="title", longest=200)
    if reason is not None:
        request.reason = need_reason(reason, REASON)
    asked = selectors.changes_of(request) if changes is None else payloads.check(changes)
    lock_ground(request.environment.key, asked)
    _contribute(request, actor)
    _lay_again(request, asked, _moment(request), f"{actor.name} edited the request.", actor=actor, now=now)
    save(request, "request.edited", before, actor=actor, reason="", now=now, data=_voided(before))
    _name_flags(request)
    return request


@transaction.atomic
def reschedule(
    request_id: int, *, apply_at: datetime | None, zone: str, actor: Actor, now: datetime, version: int
) -> ChangeRequest:
    """Have the clock apply it at another time; None: a person applies it. Voids every approval, as an edit does."""
    request = hold(request_id, version=version)
    need_live(request, "rescheduled", now=now)
    before = picture(request)
    moment = None if apply_at is None else schedule.resolve(apply_at, zone, now=now)
    _contribute(request, actor)
    why = f"{actor.name} rescheduled the request."
    _lay_again(request, selectors.changes_of(request), moment, why, actor=actor, now=now)
    save(request, "request.rescheduled", before, actor=actor, reason="", now=now, data=_voided(before))
    return request


@transaction.atomic
def refresh(request_id: int, *, actor: Actor, now: datetime) -> ChangeRequest:
    """Lay the request on what there is now. Voids every approval when something has changed underneath.

    What is asked for stays, so whoever refreshes may approve it. When nothing has changed underneath, only the
    rules are read again: approvals stay.
    """
    request = hold(request_id)
    need_live(request, "refreshed", now=now)
    before, asked = picture(request), selectors.changes_of(request)
    stale = selectors.changed_since(request)
    if stale:
        _lay_again(request, asked, _moment(request), stale, actor=actor, now=now)
    else:
        _take_terms(request, _rehearse(request, asked, actor=actor, now=now))
    if picture(request) != before or stale:
        save(request, "request.refreshed", before, actor=actor, reason=stale, now=now, data=_voided(before))
    return request


@transaction.atomic
def comment(request_id: int, text: str, *, actor: Actor, now: datetime) -> Comment:
    """Say something about a request, also when it is decided."""
    request = selectors.get(request_id)
    text = need_text(text, "Write something.", field="text", longest=5_000)
    said = Comment.objects.create(request=request, author=actor.name, at=now, text=text)
    events.record(
        "request.commented",
        subject=f"request:{request_id}",
        actor=actor,
        now=now,
        environment_id=request.environment_id,
        reason=said.text,
        data={"request": request_id, "title": request.title},
    )
    return said


def _rehearse(request: ChangeRequest, asked: Sequence[Change], *, actor: Actor, now: datetime) -> Rehearsal:
    return rehearse(request.environment.key, asked, By(actor, request.reason, now))


def _lay(
    request: ChangeRequest, asked: Sequence[Change], moment: Moment | None, *, actor: Actor, now: datetime
) -> None:
    """Lay the changes on what there is now. The version is part of the digest: no earlier approval counts again."""
    tried = _rehearse(request, asked, actor=actor, now=now)
    request.changes = [change.to_dict() for change in asked]
    request.base = ground.base(request.environment.key, asked)
    request.apply_at, request.zone = (moment.at, moment.zone) if moment else (None, "")
    request.expires_at = (request.apply_at or now) + timedelta(seconds=tried.terms.expires_after)
    request.waiting_for = ""
    request.digest = digest(
        {
            "changes": request.changes,
            "base": request.base,
            "apply_at": request.apply_at.isoformat() if request.apply_at else "",
            "title": request.title,
            "reason": request.reason,
            "version": request.version + 1,
        }
    )
    _take_terms(request, tried)


def _lay_again(
    request: ChangeRequest, asked: Sequence[Change], moment: Moment | None, why: str, *, actor: Actor, now: datetime
) -> None:
    had = picture(request)["approved_by"]
    _lay(request, asked, moment, actor=actor, now=now)
    request.voided_reason = why if had else ""


def _take_terms(request: ChangeRequest, tried: Rehearsal) -> None:
    """What it would do and what the rules ask for it; whether the approvals that count are enough."""
    request.effects = tried.effects
    request.rules, request.needed = list(tried.terms.why), tried.terms.needed
    words = request.approvals.all() if request.pk else ()
    people = approving.counting(words, digest=request.digest, contributors=request.contributors)
    move(request, RequestState.APPROVED if len(people) >= request.needed else RequestState.OPEN)


def _moment(request: ChangeRequest) -> Moment | None:
    return Moment(request.apply_at, request.zone, "") if request.apply_at else None


def _contribute(request: ChangeRequest, actor: Actor) -> None:
    behind = flags.selectors.people_behind(actor, request.environment.key)
    request.contributors = list(dict.fromkeys([*request.contributors, *behind]))


def _name_flags(request: ChangeRequest) -> None:
    keys = {change["flag"] for change in request.changes}
    request.flags.set(flags.selectors.flags().filter(key__in=keys))


def _voided(before: dict[str, object]) -> dict[str, object]:
    return {"voided": before["approved_by"]}
