"""What the doors of `/api/v1/incidents` share: who acts, on which incident, and how it is told."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from flags.api.auth import caller
from incidents import selectors
from incidents.selectors.shown import shown


def known(request: HttpRequest, number: int) -> int:
    """The number, of an incident in the environment of the token; NotFound for any other."""
    return selectors.get(number, environment=caller(request).environment).pk


def as_it_is(request: HttpRequest, number: int) -> dict[str, Any]:
    """The incident as it is now, likewise."""
    return shown(selectors.get(number, environment=caller(request).environment))


def who(request: HttpRequest) -> dict[str, Any]:
    """Who acts and when, as services take it."""
    return {"actor": caller(request).actor, "now": timezone.now()}
