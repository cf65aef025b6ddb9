"""Freezes over `/api/v1/freezes`: what is frozen in the environment of the token. People plan them, in the admin."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema

from core import environments, freezes
from core.calendar import YEARS
from core.errors import Invalid
from core.freezes import Span, is_lifted
from flags.api.auth import caller, token_auth
from flags.api.times import Moment
from flags.services.tokens import Scope

router = Router(tags=["freezes"], auth=token_auth(Scope.OPERATE, Scope.CALENDAR))
LONGEST = timedelta(days=366)
MOST = 500  # times of one freeze


class FrozenOut(Schema):
    """One time that a freeze holds. `let_through_until` is set while an approver lets changes through."""

    freeze: int
    name: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    holds_now: bool
    let_through_until: datetime | None


class Between(Schema):
    """From now to 31 days from now when left out; at most a year."""

    since: Moment | None = None
    until: Moment | None = None


@router.get("/freezes", response=list[FrozenOut], summary="When nothing is raised, promoted or released here")
def listed(request: HttpRequest, wanted: Query[Between]) -> list[FrozenOut]:
    """Before a deployment: is the first one's `holds_now` true?"""
    now = timezone.now()
    since = wanted.since or now
    if since.year not in YEARS:
        raise Invalid(f"`since` lies in the years {YEARS[0]} to {YEARS[-1]}.", field="since")
    until = wanted.until or since + timedelta(days=31)
    if not timedelta(0) < until - since <= LONGEST:
        raise Invalid("`until` is later than `since`, by at most 366 days.", field="until")
    where = environments.get(caller(request).environment)
    found = freezes.spans(freezes.live().filter(environments=where), since=since, until=until, most=MOST)
    return [_shown(span, where.pk, now) for span in found]


def _shown(span: Span, environment_id: int, now: datetime) -> FrozenOut:
    override = span.lifted.get(environment_id)
    lifted = is_lifted(override, now)
    return FrozenOut(
        freeze=span.freeze.pk,
        name=span.freeze.name,
        reason=span.freeze.reason,
        starts_at=span.occurrence.starts_at,
        ends_at=span.occurrence.ends_at,
        holds_now=span.occurrence.holds(now) and not lifted,
        let_through_until=override.until if override is not None and lifted else None,
    )
