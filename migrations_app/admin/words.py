"""How a run, its phases and what became of documents read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bson import ObjectId, json_util
from django.conf import settings
from django.urls import reverse

from core import moments
from migrations_app.adapters import modules
from migrations_app.domain.images import MISSING
from migrations_app.domain.restoring import Fate
from migrations_app.domain.states import LogStatus, RunState, Traffic, Wish

Look = tuple[str, str, str]  # words, tone, icon
FateLook = tuple[str, str, str, str]  # and what it means

LOOK: dict[RunState, Look] = {
    RunState.REQUESTED: ("waits for approval", "warn", "hourglass_top"),
    RunState.APPROVED: ("waits for a worker", "info", "schedule"),
    RunState.RUNNING: ("running", "info", "sync"),
    RunState.PAUSED: ("paused", "warn", "pause_circle"),
    RunState.HELD: ("waits after its canary", "warn", "pan_tool"),
    RunState.ROLLING_BACK: ("is taken back", "bad", "undo"),
    RunState.COMPLETED: ("completed", "ok", "check_circle"),
    RunState.FAILED: ("failed", "bad", "error"),
    RunState.ROLLED_BACK: ("rolled back", "warn", "undo"),
    RunState.ROLLBACK_FAILED: ("rollback failed", "bad", "report"),
    RunState.ABANDONED: ("ended, changes left", "warn", "cancel"),
    RunState.REFUSED: ("refused", "mute", "block"),
    RunState.EXPIRED: ("expired", "mute", "timer_off"),
}
LOG_LOOK: dict[LogStatus, Look] = {
    LogStatus.STARTED: ("STARTED", "info", "play_arrow"),
    LogStatus.COMPLETED: ("COMPLETED", "ok", "check_circle"),
    LogStatus.FAILED: ("FAILED", "bad", "error"),
    LogStatus.PAUSED: ("PAUSED", "warn", "pause_circle"),
    LogStatus.ABANDONED: ("ABANDONED", "warn", "cancel"),
    LogStatus.ROLLED_BACK: ("ROLLED_BACK", "warn", "undo"),
    LogStatus.ROLLBACK_FAILED: ("ROLLBACK_FAILED", "bad", "report"),
}
WISHES = {
    Wish.PAUSE: "It pauses after the batch it is at",
    Wish.ABORT: "It is taken back after the batch it is at",
    Wish.LEAVE: "It ends after the batch it is at, and leaves what it has changed",
}
TRAFFIC = {
    Traffic.LIVE: "Live: nctool goes on writing. Balances may move; no wallet may become wrong.",
    Traffic.STOPPED: "Stopped: nobody else writes. Every total and balance has to be afterwards what it was before.",
}
FATES: dict[Fate, FateLook] = {
    Fate.RESTORED: ("restored", "ok", "check_circle", "Byte for byte as it was before the run."),
    Fate.MERGED: (
        "merged",
        "info",
        "merge",
        "Others have changed it since: only our fields are taken back, theirs stay.",
    ),
    Fate.CONFLICT: (
        "conflict",
        "bad",
        "error",
        "Others have changed our own fields: it is left as it is, for a person.",
    ),
    Fate.UNTOUCHED: (
        "untouched",
        "mute",
        "radio_button_unchecked",
        "It has nothing of ours any more: there is nothing to take back.",
    ),
    Fate.GONE: ("gone", "warn", "delete", "It was deleted since."),
    Fate.LATER: ("later", "mute", "update", "It was changed again later in the same run, and that entry counts."),
}
NO_SECRETS = ("proofs", "proof", "secret")  # whoever knows the secret of a proof can spend it
NOT_SHOWN = "(not shown)"
ABSENT = "not there"
PAGES = {"cashutokens": "cashutoken", "cashuwallets": "cashuwallet"}


def titles(number: str) -> dict[str, tuple[str, str]]:
    """Title and collection of each operation, by the name that the journal has for it: `data.0`."""
    loaded = modules.load().get(number)
    if loaded is None:
        return {}
    return {
        f"{phase.name.value}.{position}": (operation.title, operation.collection)
        for phase in loaded.migration.phases
        for position, operation in enumerate(phase.operations)
    }


def document_url(collection: str, key: str, environment: str) -> str:
    """The page of a token or wallet; "" where there is none: those pages show the database of one environment."""
    page = PAGES.get(collection)
    if page is None or environment != settings.NCTOOL_MONGODB_ENVIRONMENT or not ObjectId.is_valid(key):
        return ""
    return reverse(f"admin:migrations_app_{page}_change", args=[key])


def length(found: timedelta) -> str:
    """A length of time, also of what is over at once."""
    return "less than a second" if found < timedelta(seconds=1) else moments.span(found)


def without_secrets(value: Any) -> Any:
    """The same without what can be spent, however deep it lies."""
    if isinstance(value, Mapping):
        return {name: NOT_SHOWN if name in NO_SECRETS else without_secrets(each) for name, each in value.items()}
    if isinstance(value, list):
        return [without_secrets(each) for each in value]
    return value


def value(found: Any, path: str = "") -> str:
    """A value of a field as JSON on one line; MISSING in words."""
    if found is MISSING:
        return ABSENT
    if any(name in NO_SECRETS for name in path.split(".")):
        return NOT_SHOWN
    text = json_util.dumps(
        {"": without_secrets(found)}, json_options=json_util.RELAXED_JSON_OPTIONS, ensure_ascii=False
    )
    return text[len('{"": ') : -1]


def as_json(document: Mapping[str, Any]) -> str:
    """A whole document, for a person to read."""
    shown = without_secrets(document)
    return json_util.dumps(shown, json_options=json_util.RELAXED_JSON_OPTIONS, indent=2, ensure_ascii=False)
