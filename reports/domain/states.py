"""What a report is: made, and released; and what people say to it."""

from __future__ import annotations

from enum import StrEnum

from core.machine import Machine


class ReportState(StrEnum):
    """A draft may be made again with what has come in since; what was released stays as it is."""

    DRAFT = "draft"
    RELEASED = "released"


class Origin(StrEnum):
    WEEKLY = "weekly"  # by the clock
    BY_HAND = "by_hand"


class RemarkKind(StrEnum):
    COMMENT = "comment"
    SIGN_OFF = "sign_off"


MACHINE = Machine(
    noun="report",
    moves={
        ReportState.DRAFT: frozenset({ReportState.RELEASED}),
        ReportState.RELEASED: frozenset(),
    },
)
