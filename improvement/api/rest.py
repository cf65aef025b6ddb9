"""What is learnt, for programs: `/api/v1/feedback`, `/api/v1/actions`, `/api/v1/lessons`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import Field

from flags.api.auth import caller, token_auth
from flags.api.bodies import Body
from flags.api.paging import Page, cut
from flags.services.tokens import Scope
from improvement.domain.actions import LONGEST_KEY, LONGEST_TITLE, ActionState
from improvement.domain.feedback import LONGEST, Aspect, Given, Kind, State
from improvement.domain.feedback import LONGEST_KEY as LONGEST_FEEDBACK_KEY
from improvement.domain.lessons import Area, Sort
from improvement.selectors import actions, feedback, lessons
from improvement.services import actions as acting
from improvement.services import feedback as receiving
from improvement.services import lessons as writing

router = Router(tags=["improvement"])


class FeedbackIn(Body):
    """Feedback of somebody. What comes twice under one key is kept once."""

    kind: Kind
    text: str = Field("", max_length=LONGEST, description="Plain text. It is never told in the history.")
    aspect: Aspect | None = Field(None, description="Of technical feedback.")
    rating: int | None = Field(None, ge=1, le=5, description="Of user feedback it counts for userSatisfaction.")
    flag: str = Field("", description="The feature it is about, where that is known.")
    key: str = Field("", max_length=LONGEST_FEEDBACK_KEY, description="Yours.")


class Receipt(Schema):
    id: int
    duplicate: bool


class FeedbackOut(Schema):
    id: int
    kind: Kind
    aspect: str
    text: str
    rating: int | None
    flag: str = Field(alias="flag_key")
    at: datetime
    given_by: str
    state: State
    tags: list[str]


class ActionIn(Body):
    """An action item. `key` is yours: what is opened twice under one key is one item."""

    title: str = Field(max_length=LONGEST_TITLE)
    text: str = Field("", max_length=LONGEST)
    owner: str = Field(description="The user name of somebody who can sign in.")
    due: date
    origin: str = Field("", examples=["feedback:12"])
    key: str = Field("", max_length=LONGEST_KEY)


class ActionOut(Schema):
    id: int
    title: str
    text: str
    owner: str
    due: date
    state: ActionState
    origin: str
    changes: str
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None
    closed_by: str
    outcome: str
    version: int


class LessonIn(Body):
    area: Area
    sort: Sort
    text: str = Field(max_length=300)
    detail: str = Field("", max_length=LONGEST)
    evidence: str = Field("", examples=["incident:3"])
    about: list[str] = Field([], examples=[["flag:atomicMeltOperations"]])
    tags: list[str] = []


class LessonOut(LessonIn):
    id: int
    written_at: datetime
    written_by: str


@router.post("/feedback", auth=token_auth(Scope.REPORT), response={202: Receipt}, summary="Give feedback")
def give(request: HttpRequest, body: FeedbackIn) -> Status[Receipt]:
    token = caller(request)
    aspect = body.aspect.value if body.aspect else ""
    given = Given(body.kind.value, body.text, aspect, body.rating, body.flag, body.key)
    received = receiving.receive(token.environment, given, actor=token.actor, now=timezone.now())
    return Status(202, Receipt(id=received.feedback.pk, duplicate=received.duplicate))


@router.get("/feedback", auth=token_auth(Scope.OPERATE), response=list[FeedbackOut], summary="List feedback")
def list_feedback(request: HttpRequest, response: HttpResponse, page: Query[Page]) -> Any:
    rows = feedback.listed().filter(environment__key=caller(request).environment)
    return cut(request, response, rows, page)


@router.post("/actions", auth=token_auth(Scope.OPERATE), response={201: ActionOut}, summary="Open an action item")
def open_action(request: HttpRequest, body: ActionIn) -> Status[Any]:
    told = body.model_dump(exclude={"title"})
    row = acting.open_item(body.title, **told, actor=caller(request).actor, now=timezone.now())
    return Status(201, row)


@router.get("/actions", auth=token_auth(Scope.OPERATE), response=list[ActionOut], summary="List action items")
def list_actions(
    request: HttpRequest, response: HttpResponse, page: Query[Page], state: ActionState | None = None
) -> Any:
    rows = actions.listed() if state is None else actions.listed().filter(state=state.value)
    return cut(request, response, rows, page)


@router.post("/lessons", auth=token_auth(Scope.OPERATE), response={201: LessonOut}, summary="Write a lesson")
def write_lesson(request: HttpRequest, body: LessonIn) -> Status[Any]:
    given = {**body.model_dump(), "area": body.area.value, "sort": body.sort.value}
    return Status(201, writing.write(given, actor=caller(request).actor, now=timezone.now()))


@router.get("/lessons", auth=token_auth(Scope.OPERATE), response=list[LessonOut], summary="Search the lessons")
def list_lessons(request: HttpRequest, q: str = "") -> Any:
    return lessons.found(q)
