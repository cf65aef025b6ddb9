"""How the audit reads."""

from __future__ import annotations

from django.utils.safestring import SafeString

from audit.domain.findings import Wrong
from audit.models import State
from core.templatetags.screen import badge

_STATES = {
    State.ASKED: ("waits for a worker", "mute", "schedule"),
    State.RUNNING: ("running", "info", "progress_activity"),
    State.SOUND: ("as it was sealed", "ok", "verified"),
    State.BROKEN: ("not as it was sealed", "bad", "gpp_bad"),
}
FINDINGS = {
    Wrong.CHANGED: "An event was changed",
    Wrong.REMOVED: "An event was removed",
    Wrong.INSERTED: "An event was put in afterwards, or lost its seal",
    Wrong.RETURNED: "A forgotten event is back",
    Wrong.REORDERED: "Seals changed places",
    Wrong.REWRITTEN: "A seal was rewritten",
    Wrong.GAP: "Seals are missing",
    Wrong.TAIL: "The end of the chain is not the one that was kept",
    Wrong.SIGNATURE: "A head is not signed as it should be",
}


def state(value: str) -> SafeString:
    return badge(*_STATES[State(value)])


def finding(value: str) -> str:
    return FINDINGS[Wrong(value)]
