"""States of plans as badges."""

from __future__ import annotations

from django.utils.safestring import SafeString

from core.templatetags.screen import badge
from plans.domain.command import CommandState
from plans.domain.states import ItemState, PhaseState

_PHASES = {
    PhaseState.WAITING: ("waiting", "mute", "schedule"),
    PhaseState.ACTIVE: ("active", "info", "play_circle"),
    PhaseState.COMPLETED: ("completed", "ok", "check_circle"),
    PhaseState.ROLLED_BACK: ("rolled back", "bad", "undo"),
}
_ITEMS = {
    ItemState.PENDING: ("pending", "mute", "radio_button_unchecked"),
    ItemState.PASSED: ("passed", "ok", "check_circle"),
    ItemState.FAILED: ("failed", "bad", "cancel"),
    ItemState.SKIPPED: ("skipped", "warn", "skip_next"),
}
_RUNS = {
    CommandState.WAITING: ("waiting", "mute", "schedule"),
    CommandState.RUNNING: ("running", "info", "play_circle"),
    CommandState.SUCCEEDED: ("succeeded", "ok", "check_circle"),
    CommandState.FAILED: ("failed", "bad", "cancel"),
    CommandState.TIMED_OUT: ("timed out", "bad", "timer_off"),
    CommandState.STOPPED: ("stopped", "warn", "stop_circle"),
    CommandState.LOST: ("lost", "bad", "help"),
}


def phase(state: str) -> SafeString:
    return badge(*_PHASES[PhaseState(state)])


def item(state: str) -> SafeString:
    return badge(*_ITEMS[ItemState(state)])


def run(state: str) -> SafeString:
    return badge(*_RUNS[CommandState(state)])
