"""Complaints of users: `POST /api/v1/complaints`, for whoever takes them, such as a help desk."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema, Status
from pydantic import Field

from flags.api.auth import caller, token_auth
from flags.api.bodies import Body
from flags.services.tokens import Scope
from monitoring.domain.complaints import LONGEST_KEY, LONGEST_NPUB, LONGEST_TEXT, Category, Said
from monitoring.services import complaints

router = Router(tags=["complaints"], auth=token_auth(Scope.REPORT))


class Complaint(Body):
    """A user who complains. Five distinct users in ten minutes are more than the seed's trigger stands."""

    category: Category
    npub: str = Field(max_length=LONGEST_NPUB, description="Who complains.")
    text: str = Field("", max_length=LONGEST_TEXT, description="In the user's words. It never leaves this list.")
    flag: str = Field("", description="The feature it is about, where that is known.")
    at: float | str | None = Field(None, description="Unix seconds, or RFC 3339 with an offset; now when left out.")
    key: str = Field("", max_length=LONGEST_KEY, description="Yours: a complaint with the same key is kept once.")


class Receipt(Schema):
    id: int
    duplicate: bool


@router.post("/complaints", response={202: Receipt}, summary="Report a complaint of a user")
def complain(request: HttpRequest, body: Complaint) -> Status[Receipt]:
    token = caller(request)
    said = Said(body.category.value, body.npub, body.text, body.flag, body.at, body.key)
    received = complaints.receive(token.environment, said, actor=token.actor, now=timezone.now())
    return Status(202, Receipt(id=received.complaint.pk, duplicate=received.duplicate))
