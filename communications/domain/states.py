"""What becomes of an announcement."""

from __future__ import annotations

from enum import StrEnum

from core.machine import Machine


class AnnouncementState(StrEnum):
    DRAFT = "draft"  # a person has to approve it
    HELD = "held"  # waits for quiet hours to end, for the full hour, or for more of its kind
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"  # given up, until a person tries again
    MERGED = "merged"  # told as a part of another one
    DISCARDED = "discarded"


_S = AnnouncementState
MACHINE = Machine(
    noun="announcement",
    moves={
        _S.DRAFT: frozenset({_S.QUEUED, _S.DISCARDED}),
        _S.HELD: frozenset({_S.QUEUED, _S.MERGED}),
        _S.QUEUED: frozenset({_S.SENT, _S.FAILED}),
        _S.FAILED: frozenset({_S.QUEUED}),
        _S.SENT: frozenset(),
        _S.MERGED: frozenset(),
        _S.DISCARDED: frozenset(),
    },
)
