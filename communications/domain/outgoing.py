"""One message as a channel hands it over, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from communications.domain.alerts import Severity


class Act(StrEnum):
    """What the message does to the thing that it is about. A note has no thing: nothing is open after it."""

    OPEN = "open"
    UPDATE = "update"
    ACKNOWLEDGE = "acknowledge"
    CLOSE = "close"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to one recipient.

    Attributes:
        key: the same in every repeat; channels pass it on as far as they can, so that a receiver can tell one.
        target: whom the channel hands it to: `#dev-alerts`, a mail address, a user's name; empty: whoever the channel
            is for.
        text: plain, without markup. `html` is empty where there is none; a channel that knows no HTML ignores it.
        fields: the facts for programs.
        link: empty when the system has no public address.
        thread: what it belongs to, for example `incident:12`; empty for a message of its own.
        reference: what the channel answered to the first message of this thread to this target (`Receipt.reference`).
    """

    key: str
    target: str
    subject: str
    text: str
    severity: Severity
    at: datetime
    html: str = ""
    link: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    act: Act = Act.NOTE
    thread: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receiver has taken it. `reference` finds the message there again; `answer` is its answer, without secrets."""

    reference: str = ""
    answer: str = ""
