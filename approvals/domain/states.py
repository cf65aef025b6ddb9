"""What becomes of a change request."""

from __future__ import annotations

from enum import StrEnum

from core.machine import Machine


class RequestState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    APPLIED = "applied"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


_CLOSED = frozenset({RequestState.REJECTED, RequestState.WITHDRAWN, RequestState.EXPIRED})
LIVE = frozenset({RequestState.OPEN, RequestState.APPROVED})

MACHINE: Machine[RequestState] = Machine(
    "change request",
    {
        RequestState.OPEN: frozenset({RequestState.APPROVED}) | _CLOSED,
        RequestState.APPROVED: frozenset({RequestState.OPEN, RequestState.APPLIED}) | _CLOSED,
        RequestState.APPLIED: frozenset(),
        RequestState.REJECTED: frozenset(),
        RequestState.WITHDRAWN: frozenset(),
        RequestState.EXPIRED: frozenset(),
    },
)
