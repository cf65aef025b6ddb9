"""What client libraries tell and ask over `/api/v1`: their report, and a ticket for the stream (docs/clients.md)."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Schema, Status
from pydantic import AfterValidator, Field

from core.errors import NotFound
from flags.api.auth import caller, token_auth
from flags.api.bodies import Body
from flags.domain.keys import KEY_PATTERN
from flags.domain.usage import Answer
from flags.services import instances, tickets
from flags.services.tokens import Scope
from flags.services.usage import LONGEST_UNIT

router = Router(tags=["clients"], auth=token_auth(Scope.SNAPSHOT, Scope.EVALUATE))
MOST_ROWS = 2_000
MOST_UNITS = 1_000


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("Only printable characters.")
    return text


Text = Annotated[str, AfterValidator(_printable)]


class UsageRow(Body):
    flag: str = Field(pattern=KEY_PATTERN)
    variant: Text = Field("", max_length=100)
    reason: str = Field(pattern=r"^[A-Z_]{1,20}$", examples=["SPLIT"])
    count: int = Field(ge=1, le=1_000_000_000)


class Report(Body):
    """Sent again with the same `report` (a UUID), it counts once."""

    instance: Text = Field(min_length=1, max_length=100, examples=["melt-7f9c-1"])
    software: Text = Field("", max_length=80, examples=["nctool-flags-python/1.0"])
    version: int = Field(ge=0, le=2**53, description="The version it decides by; 0 for none yet.")
    interval: int = Field(30, ge=1, le=3600, description="Seconds until it reports again.")
    usage: list[UsageRow] = Field([], max_length=MOST_ROWS)
    units: list[Annotated[str, Field(max_length=LONGEST_UNIT)]] = Field([], max_length=MOST_UNITS)
    report: UUID
    stopping: bool = False


class Ticket(Schema):
    url: str
    expiresAt: datetime  # noqa: N815 - as the protocol spells it


@router.post(
    "/clients/report",
    response={204: None},
    auth=token_auth(Scope.SNAPSHOT),  # a browser's token is public: it must not make up usage
    summary="Tell who you are, what you decided, and by which version",
)
def report(request: HttpRequest, body: Report) -> Status[None]:
    counts: Counter[Answer] = Counter()
    for row in body.usage:
        counts[Answer(row.flag, row.variant, row.reason)] += row.count
    told = instances.Report(
        instance=body.instance,
        software=body.software,
        version=body.version,
        interval=body.interval,
        report=str(body.report),
        usage=counts,
        units=set(body.units),
        stopping=body.stopping,
    )
    instances.take(told, caller(request).environment, now=timezone.now())
    return Status(204, None)


@router.post("/stream-tickets", response=Ticket, summary="An address at which the stream can be opened now")
def stream_ticket(request: HttpRequest, response: HttpResponse) -> Ticket:
    if not settings.STREAM_URL:
        raise NotFound("There is no stream here: STREAM_URL is not set. Ask for the snapshot at intervals instead.")
    response["Cache-Control"] = "no-store"
    expires = timezone.now() + timedelta(seconds=tickets.CONNECT_SECONDS)
    ticket = tickets.issue(caller(request), expires=int(expires.timestamp()))
    at = datetime.fromtimestamp(int(expires.timestamp()), UTC)
    return Ticket(url=f"{settings.STREAM_URL}?{urlencode({'ticket': ticket})}", expiresAt=at)
