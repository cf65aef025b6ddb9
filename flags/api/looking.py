"""Look over `/api/v1`: why an npub gets what it gets, and what was changed, in the environment of the token."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router, Schema

import flags.selectors
from core import events, exporting
from core.errors import Invalid
from core.exporting import Form
from flags.api.auth import caller, token_auth
from flags.api.times import Moment
from flags.domain.attributes import read_context
from flags.domain.change import MAX_NPUB_LENGTH
from flags.domain.replay import Answer
from flags.selectors import why
from flags.services.tokens import Scope

router = Router(tags=["looking"], auth=token_auth(Scope.OPERATE))
MOST = 1_000


class AnswerOut(Schema):
    """`value` is null where the caller's own default holds. `bucket` is null where no bucket was asked for."""

    flag: str
    value: Any = None
    variant: str
    reason: str
    rule: str
    rule_name: str
    why: str
    bucket: int | None
    buckets: int
    percentage: float
    version: int


class PastOut(Schema):
    """`event` made it so; null for what there was before the first one. `doubt` says what the history cannot tell."""

    since: datetime | None
    event: int | None
    kind: str
    variant: str | None
    on: bool
    why: str
    changed: bool
    doubt: str


class WhyOut(Schema):
    npub: str
    environment: str
    answers: list[AnswerOut]
    history: list[PastOut] | None = None


@router.get("/why", response=WhyOut, summary="What an npub is answered, by which rule, and what it was answered before")
def ask_why(
    request: HttpRequest,
    npub: Annotated[str, Query(min_length=1, max_length=MAX_NPUB_LENGTH)],
    flag: str = "",
    attribute: Annotated[list[str], Query(description="Of the context, as name=value; give it again for more.")] = [],  # noqa: B006
) -> WhyOut:
    """With `flag` only this one, and its history: the answer after each change, newest first."""
    environment = caller(request).environment
    context = read_context("\n".join(attribute))
    state = flags.selectors.state(flag, environment) if flag else None
    lines = why.answers(npub, context, environment=environment, flag=flag)
    past = None if state is None else [_past(entry) for entry in why.over_time(state, npub, context)]
    return WhyOut(npub=npub, environment=environment, answers=[_answer(line) for line in lines], history=past)


class HistoryFilter(Schema):
    flag: str = ""
    since: Moment | None = None
    before: int | None = None
    limit: int = MOST
    format: Form = Form.JSON


@router.get(
    "/history",
    response={200: list[dict[str, Any]]},
    summary="What was changed, newest first",
    openapi_extra={"responses": {200: {"content": {"text/csv": {}}}}},
)
def history(request: HttpRequest, wanted: Annotated[HistoryFilter, Query()]) -> StreamingHttpResponse:
    """Events of the environment, and those of the flags' definitions.

    At most `limit` of them (1 to 1,000): go on with `before`, the last id that you have. As CSV no cell is a formula.
    """
    if not 1 <= wanted.limit <= MOST:
        raise Invalid(f"A page has 1 to {MOST:,} events.", field="limit")
    found = _events(caller(request).environment, wanted)[: wanted.limit]
    return StreamingHttpResponse(
        exporting.lines(found, wanted.format), content_type=exporting.MEDIA_TYPES[wanted.format]
    )


def _events(environment: str, wanted: HistoryFilter) -> QuerySet[Any]:
    of_all = Q(environment=None, subject__startswith="flag:")  # people and tokens are not this token's business
    found = events.recent().filter(Q(environment__key=environment) | of_all)
    if wanted.flag:
        found = found.filter(subject=f"flag:{wanted.flag}")
    if wanted.since is not None:
        found = found.filter(at__gte=wanted.since)
    return found if wanted.before is None else found.filter(id__lt=wanted.before)


def _answer(line: why.Line) -> AnswerOut:
    decision = line.decision
    return AnswerOut(
        flag=line.state.flag.key,
        value=decision.value if decision.has_value else None,
        variant=decision.variant,
        reason=decision.reason,
        rule=decision.rule,
        rule_name=decision.name,
        why=decision.why,
        bucket=decision.bucket,
        buckets=decision.buckets,
        percentage=decision.percentage,
        version=line.state.version,
    )


def _past(entry: Answer[why.Past | None]) -> PastOut:
    return PastOut(
        since=entry.since,
        event=entry.event.id if entry.event else None,
        kind=entry.event.kind if entry.event else "",
        variant=entry.answer.decision.variant if entry.answer else None,
        on=bool(entry.answer and entry.answer.on),
        why=entry.answer.decision.why if entry.answer else "The flag was archived.",
        changed=entry.changed,
        doubt=entry.doubt,
    )
