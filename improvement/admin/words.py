"""How the states of what is learnt look."""

from __future__ import annotations

from datetime import date

from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.templatetags.screen import badge
from improvement.domain.actions import ActionState, is_overdue
from improvement.domain.feedback import State
from improvement.domain.future import Progress
from improvement.models import ActionItem

FEEDBACK = {
    State.NEW: ("warn", "mark_chat_unread"),
    State.NOTED: ("mute", "chat"),
    State.ACCEPTED: ("info", "thumb_up"),
    State.DECLINED: ("mute", "block"),
    State.DUPLICATE: ("mute", "content_copy"),
    State.DONE: ("ok", "check_circle"),
}
PROGRESS = {
    Progress.PLANNED: ("mute", "schedule"),
    Progress.UNDER_WAY: ("info", "play_circle"),
    Progress.DONE: ("ok", "check_circle"),
    Progress.DROPPED: ("mute", "block"),
}
MET = {
    True: ("met", "ok", "check_circle"),
    False: ("not met", "warn", "radio_button_unchecked"),
    None: ("not known", "warn", "help"),
}


def feedback(state: str) -> SafeString:
    return badge(state, *FEEDBACK[State(state)])


def progress(state: str) -> SafeString:
    return badge(state, *PROGRESS[Progress(state)])


def met(value: bool | None) -> SafeString:  # noqa: FBT001 -- None is a third value
    return badge(*MET[value])


def action(row: ActionItem, *, today: date) -> SafeString:
    if is_overdue(row.state, row.due, today=today):
        return badge("overdue", "bad", "alarm")
    tone, icon = {
        ActionState.OPEN: ("warn", "radio_button_unchecked"),
        ActionState.DONE: ("ok", "check_circle"),
        ActionState.DROPPED: ("mute", "block"),
    }[ActionState(row.state)]
    return badge(row.state, tone, icon)


def day(given: date) -> SafeString:
    return format_html('<time datetime="{}">{} {}</time>', given.isoformat(), given.day, given.strftime("%b %Y"))


def rating(value: int | None) -> str:
    return f"{value} of 5" if value else ""
