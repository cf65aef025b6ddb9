"""Production under four eyes, as its pages are used: the operator asks, the approver decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from approvals.models import ChangeRequest
from approvals.services import requests
from core.actors import Actor, ActorKind
from core.asking import Change
from flags.models import Flag
from flags.services import approval_rules

KEY = "atomicMeltOperations"
OPERATOR = Actor("operator", ActorKind.PERSON)
Ask = Callable[..., ChangeRequest]
Send = Callable[..., Any]


@pytest.fixture
def stopped(now: datetime) -> Iterator[time_machine.Traveller]:
    """The clock stands still at the story's morning until a test moves it."""
    with time_machine.travel(now, tick=False) as traveller:
        yield traveller


@pytest.fixture
def rules(flag: Flag, now: datetime) -> None:
    """Production asks for approval to raise by more than 20 points."""
    approval_rules.define("production", {"raise": {"above": 20}}, actor=OPERATOR, reason="tests", now=now)


def half(percentage: str = "50", **more: Any) -> Change:
    return Change("flag.state", KEY, {"enabled": True, "percentage": percentage, **more})


@pytest.fixture
def ask(rules: None) -> Ask:
    """The operator asks for half of production."""

    def open_request(*changes: Change, actor: Actor = OPERATOR, **over: Any) -> ChangeRequest:
        told = {"title": "To half of the users", "reason": "all is calm", "now": timezone.now(), **over}
        return requests.open_request("production", changes or [half()], actor=actor, **told)

    return open_request


@pytest.fixture
def send(client_as: Callable[[str], Client]) -> Send:
    """Post one command on a request as somebody."""

    def post(role: str, request: ChangeRequest, name: str, *, htmx: bool = False, **form: Any) -> Any:
        request.refresh_from_db()
        values = {"version": request.version, "digest": request.digest, "reason": "because", **form}
        address = reverse(f"admin:approvals_request_{name}", args=[request.pk])
        return client_as(role).post(address, values, headers={"HX-Request": "true"} if htmx else None)

    return post


@pytest.fixture
def see(client_as: Callable[[str], Client]) -> Callable[..., str]:
    """The page of a request, or the list of them, as somebody sees it."""

    def get(role: str, request: ChangeRequest | None = None, **query: str) -> str:
        name = "changelist" if request is None else "change"
        address = reverse(f"admin:approvals_changerequest_{name}", args=[request.pk] if request else [])
        return client_as(role).get(address, query).content.decode()

    return get
